"""Golden vectors of Fourier neural operators, computed by neuraloperator.

Needs Python 3.11 or newer with neuraloperator 2.0.0, torch (any build, CPU) and numpy:

    pip install torch neuraloperator==2.0.0 numpy
    python make_fixtures.py

writes one safetensors file a model, losses.safetensors and patches, beside this script (or into --output). The same
versions on the same kind of processor give the same bytes: seeds are fixed, torch runs on one thread, and headers
are sorted. Elsewhere the last digits of outputs and gradients may differ.

A model's file holds `param.NAME` and `grad.NAME` under the reference's own parameter names, `input`, `target`,
`output` and `grad_input`; its metadata hold `config` (the reference's constructor arguments, JSON), `model`, `loss`
(mean over the batch of the relative L2 norm over all channels and points) and `reference`. The gradient of a complex
parameter is dL/dRe + i dL/dIm.

Grids are even: above one dimension neuraloperator 2.0.0 undoes its fftshift by a second fftshift, which is an error
at odd sizes.
"""

import argparse
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from neuralop.losses import H1Loss, LpLoss
from neuralop.models import FNO
from neuralop.training.patching import MultigridPatching2D

REFERENCE = "neuraloperator 2.0.0"
BATCH = 2

# name: (grid, constructor arguments beyond n_layers=2)
MODELS = {
    "fno1d": ([12], dict(n_modes=[8], hidden_channels=6)),
    "fno1d_odd": ([11], dict(n_modes=[6], hidden_channels=6)),
    "fno2d": ([8, 10], dict(n_modes=[6, 4], hidden_channels=6)),
    # 5 channels at an expansion of one half: round(2.5) is 2 in Python
    "fno2d_channels": ([8, 8], dict(n_modes=[4, 6], hidden_channels=5, in_channels=3, out_channels=2)),
    "fno2d_full_modes": ([8, 10], dict(n_modes=[8, 10], hidden_channels=4)),
    "fno2d_gated_skips": ([8, 8], dict(n_modes=[4, 4], fno_skip="soft-gating", channel_mlp_skip=None)),
    "fno2d_group_norm": ([8, 10], dict(n_modes=[4, 6], norm="group_norm")),
    "fno2d_identity_skips": ([8, 8], dict(n_modes=[4, 4], fno_skip="identity", channel_mlp_skip="linear")),
    "fno2d_instance_norm": ([8, 10], dict(n_modes=[4, 6], norm="instance_norm")),
    "fno2d_no_channel_mlp": ([10, 8], dict(n_modes=[6, 4], use_channel_mlp=False)),
    "fno2d_no_embedding": ([8, 8], dict(n_modes=[4, 4], positional_embedding=None)),
    # a quarter of 10 points: round(2.5) is 2 in Python
    "fno2d_padding": ([10, 8], dict(n_modes=[6, 6], domain_padding=[0.25, 0.125])),
    "fno2d_preactivation": ([8, 8], dict(n_modes=[4, 4], preactivation=True)),
    "fno2d_preactivation_group_norm": (
        [8, 8],
        dict(n_modes=[4, 4], preactivation=True, norm="group_norm"),
    ),
    "fno2d_separable": ([8, 10], dict(n_modes=[6, 6], separable=True, hidden_channels=6)),
    "fno3d": ([6, 8, 10], dict(n_modes=[4, 4, 6], hidden_channels=4)),
    "tfno1d_tucker": ([12], dict(n_modes=[8], hidden_channels=6, factorization="tucker", rank=0.3)),
} | {
    f"tfno2d_{kind}": (
        [8, 10],
        dict(n_modes=[6, 4], hidden_channels=6, factorization=kind, rank=0.3, implementation="factorized"),
    )
    for kind in ("tucker", "cp", "tt")
}


def write_safetensors(path, tensors, metadata):
    """The format's own writer orders the metadata by a random hash; this one sorts, so that bytes repeat.

    As there, wider elements come first, so that each tensor is aligned.
    """
    codes = {np.dtype(np.float32): "F32", np.dtype(np.complex64): "C64"}
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    arrays = {name: tensor.detach().resolve_conj().numpy() for name, tensor in tensors.items()}
    for name, values in sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])):
        blob = values.tobytes()
        header[name] = {
            "dtype": codes[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def relative_l2(prediction, target):
    error = (prediction - target).flatten(1).norm(dim=1)
    return (error / target.flatten(1).norm(dim=1)).mean()


def seed_by(name):
    """A seed of the file's own, so that adding a model leaves the other files as they are."""
    torch.manual_seed(zlib.crc32(name.encode()))


def model_fixture(name, grid, arguments):
    seed_by(name)
    config = {"in_channels": 1, "out_channels": 1, "hidden_channels": 4, "n_layers": 2} | arguments
    model = FNO(**config)
    # gates and norms start at 1 and 0, where a mistake in them would not show
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    inputs = torch.randn(BATCH, config["in_channels"], *grid, requires_grad=True)
    target = torch.randn(BATCH, config["out_channels"], *grid)
    output = model(inputs)
    loss = relative_l2(output, target)
    loss.backward()
    tensors = {"input": inputs, "target": target, "output": output, "grad_input": inputs.grad}
    for path, parameter in model.named_parameters():
        tensors[f"param.{path}"] = parameter
        tensors[f"grad.{path}"] = parameter.grad
    metadata = {
        "config": json.dumps(config, sort_keys=True),
        "loss": repr(loss.item()),
        "model": "FNO",
        "reference": REFERENCE,
    }
    return tensors, metadata


def losses_fixture():
    seed_by("losses")
    tensors, metadata = {}, {}
    for dimensions, grid in [(1, [20]), (2, [8, 12])]:
        prediction, target = torch.randn(2, 3, 1, *grid)
        tensors[f"prediction_{dimensions}d"] = prediction
        tensors[f"target_{dimensions}d"] = target
        for name, loss in [("relative_l2", LpLoss), ("relative_h1", H1Loss)]:
            value = loss(d=dimensions, reduction="mean")(prediction, target)
            metadata[f"{name}_{dimensions}d_mean"] = repr(value.item())
    metadata["reference"] = (
        f"{REFERENCE} LpLoss/H1Loss, domain [0,1]^d, periodic second-order central differences, "
        "relative per sample, mean over batch"
    )
    return tensors, metadata


def multigrid_fixture(levels, padding_fraction, size):
    name = f"multigrid_patching_L{levels}_p{padding_fraction}"
    seed_by(name)
    field = torch.randn(1, 2, size, size)
    patching = MultigridPatching2D(torch.nn.Identity(), levels=levels, padding_fraction=padding_fraction)
    patches, _ = patching.patch(field, field)
    metadata = {
        "levels": str(levels),
        "padding_fraction": repr(padding_fraction),
        "reference": f"{REFERENCE} MultigridPatching2D, periodic",
    }
    return name, {"input": field, "patches": patches.contiguous()}, metadata


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent)
    output = parser.parse_args().output
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name, (grid, arguments) in MODELS.items():
        write_safetensors(output / f"{name}.safetensors", *model_fixture(name, grid, arguments))
    for arguments in [(1, 0.125, 16), (2, 0.0625, 32)]:
        name, tensors, metadata = multigrid_fixture(*arguments)
        write_safetensors(output / f"{name}.safetensors", tensors, metadata)
    write_safetensors(output / "losses.safetensors", *losses_fixture())


if __name__ == "__main__":
    main()
