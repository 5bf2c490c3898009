"""Runs the solvers of operatorctl and their peers in turn on the same work and writes a Markdown table of the ratios.

Each side runs `--rounds` times, alternately, one program at a time; the medians are compared. One function a
comparison; see compare.py for the other ones.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time

from compare import PEERS, machine, output


def generate(options, equation, *arguments):
    """The summary that `operatorctl generate` prints."""
    return output([options.program, "generate", equation, *map(str, arguments), "--seed", "0", "--store", "float64",
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


def navier_stokes_step(options):
    """One ETDRK4 step a sample: operatorctl's samples in parallel, exponax's steps; everything else left out of neither
    but exponax's compilation."""
    samples, steps = 8, 100
    ours, peer = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/flow.nc"
        arguments = ["--samples", samples, "--resolution", 256, "--dt", 1e-2, "--final-time", steps * 1e-2,
                     "--output", data]
        generate(options, "navier-stokes", *arguments)
        for _ in range(options.rounds):
            ours.append(1e3 * generate(options, "navier-stokes", *arguments)["seconds"] / (steps * samples))
            peer.append(output([sys.executable, str(PEERS / "exponax_navier_stokes.py"), "--initial", data, "--steps",
                                str(steps), "--samples", str(samples), "--threads", str(options.threads), "--repeats",
                                "1"])["step_ms_per_sample"])
            print("navier-stokes step", ours[-1], peer[-1], file=sys.stderr, flush=True)
    a, b = statistics.median(ours), statistics.median(peer)
    ratio = statistics.median(x / y for x, y in zip(ours, peer))
    return ["", f"| Navier–Stokes 256², float64, one ETDRK4 step a sample, {options.threads} threads | ms |", "|---|---|",
            f"| operatorctl generate, all of it | {a:.2f} |", f"| exponax, stepping alone | {b:.2f} |",
            f"| ratio (median over {options.rounds} rounds) | {ratio:.2f} |"]


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
        for _ in range(options.rounds):
            run = generate(options, "navier-stokes", *common, "--final-time", final_time, "--tolerance", tolerance,
                           "--output", ours_file)
            ours.append(run["seconds"] / batch)
            for precision, times in peers.items():
                run = output([sys.executable, str(PEERS / "torch_navier_stokes.py"), "--initial", short, "--samples",
                              str(batch), "--steps", str(steps), "--dt", str(dt), "--precision", precision, "--threads",
                              str(options.threads), "--repeats", "1"]
                             + (["--output", state] if precision == "float64" else []))
                times.append(1e-3 * run["step_ms_per_sample"] * math.ceil(final_time / dt))
            print("navier-stokes set", ours[-1], {k: t[-1] for k, t in peers.items()}, file=sys.stderr, flush=True)
        agreement = relative_errors(np.load(state), values(short, "w")[:, -1]).max()
    mine = statistics.median(ours)
    lines = ["", f"| Navier–Stokes, ν = 1e-3, T = 50, 256², seconds a sample ({batch} samples, {options.threads} threads) "
             "| seconds | relative L2 error at T |", "|---|---|---|",
             f"| operatorctl generate, ETDRK4, tolerance {tolerance:g} | {mine:.2f} | {error:.1e} |"]
    for precision, times in peers.items():
        theirs = statistics.median(times)
        lines.append(f"| torch, Crank–Nicolson–Euler, dt = 1e-4, {precision} ({theirs / mine:.0f}×) | {theirs:.0f} | "
                     f"{released:.1e} |")
    return lines + ["", f"After {steps} steps the states of the two programs by that scheme differ by {agreement:.0e}."]


COMPARISONS = {"navier-stokes-step": navier_stokes_step, "navier-stokes-set": navier_stokes_set}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=COMPARISONS, help="all by default")
    parser.add_argument("--program", default=".build/release/operatorctl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=10, help="of the paper's Navier–Stokes set")
    parser.add_argument("--released-error", type=float, help="of the released scheme; computed (minutes) without")
    options = parser.parse_args()
    lines = [f"{machine()}, {time.strftime('%Y-%m-%d')}."]
    for what in options.what or COMPARISONS:
        lines += COMPARISONS[what](options)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
