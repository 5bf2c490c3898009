"""Compares the classical solvers of operatorctl with their Python peers, in turn, and writes Markdown tables.

One function per comparison, named on the command line; all of them without a name. Figures of one sitting only.
"""

import argparse
import statistics
import sys
import tempfile
import time

from compare import PEERS, darcy, machine, output


def generated(program, data, nodes, coefficient, method):
    """Seconds a sample on one thread, and the iterations of every sample."""
    import netCDF4

    result = output([program, "generate", "darcy", "--samples", "5", "--resolution", str(nodes), "--seed", "0",
                     "--coefficient", coefficient, "--method", method, "--threads", "1", "--store", "float64",
                     "--force", "--output", data, "--json"])
    with netCDF4.Dataset(data) as file:
        return result["seconds_per_sample"], [int(count) for count in file["iterations"][:]]


def darcy_421(program):
    """421² nodes, 1e-10 in the energy norm, against SciPy's sparse LU and PyAMG."""
    return darcy(program, 421)


def multigrid(program, resolutions=(65, 129, 257, 513), contrasts=(1, 10, 100)):
    """Multigrid by resolution and contrast, PyAMG's Ruge–Stüben with CG on the same coefficients."""
    methods = ("multigrid", "multigrid-conjugate-gradients", "conjugate-gradients")
    lines = ["", "| Darcy, 1e-10, one thread: iterations, ms a sample | " + " | ".join(methods) + " | PyAMG + CG |",
             "|---|" + "---|" * (len(methods) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/darcy.nc"
        for nodes in resolutions:
            for contrast in contrasts:
                cells = []
                for method in methods:
                    runs = [generated(program, data, nodes, f"{contrast}:1", method) for _ in range(3)]
                    seconds = statistics.median(run[0] for run in runs)
                    counts = runs[0][1]
                    cells.append(f"{min(counts)}–{max(counts)}, {1e3 * seconds:.1f}")
                peer = output([sys.executable, str(PEERS / "scipy_darcy.py"), "--coefficient", data, "--threads", "1"])
                cells.append(f"{peer['pyamg_iterations']}, {1e3 * peer['pyamg_seconds']:.1f}")
                print(nodes, contrast, cells, file=sys.stderr, flush=True)
                lines.append(f"| {nodes}² nodes, {contrast}:1 | " + " | ".join(cells) + " |")
    return lines


COMPARISONS = {"darcy": darcy_421, "multigrid": multigrid}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=list(COMPARISONS), metavar="{" + ",".join(COMPARISONS) + "}")
    parser.add_argument("--program", default=".build/release/operatorctl")
    options = parser.parse_args()
    if unknown := [name for name in options.what if name not in COMPARISONS]:
        parser.error(f"no comparison {unknown[0]}; there are {', '.join(COMPARISONS)}")
    lines = [f"{machine()}, {time.strftime('%Y-%m-%d')}."]
    for name in options.what:
        lines += COMPARISONS[name](options.program)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
