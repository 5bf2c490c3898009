"""Times the 2-D Navier–Stokes equation by the scheme that Li et al. (2021) describe, in PyTorch, batched.

ω_t + u·∇ω = νΔω + f on the periodic unit square, f = 0.1 (sin 2π(x+y) + cos 2π(x+y)). Pseudo-spectral, 2/3 dealiased:
the transport in its convective form by five real transforms, forward Euler for it and for the force, Crank–Nicolson
for diffusion; the state stays in Fourier space. Written from the paper's description (section A.3.3), not from its
script. Whole runs take hours: the time of a step is measured over a few hundred of them. With `--output` the last state
is written, to be compared with another solver's.
"""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=256, help="along each axis")
    parser.add_argument("--viscosity", type=float, default=1e-3)
    parser.add_argument("--dt", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--precision", choices=["float64", "float32"], default="float64")
    parser.add_argument("--samples", type=int, default=10, help="all stepped together")
    parser.add_argument("--initial", help="NetCDF file; drawn at random without")
    parser.add_argument("--variable", default="w0", help="of the file, [sample, y, x]")
    parser.add_argument("--output", help="NumPy file for the last state, [sample, y, x]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def solver(torch, points, viscosity, dt, dtype):
    """The function that takes a spectrum some steps further."""
    frequency = 2 * torch.pi * torch.fft.fftfreq(points, 1 / points, dtype=dtype)[:, None]
    halved = 2 * torch.pi * torch.fft.rfftfreq(points, 1 / points, dtype=dtype)[None, :]
    square = frequency**2 + halved**2
    inverse = torch.where(square > 0, 1 / torch.where(square > 0, square, 1), 0)
    limit = 2 * torch.pi * points / 3
    kept = ((frequency.abs() <= limit) & (halved.abs() <= limit)).to(dtype)
    x = torch.arange(points, dtype=dtype) / points
    phase = 2 * torch.pi * (x[:, None] + x[None, :])
    force = torch.fft.rfft2(0.1 * (torch.sin(phase) + torch.cos(phase)))
    # of ω: u = ψ_y, v = −ψ_x with −Δψ = ω, and its gradient
    factors = [1j * frequency * inverse, -1j * halved * inverse, 1j * halved, 1j * frequency]
    explicit = 1 - 0.5 * dt * viscosity * square
    implicit = 1 / (1 + 0.5 * dt * viscosity * square)

    def advance(spectrum, steps):
        for _ in range(steps):
            u, v, slope_x, slope_y = (
                torch.fft.irfft2(spectrum * factor, s=(points, points)) for factor in factors
            )
            transport = torch.fft.rfft2(u * slope_x + v * slope_y) * kept
            spectrum = (explicit * spectrum + dt * (force - transport)) * implicit
        return spectrum

    return advance


def main():
    options = arguments()
    common.prepare(options.threads)
    import numpy as np
    import torch

    import exponax_navier_stokes

    torch.set_num_threads(options.threads)
    dtype = getattr(torch, options.precision)
    if options.initial:
        initial = common.netcdf_variables(options.initial, [options.variable])[: options.samples, 0]
    else:
        initial = exponax_navier_stokes.random_initial(options.samples, options.points, options.seed)
    initial = torch.as_tensor(np.asarray(initial), dtype=dtype)
    points = initial.shape[-1]
    advance = solver(torch, points, options.viscosity, options.dt, dtype)
    with torch.inference_mode():
        spectrum = torch.fft.rfft2(initial)
        advance(spectrum, 2)
        seconds = common.median_seconds(lambda: advance(spectrum, options.steps), options.repeats, warm_up=0)
        processor_seconds = common.processor_seconds(lambda: advance(spectrum, options.steps))
        if options.output:
            last = torch.fft.irfft2(advance(spectrum, options.steps), s=(points, points))
            np.save(options.output, last.numpy())
    common.report(
        ["torch"],
        points=points,
        samples=len(initial),
        steps=options.steps,
        seconds=seconds,
        step_ms_per_sample=1e3 * seconds / (options.steps * len(initial)),
        processor_ms_per_sample=1e3 * processor_seconds / (options.steps * len(initial)),
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
