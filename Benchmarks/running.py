"""What the comparisons share: running a program for its JSON, medians, the machine, marked sections of a document."""

import json
import os
import pathlib
import platform
import statistics
import subprocess

PEERS = pathlib.Path(__file__).parent / "peers"


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


def around_section(path, name):
    """What a file has up to `<!-- name -->` and from `<!-- end of name -->` on, both included."""
    text = pathlib.Path(path).read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise SystemExit(f"{path}: expected one section between {begin} and {end}")
    return text[:text.index(begin) + len(begin)], text[text.index(end):]


def replace_section(path, name, lines):
    """Puts lines between the two marks in a file; the rest of it stays as it is."""
    before, after = around_section(path, name)
    pathlib.Path(path).write_text("\n".join([before, "", *lines, "", after]))
