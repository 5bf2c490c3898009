"""Runs operatorctl and its peers in turn on the same work and writes a Markdown table of the ratios.

Each side runs `--rounds` times, alternately, one program at a time; the medians are compared. Figures of one sitting
only: the table says on which machine.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from models import MODELS, models, optimizer
from program import prediction, scaling
from running import PEERS, around_section, machine, output, replace_section

def darcy_training(program, train, test, seeds, epochs):
    settings = ["--modes", "12x12", "--width", "32", "--layers", "4", "--epochs", str(epochs), "--batch-size", "20",
                "--learning-rate", "2e-3", "--weight-decay", "1e-4"]
    ours, peer = [], []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            subprocess.run([program, "train", "--data", train, "--inputs", "a", "--outputs", "u", "--model", "fno",
                            *settings, "--schedule", "cosine", "--validation-fraction", "0", "--seed", str(seed),
                            "--output", f"{folder}/run"], check=True, stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            seconds = time.monotonic() - start
            error = output([program, "evaluate", "--model", f"{folder}/run", "--data", test, "--json"])
            ours.append((error["metrics"]["relative_l2"], seconds))
        result = output([sys.executable, str(PEERS / "neuraloperator_train.py"), "--train", train, "--test", test,
                         *settings, "--seed", str(seed)])
        peer.append((result["relative_l2"], result["seconds"]))
        print("seed", seed, ours[-1], peer[-1], file=sys.stderr, flush=True)

    def row(name, runs):
        errors = ", ".join(f"{error:.4f}" for error, _ in runs)
        mean = statistics.mean(error for error, _ in runs)
        return f"| {name} | {errors} (mean {mean:.4f}) | {statistics.median(s for _, s in runs):.0f} |"

    return ["", f"| Darcy 16², {epochs} epochs | test relative L2 by seed | seconds |", "|---|---|---|",
            row("operatorctl", ours), row("neuraloperator", peer)]


def burgers(program, samples):
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/burgers.nc"
        start = time.monotonic()
        subprocess.run([program, "generate", "burgers", "--samples", str(samples), "--resolution", "1024", "--seed", "0",
                        "--store", "float64", "--output", data], check=True, capture_output=True)
        seconds = time.monotonic() - start
        peer = output([sys.executable, str(PEERS / "exponax_burgers.py"), "--initial", data, "--variable", "u0",
                       "--samples", str(samples), "--tolerance", "1e-6"])
    print("burgers", seconds, peer, file=sys.stderr, flush=True)
    return ["", f"| Burgers, {samples} samples, 1024 points, error ≤ 1e-6 | seconds |", "|---|---|",
            f"| operatorctl generate, everything included | {seconds:.2f} |",
            f"| exponax, batched ETDRK4, stepping alone | {peer['seconds']:.2f} |"]


def darcy(program, nodes):
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/darcy.nc"
        ours = [output([program, "generate", "darcy", "--samples", "5", "--resolution", str(nodes), "--seed", str(seed),
                        "--threads", "1", "--store", "float64", "--force", "--output", data, "--json"])
                for seed in range(3)]
        seconds = statistics.median(run["seconds_per_sample"] for run in ours)
        peer = output([sys.executable, str(PEERS / "scipy_darcy.py"), "--coefficient", data, "--threads", "1"])
    print("darcy", seconds, peer, file=sys.stderr, flush=True)
    return ["", f"| Darcy {nodes}² nodes, one sample, one thread | seconds |", "|---|---|",
            f"| operatorctl, 1e-10 in the energy norm | {seconds:.3f} |"] + [
        f"| {name} | {peer[key]:.3f} |"
        for name, key in (("SciPy spsolve", "spsolve_seconds"), ("PyAMG Ruge–Stüben + CG", "pyamg_seconds"))
        if key in peer]


def files(program):
    """Reading and writing together (a merge of one file) against a copy of the same bytes, both warm."""
    with tempfile.TemporaryDirectory() as folder:
        data, copy, merged = (f"{folder}/{name}" for name in ("data.nc", "copy.nc", "merged.nc"))
        subprocess.run([program, "generate", "burgers", "--samples", "20000", "--resolution", "1024", "--final-time",
                        "0.001", "--store", "float64", "--output", data], check=True, capture_output=True)
        size = os.path.getsize(data) / 1e6
        copying, merging = [], []
        for _ in range(5):
            for command, target, times in ((["cp", data, copy], copy, copying),
                                           ([program, "merge", data, "--output", merged], merged, merging)):
                pathlib.Path(target).unlink(missing_ok=True)
                start = time.monotonic()
                subprocess.run(command, check=True, capture_output=True)
                times.append(time.monotonic() - start)
    return ["", f"| a dataset of {size:.0f} MB | seconds |", "|---|---|",
            f"| cp: read and write | {statistics.median(copying):.2f} |",
            f"| operatorctl merge: read and write | {statistics.median(merging):.2f} |"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="+", choices=["models", "optimizer", "scaling", "prediction", "training", "burgers",
                                                   "darcy", "files"])
    parser.add_argument("--program", default=".build/release/operatorctl")
    parser.add_argument("--benchmarks", default="Benchmarks/.build/release/KernelBenchmarks", help="of optimizer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", nargs="*", help="of models and scaling: numbers of models in the table: " + "; ".join(
        f"{index} {model.name}" for index, model in enumerate(MODELS)))
    parser.add_argument("--write", metavar="FILE", help="put models and optimizer into their section of this document")
    parser.add_argument("--train", help="of training: neuraloperator's Darcy set as NetCDF")
    parser.add_argument("--test")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    options = parser.parse_args()
    if options.write and not {"models", "optimizer"} <= set(options.what):
        parser.error("--write wants both models and optimizer")
    if options.write:
        around_section(options.write, "models")  # better now than when all is measured
    heading = f"{machine()}, {time.strftime('%Y-%m-%d')}."
    lines, section = [heading], [heading]
    for what in options.what:
        if what in ("models", "optimizer"):
            part = (models(options.program, options.rounds, options.threads, options.models or ())
                    if what == "models" else optimizer(options.benchmarks, options.rounds, options.threads))
            lines += part
            section += part
        elif what == "scaling":
            lines += scaling(options.program, options.rounds, options.threads, options.models or ())
        elif what == "prediction":
            lines += prediction(options.program)
        elif what == "training":
            lines += darcy_training(options.program, options.train, options.test, options.seeds, options.epochs)
        elif what == "burgers":
            lines += burgers(options.program, 1000)
        elif what == "files":
            lines += files(options.program)
        else:
            lines += darcy(options.program, 421)
    print("\n".join(lines))
    if options.write:
        replace_section(options.write, "models", section)


if __name__ == "__main__":
    main()
