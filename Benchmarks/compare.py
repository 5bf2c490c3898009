"""Runs operatorctl and its peers in turn on the same work and writes a Markdown table of the ratios.

Each side runs `--rounds` times, alternately, one program at a time; the medians are compared. Figures of one sitting
only: the table says on which machine.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = pathlib.Path(__file__).parent / "peers"

# name, options that both sides understand, whether JAX runs it too
MODELS = [
    ("FNO 1-D, 1024, modes 32, width 64, batch 20", "--modes 32 --width 64 --grid 1024 --batch-size 20", True),
    ("FNO 2-D, 64², modes 24², width 32, batch 20", "--modes 24x24 --width 32 --grid 64x64 --batch-size 20", True),
    ("FNO 2-D, 128², modes 64², width 64, batch 8", "--modes 64x64 --width 64 --grid 128x128 --batch-size 8", True),
    ("FNO 2-D, 512², modes 24², width 32, batch 1", "--modes 24x24 --width 32 --grid 512x512 --batch-size 1", False),
    ("FNO 3-D, 64×64×20, modes 16³, width 20, batch 4",
     "--modes 16x16x16 --width 20 --grid 64x64x20 --batch-size 4", False),
] + [
    (f"TFNO {name}, rank 0.05, 128², modes 64², width 64, batch 8",
     f"--model tfno --factorization {kind} --rank 0.05 --modes 64x64 --width 64 --grid 128x128 --batch-size 8", False)
    for name, kind in (("Tucker", "tucker"), ("TT", "tt"), ("CP", "cp"))
]


def output(command, **options):
    """The JSON object that a command prints last."""
    result = subprocess.run(command, check=True, capture_output=True, text=True, **options)
    return json.loads(result.stdout.strip().splitlines()[-1])


def machine():
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        model = f"{len(names)} × {names[0]}"
    return f"{model}, {platform.system()}"


def medians(runs, keys):
    return {key: statistics.median(run[key] for run in runs) for key in keys}


def models(program, rounds, threads, chosen):
    keys = ("train_step_ms", "inference_ms", "peak_memory_mb")
    rows = []
    for index, (name, options, has_jax) in enumerate(MODELS):
        if chosen and str(index) not in chosen:
            continue
        options = options.split() + ["--threads", str(threads)]
        ours, peer, jax = [], [], []
        for _ in range(rounds):
            ours.append(output([program, "benchmark", *([] if "--model" in options else ["--model", "fno"]),
                                *options, "--json"]))
            peer.append(output([sys.executable, str(PEERS / "neuraloperator_step.py"), *options]))
            if has_jax:
                jax.append(output([sys.executable, str(PEERS / "jax_step.py"), *options]))
        a, b = medians(ours, keys), medians(peer, keys)
        row = [name] + [f"{a[key]:.0f} / {b[key]:.0f} ({b[key] / a[key]:.1f}×)" for key in keys]
        row.append(f"{medians(jax, keys[:1])['train_step_ms'] / a['train_step_ms']:.1f}×" if jax else "–")
        rows.append(row)
        print("|", " | ".join(row), "|", file=sys.stderr, flush=True)
    return ["", "| model | train step, ms: ours / neuraloperator | inference, ms | peak memory, MB | JAX, train step |",
            "|---|---|---|---|---|"] + ["| " + " | ".join(row) + " |" for row in rows]


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
        result = output([sys.executable, str(PEERS / "neuraloperator_darcy.py"), "--train", train, "--test", test,
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
    parser.add_argument("what", nargs="+", choices=["models", "training", "burgers", "darcy", "files"])
    parser.add_argument("--program", default=".build/release/operatorctl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", nargs="*", help="numbers of models in the table")
    parser.add_argument("--train", help="of training: neuraloperator's Darcy set as NetCDF")
    parser.add_argument("--test")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    options = parser.parse_args()
    lines = [f"{machine()}, {time.strftime('%Y-%m-%d')}."]
    for what in options.what:
        if what == "models":
            lines += models(options.program, options.rounds, options.threads, options.models)
        elif what == "training":
            lines += darcy_training(options.program, options.train, options.test, options.seeds, options.epochs)
        elif what == "burgers":
            lines += burgers(options.program, 1000)
        elif what == "files":
            lines += files(options.program)
        else:
            lines += darcy(options.program, 421)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
