"""Times one solution of Darcy's equation by SciPy's sparse LU and by PyAMG's Ruge–Stüben multigrid with CG.

−∇·(a∇u) = 1 on the unit square, u = 0 on its boundary, on n × n nodes, the boundary among them: finite volumes with
harmonic means of the coefficient on the faces, (n−2)² unknowns. The coefficient comes from a NetCDF file or is drawn
as in Li et al. (2021): 12 where a Neumann field 9(−Δ+9)^−2 is positive, else 3. PyAMG iterates until the residual is
below the tolerance relative to the right-hand side's; the error reported is its distance from the LU solution in the
energy norm.
"""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=421)
    parser.add_argument("--coefficient", help="NetCDF file with fields on nodes; drawn at random without")
    parser.add_argument("--variable", default="a")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=1e-10)
    parser.add_argument("--permutation", default="MMD_AT_PLUS_A", help="SuperLU's column ordering")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def random_coefficient(nodes, seed):
    """The cosine series of the measure, without its constant mode, cut at the sign."""
    import numpy as np

    wavenumber = np.arange(nodes)
    deviation = 3 / (np.pi**2 * (wavenumber[:, None] ** 2 + wavenumber**2) + 9)
    deviation[0, 0] = 0
    amplitudes = deviation * np.random.default_rng(seed).standard_normal((nodes, nodes))
    cosines = np.cos(np.pi * np.outer(np.linspace(0, 1, nodes), wavenumber))
    cosines[:, 1:] *= 2**0.5
    return np.where(cosines @ amplitudes @ cosines.T > 0, 12.0, 3.0)


def finite_volumes(coefficient):
    """The matrix of −∇·(a∇) on the inner nodes, rows ordered as the array."""
    import numpy as np
    import scipy.sparse

    nodes = len(coefficient)
    inner = slice(1, -1)

    def faces(first, second):
        return 2 * first * second / (first + second) * (nodes - 1) ** 2

    down = faces(coefficient[:-1, inner], coefficient[1:, inner])
    right = faces(coefficient[inner, :-1], coefficient[inner, 1:])
    diagonal = down[:-1] + down[1:] + right[:, :-1] + right[:, 1:]
    across = np.pad(right[:, 1:-1], ((0, 0), (0, 1))).ravel()[:-1]
    along = down[1:-1].ravel()
    bands = [-along, -across, diagonal.ravel(), -across, -along]
    offsets = [2 - nodes, -1, 0, 1, nodes - 2]
    return scipy.sparse.diags(bands, offsets, format="csr")


def main():
    options = arguments()
    common.prepare(options.threads)
    import numpy as np
    import pyamg
    from scipy.sparse.linalg import spsolve

    if options.coefficient:
        fields = common.netcdf_variables(options.coefficient, [options.variable])
        coefficient = fields[options.sample, 0].astype(float)
    else:
        coefficient = random_coefficient(options.nodes, options.seed)
    if coefficient.min() <= 0:
        raise SystemExit("the coefficient must be positive everywhere")
    assembly_seconds, matrix = common.seconds_of(lambda: finite_volumes(coefficient))
    source = np.ones(matrix.shape[0])
    columns = matrix.tocsc()

    def direct():
        return spsolve(columns, source, permc_spec=options.permutation)

    residuals = []

    def multigrid():
        residuals.clear()
        solver = pyamg.ruge_stuben_solver(matrix)
        return solver.solve(source, tol=options.tolerance, accel="cg", residuals=residuals)

    exact, approximate = direct(), multigrid()
    error = approximate - exact
    common.report(
        ["scipy", "pyamg"],
        nodes=len(coefficient),
        assembly_seconds=assembly_seconds,
        spsolve_seconds=common.median_seconds(direct, options.repeats, warm_up=0),
        pyamg_seconds=common.median_seconds(multigrid, options.repeats, warm_up=0),
        pyamg_iterations=len(residuals) - 1,
        pyamg_energy_error=float(np.sqrt((error @ (matrix @ error)) / (exact @ source))),
        centre=float(exact[len(exact) // 2]),
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
