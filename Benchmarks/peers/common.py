"""What the peers' scripts share: options, threads, timing, peak memory, one JSON object on standard output."""

import argparse
import contextlib
import ctypes
import importlib.metadata
import json
import os
import resource
import statistics
import sys
import time


def grid(text):
    """`64x48` as (64, 48)."""
    sizes = tuple(int(size) for size in text.split("x"))
    if any(size < 1 for size in sizes):
        raise argparse.ArgumentTypeError(f"sizes must be positive: {text}")
    return sizes


def prepare(threads):
    """Keeps every library to `threads` processors, and freed memory in the process.

    To be called before the libraries are imported: they start their threads then. JAX has no option for it and counts
    the processors that the process may use. Large tensors that are returned to the system at every step and asked for
    again cost neuraloperator a fifth of its time; PyTorch's tuning guide advises another allocator, and two settings
    of the C library's do the same.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        with contextlib.suppress(AttributeError):  # a C library other than GNU's
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
            mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def seconds_of(work):
    """One run's wall time, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def median_seconds(work, repeats, warm_up=1, limit=float("inf")):
    """Median wall time of `repeats` runs after `warm_up` untimed ones; past `limit` seconds three runs will do."""
    for _ in range(warm_up):
        work()
    times = []
    while len(times) < repeats and (len(times) < 3 or sum(times) < limit):
        times.append(seconds_of(work)[0])
    return statistics.median(times)


def processor_seconds(work):
    """The processor time of one run, over all threads: what is left of it where others use the machine too."""
    start = time.process_time()
    work()
    return time.process_time() - start


def peak_memory_mb():
    """Largest resident size of this process so far, in MB of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6


def netcdf_variables(path, names):
    """The named variables of a NetCDF file as arrays `[sample, variable, ...grid]`."""
    import netCDF4
    import numpy as np

    with netCDF4.Dataset(path) as file:
        return np.stack([np.asarray(file[name][:]) for name in names], axis=1)


def netcdf_channels(path, names):
    """The named variables as channels, `[sample, channel, ...grid]`; those with a time are sliced: `w[0:10]`.

    Without a slice all times are taken.
    """
    import netCDF4
    import numpy as np

    channels = []
    with netCDF4.Dataset(path) as file:
        for name in names:
            name, _, times = name.rstrip("]").partition("[")
            values = np.asarray(file[name][:])
            if "time" in file[name].dimensions:
                start, _, end = times.partition(":")
                channels.append(values[:, int(start or 0) : int(end or values.shape[1])])
            else:
                channels.append(values[:, None])
    return np.concatenate(channels, axis=1)


def rounded(value):
    """Floats to six digits, in nested dictionaries and lists too."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def report(packages, **results):
    """Prints the results with the packages' versions and the peak memory."""
    results["peak_memory_mb"] = peak_memory_mb()
    results["versions"] = {name: importlib.metadata.version(name) for name in packages}
    print(json.dumps(rounded(results)))
