"""The program by itself: what a second processor gains, and how long a prediction takes from start to end."""

import statistics
import subprocess
import sys
import tempfile
import time

from models import KEYS, MODELS, shown
from running import medians, output


def scaling(program, rounds, threads, chosen=()):
    """Every model of the table on one thread and on several, in turn."""
    rows = []
    for index, model in enumerate(MODELS):
        if chosen and str(index) not in chosen:
            continue
        runs = {1: [], threads: []}
        for _ in range(rounds):
            for count, results in runs.items():
                results.append(output([program, "benchmark", *model.ours.split(), *model.options.split(),
                                       "--threads", str(count), "--json"]))
        one, several = (medians(results, KEYS) for results in runs.values())
        cells = [f"{shown(one[key])} / {shown(several[key])} ({one[key] / several[key]:.2f}×)" for key in KEYS[:2]]
        rows.append(f"| {model.name} | {' | '.join(cells)} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return ["", f"| one thread / {threads}, medians of {rounds} rounds | training step, ms | inference, ms |",
            "|---|---|---|"] + rows


def prediction(program, runs=20):
    """`operatorctl predict` for one sample of 64², and the start of Python with what it needs for the same."""
    with tempfile.TemporaryDirectory() as folder:
        data, sample, run = (f"{folder}/{name}" for name in ("data.nc", "sample.nc", "run"))
        for path, samples, offset in ((data, 20, 0), (sample, 1, 20)):
            subprocess.run([program, "generate", "darcy", "--samples", str(samples), "--sample-offset", str(offset),
                            "--resolution", "64", "--output", path], check=True, capture_output=True)
        subprocess.run([program, "train", "--data", data, "--inputs", "a", "--outputs", "u", "--model", "fno",
                        "--modes", "24x24", "--width", "32", "--epochs", "1", "--output", run],
                       check=True, capture_output=True)
        commands = {
            "operatorctl predict, 64², modes 24², width 32: reading, one sample, writing":
                [program, "predict", "--model", run, "--data", sample, "--output", f"{folder}/p.nc", "--force"],
            "python -c 'import neuralop'": [sys.executable, "-c", "import neuralop"],
        }
        # One after the other: a start of Python takes the processor's caches from the next one.
        times = {name: [] for name in commands}
        for name, command in commands.items():
            for _ in range(runs):
                start = time.monotonic()
                subprocess.run(command, check=True, capture_output=True)
                times[name].append(time.monotonic() - start)
    return ["", f"| from start to end, medians of {runs} runs | seconds |", "|---|---|"] + [
        f"| `{name}` | {statistics.median(values):.3f} |" if name.startswith("python")
        else f"| {name} | {statistics.median(values):.3f} |" for name, values in times.items()]
