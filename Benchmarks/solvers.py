"""Runs the solvers and their peers in turn on the same work and writes Markdown tables of the ratios.

One function a comparison, all of them listed in COMPARISONS: each takes the options and returns the lines of its
table. Figures of one sitting only: the table says on which machine.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
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


def generate(options, equation, *arguments):
    """The summary that `operatorctl generate` prints."""
    return compare.output([options.program, "generate", equation, *map(str, arguments), "--seed", "0", "--store", "float64",
                   "--threads", str(options.threads), "--force", "--json"])


def values(path, name):
    import netCDF4
    import numpy as np

    with netCDF4.Dataset(path) as file:
        return np.asarray(file[name][:])


def relative_errors(found, exact):
    """Of every sample of two arrays `[sample, y, x]`, in L2."""
    import numpy as np

    norms = [np.linalg.norm(part.reshape(len(part), -1), axis=1) for part in (found - exact, exact)]
    return norms[0] / norms[1]


def processor_seconds_of(work):
    """What a program that `work` runs gives, with the processor time it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def navier_stokes_step(options):
    """One ETDRK4 step of one sample on 256² points: operatorctl with everything (drawing, writing), exponax's steps alone.

    On a machine that others use, too, the processor time tells more than the wall's.
    """
    samples, steps = 8, 100
    walls, processors = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/flow.nc"
        arguments = ["--samples", samples, "--resolution", 256, "--dt", 1e-2, "--final-time", steps * 1e-2,
                     "--output", data]
        generate(options, "navier-stokes", *arguments)
        for _ in range(options.rounds):
            run, processor = processor_seconds_of(lambda: generate(options, "navier-stokes", *arguments))
            peer = compare.output([sys.executable, str(compare.PEERS / "exponax_navier_stokes.py"), "--initial", data, "--steps",
                           str(steps), "--samples", str(samples), "--threads", str(options.threads), "--repeats", "1"])
            scale = 1e3 / (steps * samples)
            walls.append((scale * run["seconds"], peer["step_ms_per_sample"]))
            processors.append((scale * processor, peer["processor_ms_per_sample"]))
            print("navier-stokes step", walls[-1], processors[-1], file=sys.stderr, flush=True)

    def row(name, pairs):
        ours, theirs = (statistics.median(column) for column in zip(*pairs))
        return f"| {name} | {ours:.2f} | {theirs:.2f} | {statistics.median(x / y for x, y in pairs):.2f} |"

    return ["", f"| Navier–Stokes 256², float64, one ETDRK4 step a sample, {options.threads} threads, ms | operatorctl, all "
            "of it | exponax, stepping alone | ratio |", "|---|---|---|---|", row("wall", walls),
            row("processors", processors)]


def navier_stokes_set(options):
    """The paper's set, ν = 1e-3 to T = 50 on 256² points, to the error of the released scheme.

    That scheme's whole runs take hours in PyTorch. Its error is that of `--method spectral-cn-euler --dt 1e-4`, the same
    scheme here (minutes a sample), checked against the peer's states over a few steps; its time is that of a few hundred
    steps of the peer times their number.
    """
    import numpy as np

    final_time, dt, batch, steps = 50, 1e-4, options.batch_size, 200
    tolerances = [1e-3, 3e-4, 1e-4, 3e-5]
    common = ["--samples", batch, "--resolution", 256, "--viscosity", 1e-3]
    with tempfile.TemporaryDirectory() as folder:
        reference, euler, short, state = (f"{folder}/{name}" for name in
                                          ("reference.nc", "euler.nc", "short.nc", "state.npy"))
        generate(options, "navier-stokes", "--samples", 1, "--resolution", 256, "--final-time", final_time, "--dt",
                 2e-2, "--output", reference)
        exact = values(reference, "w")[:, -1]
        released = options.released_error
        if released is None:
            generate(options, "navier-stokes", "--samples", 1, "--resolution", 256, "--final-time", final_time, "--dt",
                     dt, "--method", "spectral-cn-euler", "--output", euler)
            released = relative_errors(values(euler, "w")[:, -1], exact)[0]
        generate(options, "navier-stokes", *common, "--final-time", steps * dt, "--dt", dt, "--method",
                 "spectral-cn-euler", "--output", short)
        # The loosest tolerance that reaches the error, on the sample whose error is known.
        for tolerance in tolerances:
            ours_file = f"{folder}/ours.nc"
            generate(options, "navier-stokes", "--samples", 1, "--resolution", 256, "--final-time", final_time,
                     "--tolerance", tolerance, "--output", ours_file)
            error = relative_errors(values(ours_file, "w")[:, -1], exact)[0]
            if error <= released:
                break
        ours, peers = [], {"float64": [], "float32": []}
        count = math.ceil(final_time / dt)
        for _ in range(options.rounds):
            run, processor = processor_seconds_of(lambda: generate(
                options, "navier-stokes", *common, "--final-time", final_time, "--tolerance", tolerance, "--output",
                ours_file))
            ours.append((run["seconds"] / batch, processor / batch))
            for precision, times in peers.items():
                run = compare.output([sys.executable, str(compare.PEERS / "torch_navier_stokes.py"), "--initial", short, "--samples",
                              str(batch), "--steps", str(steps), "--dt", str(dt), "--precision", precision, "--threads",
                              str(options.threads), "--repeats", "1"]
                             + (["--output", state] if precision == "float64" else []))
                times.append((1e-3 * count * run["step_ms_per_sample"], 1e-3 * count * run["processor_ms_per_sample"]))
            print("navier-stokes set", ours[-1], {k: t[-1] for k, t in peers.items()}, file=sys.stderr, flush=True)
        agreement = relative_errors(np.load(state), values(short, "w")[:, -1]).max()

    def row(name, pairs, error):
        wall, processor = (statistics.median(column) for column in zip(*pairs))
        ratios = [statistics.median(y / x for x, y in zip(*columns)) for columns in zip(zip(*ours), zip(*pairs))]
        return f"| {name} | {wall:.3g} | {processor:.3g} | {ratios[0]:.0f}, {ratios[1]:.0f} | {error:.1e} |"

    return ["", f"| Navier–Stokes, ν = 1e-3, T = 50, 256² ({batch} samples, {options.threads} threads) | wall, s a sample | "
            "processors, s a sample | times ours | relative L2 error at T |", "|---|---|---|---|---|",
            row(f"operatorctl generate, ETDRK4, tolerance {tolerance:g}", ours, error)] + [
        row(f"torch, Crank–Nicolson–Euler, dt = 1e-4, {precision}", times, released)
        for precision, times in peers.items()
    ] + ["", f"After {steps} steps the states of the two programs by that scheme differ by {agreement:.0e}."]


def multigrid(options, resolutions=(65, 129, 257, 513), contrasts=(1, 10, 100)):
    """Darcy's methods by resolution and contrast, PyAMG's Ruge–Stüben with CG on the same coefficients."""
    import netCDF4

    methods = ("multigrid", "multigrid-conjugate-gradients", "conjugate-gradients")
    lines = ["", "| Darcy, 1e-10, one thread: iterations, ms a sample | " + " | ".join(methods) + " | PyAMG + CG |",
             "|---|" + "---|" * (len(methods) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/darcy.nc"
        for nodes in resolutions:
            for contrast in contrasts:
                cells = []
                for method in methods:
                    seconds = statistics.median(compare.output(
                        [options.program, "generate", "darcy", "--samples", "5", "--resolution", str(nodes), "--seed", "0",
                         "--coefficient", f"{contrast}:1", "--method", method, "--threads", "1", "--store", "float64",
                         "--force", "--output", data, "--json"])["seconds_per_sample"] for _ in range(options.rounds))
                    with netCDF4.Dataset(data) as file:
                        counts = [int(count) for count in file["iterations"][:]]
                    cells.append(f"{min(counts)}–{max(counts)}, {1e3 * seconds:.1f}")
                peer = compare.output([sys.executable, str(compare.PEERS / "scipy_darcy.py"), "--coefficient", data,
                                       "--threads", "1"])
                cells.append(f"{peer['pyamg_iterations']}, {1e3 * peer['pyamg_seconds']:.1f}")
                print(nodes, contrast, cells, file=sys.stderr, flush=True)
                lines.append(f"| {nodes}² nodes, {contrast}:1 | " + " | ".join(cells) + " |")
    return lines


COMPARISONS = {"burgers": burgers, "darcy": darcy, "multigrid": multigrid, "poisson3d": poisson3d, "sweeps": sweeps,
               "navier-stokes-step": navier_stokes_step, "navier-stokes-set": navier_stokes_set}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="{" + ",".join(COMPARISONS) + "}", help="default: all")
    parser.add_argument("--program", default=".build/release/operatorctl")
    parser.add_argument("--benchmarks", default="Benchmarks/.build/release/SolverBenchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=10, help="of the paper's Navier–Stokes set")
    parser.add_argument("--released-error", type=float, help="of that set's released scheme; computed (minutes) without")
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
