"""Times the 2-D Navier–Stokes equation in vorticity form by exponax's ETDRK steppers, batched.

ω_t + u·∇ω = νΔω + f on the periodic unit square, f = 0.1 (sin 2π(x+y) + cos 2π(x+y)) or none, from samples of
7^{3/2}(−Δ+49)^−2.5 (Li et al. 2021) or from a NetCDF file. The state stays in Fourier space from step to step. The
error is the largest over the samples of ‖ω − ω½‖/‖ω½‖, ω½ with half the step. Compilation is not counted.
"""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=256, help="along each axis")
    parser.add_argument("--viscosity", type=float, default=1e-3)
    parser.add_argument("--forcing", choices=["paper", "none"], default="paper")
    parser.add_argument("--dt", type=float, default=1e-2)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--order", type=int, choices=[1, 2, 3, 4], default=4)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument(
        "--batch-size", type=int, default=1, help="samples stepped together: one stays in the cache"
    )
    parser.add_argument("--initial", help="NetCDF file; drawn at random without")
    parser.add_argument("--variable", default="w0", help="of the file, [sample, y, x]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def random_initial(samples, points, seed):
    """Real samples of 7^{3/2}(−Δ+49)^−2.5 without the constant mode: white noise filtered."""
    import numpy as np

    noise = np.random.default_rng(seed).standard_normal((samples, points, points))
    first, second = np.fft.fftfreq(points, 1 / points)[:, None], np.fft.rfftfreq(points, 1 / points)
    deviation = 7**0.75 * (4 * np.pi**2 * (first**2 + second**2) + 49) ** -1.25
    deviation[0, 0] = 0
    deviation[points // 2] = deviation[:, points // 2] = 0
    return np.fft.irfft2(np.fft.rfft2(noise) * deviation * points, (points, points))


def stepper_for(options, points, dt):
    """exponax has no such forcing: its nonlinear part and its stepper, each extended by a few lines."""
    import exponax
    import jax.numpy as jnp

    class ForcedConvection(exponax.nonlin_fun.VorticityConvection2d):
        forcing: jnp.ndarray

        def __init__(self, forcing, **arguments):
            super().__init__(2, points, **arguments)
            self.forcing = forcing

        def __call__(self, spectrum):
            return super().__call__(spectrum) + self.forcing

    class ForcedNavierStokes(exponax.stepper.NavierStokesVorticity):
        def _build_nonlinear_fun(self, derivative_operator):
            x, y = jnp.meshgrid(*2 * [jnp.arange(points) / points], indexing="ij")
            phase = 2 * jnp.pi * (x + y)
            return ForcedConvection(
                exponax.fft(0.1 * (jnp.sin(phase) + jnp.cos(phase))[None], num_spatial_dims=2),
                convection_scale=self.vorticity_convection_scale,
                derivative_operator=derivative_operator,
                dealiasing_fraction=self.dealiasing_fraction,
            )

    kind = ForcedNavierStokes if options.forcing == "paper" else exponax.stepper.NavierStokesVorticity
    # exponax takes the first axis as x and the vorticity as minus the curl: on arrays [y, x] the two cancel
    return kind(2, 1.0, points, dt, diffusivity=options.viscosity, order=options.order)


def main():
    options = arguments()
    common.prepare(options.threads)
    import exponax
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", options.precision == "float64")
    if options.initial:
        initial = common.netcdf_variables(options.initial, [options.variable])[: options.samples]
    else:
        initial = random_initial(options.samples, options.points, options.seed)[:, None]
    initial = initial.astype(options.precision)
    points = initial.shape[-1]
    batches = [initial[i : i + options.batch_size] for i in range(0, len(initial), options.batch_size)]

    def solver(steps):
        final_time = options.dt * options.steps
        advance = exponax.repeat(stepper_for(options, points, final_time / steps).step_fourier, steps)

        def solve(values):
            spectrum = exponax.fft(values, num_spatial_dims=2)
            return exponax.ifft(advance(spectrum), num_spatial_dims=2, num_points=points)

        return jax.jit(jax.vmap(solve))

    solve = solver(options.steps)
    for shape in {batch.shape for batch in batches}:
        solve(np.zeros(shape, options.precision)).block_until_ready()

    def work():
        return [solve(batch).block_until_ready() for batch in batches]

    seconds = common.median_seconds(work, options.repeats, warm_up=0)
    processor_seconds = common.processor_seconds(work)
    finer = solver(2 * options.steps)

    def error_of(values, reference):
        norms = [np.linalg.norm(part, axis=(-2, -1)) for part in (values - reference, reference)]
        return float(np.max(norms[0] / norms[1]))

    error = max(error_of(solve(batch), finer(batch)) for batch in batches)
    common.report(
        ["exponax", "jax"],
        points=points,
        samples=len(initial),
        steps=options.steps,
        seconds=seconds,
        step_ms_per_sample=1e3 * seconds / (options.steps * len(initial)),
        processor_ms_per_sample=1e3 * processor_seconds / (options.steps * len(initial)),
        error_against_half_step=error,
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
