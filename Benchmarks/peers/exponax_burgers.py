"""Times Burgers' equation by exponax's ETDRK4, batched, in double precision, and its error against half the step.

u_t + (u²/2)_x = ν u_xx on the periodic unit interval to the final time. Initial values come from a NetCDF file or are
drawn from 625(−Δ+25)^−2 without its constant mode. The state stays in Fourier space from step to step, and the
convection is in conservative form: exponax's fastest documented settings. With --tolerance the step is shortened from
--dt, six to five, until the error is small enough. It is the largest over the samples of ‖u − u½‖/‖u½‖, u½ with half
the step. Compilation is not counted.
"""

import argparse
import math

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument("--viscosity", type=float, default=0.1)
    parser.add_argument("--final-time", type=float, default=1.0)
    parser.add_argument("--dt", type=float, default=1e-2)
    parser.add_argument("--tolerance", type=float, help="shorten the step until the error is at most this")
    parser.add_argument("--order", type=int, choices=[1, 2, 3, 4], default=4)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=200, help="samples stepped together")
    parser.add_argument("--initial", help="NetCDF file; drawn at random without")
    parser.add_argument("--variable", default="u0", help="of the file, [sample, x]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def random_initial(samples, points, seed):
    """Real samples of 625(−Δ+25)^−2 on the periodic unit interval."""
    import numpy as np

    generator = np.random.default_rng(seed)
    wavenumber = np.arange(1, points // 2)
    deviation = 25 / ((2 * np.pi * wavenumber) ** 2 + 25)
    spectrum = np.zeros((samples, points // 2 + 1), complex)
    draws = generator.standard_normal((2, samples, len(wavenumber)))
    # √2 (a cos + b sin) is the real part of √2 (a − ib) exp(ikx)
    spectrum[:, 1:-1] = deviation * (draws[0] - 1j * draws[1]) * points / 2**0.5
    return np.fft.irfft(spectrum, points)


def main():
    options = arguments()
    common.prepare(options.threads)
    import exponax
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    if options.initial:
        initial = common.netcdf_variables(options.initial, [options.variable])[: options.samples]
        initial = initial.astype(float)
    else:
        initial = random_initial(options.samples, options.points, options.seed)[:, None]
    points = initial.shape[-1]
    batches = [initial[i : i + options.batch_size] for i in range(0, len(initial), options.batch_size)]

    def solver(steps):
        stepper = exponax.stepper.Burgers(
            1,
            1.0,
            points,
            options.final_time / steps,
            diffusivity=options.viscosity,
            conservative=True,
            order=options.order,
        )
        advance = exponax.repeat(stepper.step_fourier, steps)

        def solve(values):
            spectrum = exponax.fft(values, num_spatial_dims=1)
            return exponax.ifft(advance(spectrum), num_spatial_dims=1, num_points=points)

        return jax.jit(jax.vmap(solve))

    def error_of(values, finer):
        return float(np.max(np.linalg.norm(values - finer, axis=-1) / np.linalg.norm(finer, axis=-1)))

    steps = max(1, round(options.final_time / options.dt))
    solve, finer = solver(steps), solver(2 * steps)
    while options.tolerance and any(
        error_of(solve(batch), finer(batch)) > options.tolerance for batch in batches
    ):
        steps = math.ceil(1.2 * steps)
        solve, finer = solver(steps), solver(2 * steps)
    for shape in {batch.shape for batch in batches}:
        solve(np.zeros(shape)).block_until_ready()
    seconds = common.median_seconds(
        lambda: [solve(batch).block_until_ready() for batch in batches], options.repeats, warm_up=0
    )
    error = max(error_of(solve(batch), finer(batch)) for batch in batches)
    common.report(
        ["exponax", "jax"],
        points=points,
        samples=len(initial),
        steps=steps,
        seconds=seconds,
        step_ms_per_sample=1e3 * seconds / (steps * len(initial)),
        error_against_half_step=error,
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
