"""Runs the solvers and their peers in turn on the same work and writes Markdown tables of the ratios.

One function a comparison, all of them listed in COMPARISONS: each takes the options and returns the lines of its
table. Figures of one sitting only: the table says on which machine.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import compare


def lines_of_json(command):
    """The JSON objects that a command prints, one a line."""
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def verdict(ratio, bar, at_most=False):
    met = ratio <= bar if at_most else ratio >= bar
    return f"{ratio:.1f}× (bar: {'at most ' if at_most else ''}{bar}×{'' if met else ', missed'})"


def poisson3d(options):
    """Sine modes on n³ inner points: 255 + 1 is a good length for fast transforms, 256 + 1 is prime."""
    rows = []
    for points, bar in ((255, 1.5), (256, 4)):
        ours, peer = [], []
        for _ in range(options.rounds):
            ours += lines_of_json([options.benchmarks, "poisson3d", "--points", str(points),
                                   "--threads", str(options.threads)])
            peer.append(compare.output([sys.executable, str(compare.PEERS / "scipy_poisson3d.py"), "--points", str(points),
                                        "--repeats", "3", "--workers", *map(str, range(1, options.threads + 1))]))
        mine = statistics.median(run["milliseconds"] for run in ours)
        best = statistics.median(min(run["solve_ms_by_workers"].values()) for run in peer)
        print("poisson3d", points, mine, best, file=sys.stderr, flush=True)
        rows.append(f"| {points}³ | {mine:.0f} | {best:.0f} | {verdict(best / mine, bar)} |")
    return ["", "| 3-D Poisson, sine modes, double | ours, ms | SciPy, its best number of workers, ms | ratio |",
            "|---|---|---|---|"] + rows


def sweeps(options):
    """Tridiagonal systems along each axis of 256³ beside a copy of the array, in one process."""
    runs = [lines_of_json([options.benchmarks, "sweeps", "--threads", str(options.threads)])
            for _ in range(options.rounds)]
    rows = []
    for index, first in enumerate(runs[0]):
        median = {key: statistics.median(run[index][key] for run in runs)
                  for key in ("milliseconds", "copy_milliseconds", "ratio")}
        print(first["benchmark"], first["axis"], median, file=sys.stderr, flush=True)
        rows.append(f"| {first['benchmark']}, axis {first['axis']:.0f} | {median['milliseconds']:.1f} | "
                    f"{median['copy_milliseconds']:.1f} | {verdict(median['ratio'], 4, at_most=True)} |")
    return ["", "| one ADI sweep over 256³, double | ms | a copy of the array, ms | ratio |", "|---|---|---|---|"] + rows


def burgers(options):
    return compare.burgers(options.program, 1000)


def darcy(options):
    return compare.darcy(options.program, 421)


COMPARISONS = {"burgers": burgers, "darcy": darcy, "poisson3d": poisson3d, "sweeps": sweeps}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="{" + ",".join(COMPARISONS) + "}", help="default: all")
    parser.add_argument("--program", default=".build/release/operatorctl")
    parser.add_argument("--benchmarks", default="Benchmarks/.build/release/SolverBenchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    for what in options.what:
        if what not in COMPARISONS:
            parser.error(f"there is no {what}; there are {', '.join(COMPARISONS)}")
    lines = [f"{compare.machine()}, {options.threads} threads, {time.strftime('%Y-%m-%d')}."]
    for what in options.what or COMPARISONS:
        lines += COMPARISONS[what](options)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
