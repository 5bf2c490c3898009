"""Times a training step and an inference of the same FNO in JAX, compiled by XLA, on synthetic data.

The model is neuraloperator's FNO with its defaults: grid embedding, lifting and projection by two-layer channel MLPs,
blocks of spectral convolution, linear skip, channel MLP and soft gate, GELU. The optimizer is AdamW on the real and
imaginary parts.
"""

import argparse
from functools import partial

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modes", type=common.grid, default=(24, 24))
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--grid", type=common.grid, default=(64, 64))
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--input-channels", type=int, default=1)
    parser.add_argument("--output-channels", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    return parser.parse_args()


def initial_parameters(options):
    """neuraloperator's initialization: linear maps uniform in ±1/√inputs, spectral weights normal, gates one."""
    import numpy as np

    generator = np.random.default_rng(0)

    def linear(inputs, outputs, bias=True):
        bound = inputs**-0.5
        layer = {"weight": generator.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)}
        if bias:
            layer["bias"] = generator.uniform(-bound, bound, outputs).astype(np.float32)
        return layer

    def channel_mlp(inputs, hidden, outputs):
        return [linear(inputs, hidden), linear(hidden, outputs)]

    width, dimensions = options.width, len(options.grid)
    kept = (*options.modes[:-1], options.modes[-1] // 2 + 1)
    deviation = width**-0.5

    def block():
        return {
            # real and imaginary parts first
            "spectral": (deviation / 2**0.5)
            * generator.standard_normal((2, width, width, *kept), dtype=np.float32),
            "bias": deviation * generator.standard_normal(width, dtype=np.float32),
            "skip": linear(width, width, bias=False),
            "mlp": channel_mlp(width, round(width / 2), width),
            "gate": np.ones(width, np.float32),
        }

    return {
        "lifting": channel_mlp(options.input_channels + dimensions, 2 * width, width),
        "blocks": [block() for _ in range(options.layers)],
        "projection": channel_mlp(width, 2 * width, options.output_channels),
    }


def model(parameters, values):
    """The forward pass, `[batch, channel, ...grid]` to the same."""
    import jax
    import jax.numpy as jnp

    batch, _, *sizes = values.shape
    axes = tuple(range(2, values.ndim))
    gelu = partial(jax.nn.gelu, approximate=False)

    def per_channel(vector):
        return vector.reshape(-1, *(1,) * len(sizes))

    def apply_linear(layer, values):
        result = jnp.einsum("oi,bi...->bo...", layer["weight"], values)
        return result + per_channel(layer["bias"]) if "bias" in layer else result

    def apply_mlp(layers, values):
        return apply_linear(layers[1], gelu(apply_linear(layers[0], values)))

    def spectral_convolution(block, values):
        weight = jax.lax.complex(block["spectral"][0], block["spectral"][1])
        spectrum = jnp.fft.rfftn(values, axes=axes, norm="forward")[..., : weight.shape[-1]]
        # wavenumbers -k/2 … k/2-1 along every axis but the last, in the weights' order
        for axis, kept in zip(axes[:-1], weight.shape[2:]):
            wavenumbers = jnp.arange(kept) - kept // 2
            spectrum = jnp.take(spectrum, wavenumbers % sizes[axis - 2], axis=axis)
        spectrum = jnp.einsum("bi...,io...->bo...", spectrum, weight)
        for axis, kept in zip(axes[:-1], weight.shape[2:]):
            negative, positive = jnp.split(spectrum, [kept // 2], axis=axis)
            gap = list(spectrum.shape)
            gap[axis] = sizes[axis - 2] - kept
            spectrum = jnp.concatenate([positive, jnp.zeros(gap, spectrum.dtype), negative], axis=axis)
        return jnp.fft.irfftn(spectrum, s=sizes, axes=axes, norm="forward") + per_channel(block["bias"])

    coordinates = jnp.meshgrid(*(jnp.arange(size) / size for size in sizes), indexing="ij")
    coordinates = jnp.broadcast_to(jnp.stack(coordinates), (batch, len(sizes), *sizes))
    values = apply_mlp(parameters["lifting"], jnp.concatenate([values, coordinates], axis=1))
    for block in parameters["blocks"]:
        gated = per_channel(block["gate"]) * values
        values = spectral_convolution(block, values) + apply_linear(block["skip"], values)
        last = block is parameters["blocks"][-1]
        values = values if last else gelu(values)
        values = apply_mlp(block["mlp"], values) + gated
        values = values if last else gelu(values)
    return apply_mlp(parameters["projection"], values)


def relative_l2(parameters, inputs, target):
    import jax.numpy as jnp

    flat = (len(inputs), -1)
    error = jnp.linalg.norm((model(parameters, inputs) - target).reshape(flat), axis=1)
    return jnp.mean(error / jnp.linalg.norm(target.reshape(flat), axis=1))


def adamw(parameter, gradient, moments, step, rate=1e-3, decay=1e-4):
    import jax.numpy as jnp

    first = 0.9 * moments[0] + 0.1 * gradient
    second = 0.999 * moments[1] + 0.001 * gradient**2
    corrected = jnp.sqrt(second / (1 - 0.999**step)) + 1e-8
    update = rate * (first / (1 - 0.9**step)) / corrected
    return parameter * (1 - rate * decay) - update, (first, second)


def main():
    options = arguments()
    common.prepare(options.threads)
    import jax
    import jax.numpy as jnp

    parameters, structure = jax.tree.flatten(jax.tree.map(jnp.asarray, initial_parameters(options)))
    count = sum(parameter.size for parameter in parameters)
    moments = [(jnp.zeros_like(parameter), jnp.zeros_like(parameter)) for parameter in parameters]
    keys = jax.random.split(jax.random.key(0))
    inputs = jax.random.normal(keys[0], (options.batch_size, options.input_channels, *options.grid))
    target = jax.random.normal(keys[1], (options.batch_size, options.output_channels, *options.grid))

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(parameters, moments, step, inputs, target):
        tree = jax.tree.unflatten(structure, parameters)
        loss, gradients = jax.value_and_grad(relative_l2)(tree, inputs, target)
        updated = [adamw(*state, step) for state in zip(parameters, jax.tree.leaves(gradients), moments)]
        return [parameter for parameter, _ in updated], [pair for _, pair in updated], loss

    @jax.jit
    def predict(parameters, inputs):
        return model(jax.tree.unflatten(structure, parameters), inputs)

    step = 0

    def train_step():
        nonlocal parameters, moments, step
        step += 1
        parameters, moments, loss = update(parameters, moments, float(step), inputs, target)
        loss.block_until_ready()

    compile_seconds, _ = common.seconds_of(train_step)
    train_step_seconds = common.median_seconds(train_step, options.repeats)
    inference_seconds = common.median_seconds(
        lambda: predict(parameters, inputs).block_until_ready(), options.repeats
    )
    common.report(
        ["jax"],
        train_step_ms=1e3 * train_step_seconds,
        inference_ms=1e3 * inference_seconds,
        parameters=count,
        threads=options.threads,
        compile_seconds=compile_seconds,
    )


if __name__ == "__main__":
    main()
