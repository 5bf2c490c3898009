"""Times SciPy's sine transforms on the 3-D Poisson equation −Δu = f, u = 0 on the boundary of the unit cube.

Second-order differences on n³ inner points, double precision: sine transform, division by the eigenvalues, inverse
transform, in place, for each number of workers. The right-hand side is a sine mode, whose discrete solution is known:
the error reported is the distance from it, which is roundoff.
"""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=127, help="inner points along each axis")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def main():
    options = arguments()
    common.prepare(max(options.workers))
    import numpy as np
    from scipy.fft import dstn, idstn

    points = options.points
    spacing = 1 / (points + 1)
    index = np.arange(1, points + 1)
    eigenvalues = (2 - 2 * np.cos(np.pi * spacing * index)) / spacing**2
    total = eigenvalues[:, None, None] + eigenvalues[:, None] + eigenvalues
    sine = np.sin(np.pi * spacing * index)
    source = sine[:, None, None] * sine[:, None] * sine
    exact = source / total[0, 0, 0]

    def solve(workers):
        spectrum = dstn(source, type=1, workers=workers)
        spectrum /= total
        return idstn(spectrum, type=1, workers=workers, overwrite_x=True)

    solve_ms = {
        workers: 1e3 * common.median_seconds(lambda: solve(workers), options.repeats)
        for workers in options.workers
    }
    error = np.abs(solve(options.workers[0]) - exact).max() / exact.max()
    common.report(["scipy"], points=points, solve_ms_by_workers=solve_ms, relative_error=float(error))


if __name__ == "__main__":
    main()
