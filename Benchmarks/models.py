"""The models, and the optimizer alone, beside their peers.

Every round runs ours and each peer once, one program at a time; the medians over the rounds are compared. The peers
in PyTorch have settings that help some models and harm others: all of them run in the first round, those that were best
at something in the others, and each figure is the best one's.
"""

import statistics
import subprocess
import sys
from dataclasses import dataclass

from running import PEERS, medians, output

KEYS = ("train_step_ms", "inference_ms", "peak_memory_mb")


@dataclass
class Model:
    name: str
    # What both sides understand.
    options: str
    ours: str = ""
    peer: str = ""
    script: str = "neuraloperator_step.py"
    # Of the peer in PyTorch, by what they are called in the table.
    settings: tuple = (("eager", ""), ("compiled", "--compile"))
    has_jax: bool = False
    is_tensorized: bool = False


def fno(name, options, ours="--model fno", **more):
    return Model(f"FNO {name}", options, ours=ours, **more)


def tfno(name, factorization, options):
    settings = Model.settings
    # Putting a CP form of rank 1922 together takes four times the products of the whole contraction: minutes a step.
    if factorization != "cp":
        settings += (("reconstructed", "--implementation reconstructed"),)
    return Model(f"TFNO {name}", f"--model tfno --factorization {factorization} --rank 0.05 {options}",
                 settings=settings, is_tensorized=True)


LARGE = "--modes 64x64 --width 64 --grid 128x128 --batch-size 8"
CUBE = "--modes 16x16x16 --width 20 --grid 64x64x20 --batch-size 4"
MODELS = [
    fno("1-D, 1024, modes 32, width 64, batch 20", "--modes 32 --width 64 --grid 1024 --batch-size 20", has_jax=True),
    fno("2-D, 64², modes 24², width 32, batch 20", "--modes 24x24 --width 32 --grid 64x64 --batch-size 20", has_jax=True),
    # Two thirds of its memory are parameters, gradients and moments.
    fno("2-D, 128², modes 64², width 64, batch 8, ours with memory: low", LARGE, "--model fno --memory low",
        has_jax=True),
    fno("2-D, 512², modes 24², width 32, batch 1", "--modes 24x24 --width 32 --grid 512x512 --batch-size 1"),
    fno("3-D, 64×64×20, modes 16³, width 20, batch 4", CUBE),
    tfno("Tucker, rank 0.05, 128², modes 64², width 64, batch 8", "tucker", LARGE),
    tfno("TT, rank 0.05, 128², modes 64², width 64, batch 8", "tt", LARGE),
    tfno("CP, rank 0.05, 128², modes 64², width 64, batch 8", "cp", LARGE),
    tfno("Tucker, rank 0.05, 3-D, 64×64×20, modes 16³, width 20, batch 4", "tucker", CUBE),
    Model("DeepONet, branch 128–[128×4], trunk [128×3], 1000 queries, batch 256",
          "--branch 128x128x128x128 --trunk 128x128x128 --queries 1000 --batch-size 256",
          ours="--model deeponet --grid 128", peer="--sensors 128", script="torch_deeponet.py"),
]


def measure(program, model, rounds, threads):
    """Medians of ours, the best of the peer in PyTorch with its settings, and medians of JAX where it has the model."""
    common = model.options.split() + ["--threads", str(threads)]
    ours, jax = [], []
    settings = dict(model.settings)
    peers = {name: [] for name in settings}
    for number in range(rounds):
        ours.append(output([program, "benchmark", *model.ours.split(), *common, "--json"]))
        for name, arguments in settings.items():
            command = [sys.executable, str(PEERS / model.script), *model.peer.split(), *arguments.split(), *common]
            try:
                peers[name].append(output(command, timeout=900))
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                # The first setting is the default one, which must work; not every model can be compiled.
                if name == model.settings[0][0]:
                    raise
                print(f"{model.name}, {name}: {error}", file=sys.stderr, flush=True)
        if model.has_jax:
            jax.append(output([sys.executable, str(PEERS / "jax_step.py"), *common]))
        if number == 0:
            known = {name: runs[0] for name, runs in peers.items() if runs}
            best = {min(known, key=lambda name: known[name][key]) for key in KEYS}
            best.add(model.settings[0][0])
            settings = {name: arguments for name, arguments in settings.items() if name in best}
            peers = {name: runs for name, runs in peers.items() if name in best}
    middles = {name: medians(runs, KEYS) for name, runs in peers.items()}
    peer = {key: min(middle[key] for middle in middles.values()) for key in KEYS}
    peer["fastest"] = min(middles, key=lambda name: middles[name][KEYS[0]])
    return {"ours": medians(ours, KEYS), "peer": peer} | ({"jax": medians(jax, KEYS)} if jax else {})


def shown(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def compared(ours, peer, key):
    return f"{shown(ours[key])} / {shown(peer[key])} ({peer[key] / ours[key]:.2f}×)"


def models(program, rounds, threads, chosen=()):
    """The lines of the table; `chosen` are numbers of models, counted from zero."""
    rows, measured = [], []
    for index, model in enumerate(MODELS):
        if chosen and str(index) not in chosen:
            continue
        result = measure(program, model, rounds, threads)
        measured.append((model, result))
        ours, peer, jax = result["ours"], result["peer"], result.get("jax")
        row = [model.name, compared(ours, peer, KEYS[0]) + f", {peer['fastest']}", compared(ours, peer, KEYS[1])]
        row.append(f"{shown(ours[KEYS[2]])} / {shown(peer[KEYS[2]])} ({ours[KEYS[2]] / peer[KEYS[2]]:.2f})")
        row.append(f"{jax[KEYS[0]] / ours[KEYS[0]]:.1f}×, {jax[KEYS[1]] / ours[KEYS[1]]:.1f}×" if jax else "–")
        rows.append("| " + " | ".join(row) + " |")
        print(rows[-1], file=sys.stderr, flush=True)
    for name, is_tensorized in (("dense", False), ("tensorized", True)):
        group = [result for model, result in measured if model.is_tensorized == is_tensorized]
        if len(group) < 2:
            continue
        speeds = [statistics.geometric_mean(result["peer"][key] / result["ours"][key] for result in group)
                  for key in KEYS[:2]]
        memory = [result["ours"][KEYS[2]] / result["peer"][KEYS[2]] for result in group]
        cells = [f"{speed:.2f}×" for speed in speeds]
        rows.append(f"| **geometric mean, {name}** | {' | '.join(cells)} | {statistics.geometric_mean(memory):.2f} "
                    f"(at most {max(memory):.2f}) | |")
    return ["", f"| ours / PyTorch, {threads} threads, medians of {rounds} rounds | training step, ms | inference, ms | "
            "peak memory, MB | JAX over ours, the same two |", "|---|---|---|---|---|"] + rows


def optimizer(benchmarks, rounds, threads, parameters=70_000_000):
    """Adam alone beside PyTorch's, and the share of the streaming bandwidth that our process measures itself."""
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(output([benchmarks, "optimizer", "--parameters", str(parameters), "--threads", str(threads)]))
        peer.append(output([sys.executable, str(PEERS / "torch_adam.py"), "--parameters", str(parameters),
                            "--threads", str(threads)]))
    a = medians(ours, ("optimizer_step_ms", "gigabytes_per_second", "triad_gb_s", "update_gb_s"))
    b = medians(peer, ("fused_ms", "foreach_ms"))
    time = a["optimizer_step_ms"]
    print("optimizer", a, b, file=sys.stderr, flush=True)
    return ["", f"| Adam, {parameters / 1e6:.0f} million parameters, {threads} threads | ms a step | over ours |",
            "|---|---|---|",
            f"| ours: 28 bytes a parameter at {a['gigabytes_per_second']:.1f} GB/s, "
            f"{100 * a['gigabytes_per_second'] / a['triad_gb_s']:.0f} % of a triad's {a['triad_gb_s']:.1f} and "
            f"{100 * a['gigabytes_per_second'] / a['update_gb_s']:.0f} % of the {a['update_gb_s']:.1f} of `y += a·x` | "
            f"{time:.1f} | |"] + [
        f"| torch.optim.Adam({form}=True) | {b[f'{form}_ms']:.1f} | {b[f'{form}_ms'] / time:.2f}× |"
        for form in ("fused", "foreach")]
