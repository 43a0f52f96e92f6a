"""Run a benchmark by name, or all: ``python -m bench [NAME] [--json]``."""

from __future__ import annotations

import os

# One core for both sides; numerical libraries read this when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.result import Result

BENCHMARKS = {
    "auc-interval": "bench.auc_interval",
    "fidelity-hnl": "bench.fidelity_hnl",
    "simulate-higgs": "bench.simulate_higgs",
}
"""Names, and the modules whose ``measure()`` gives a ``Result``."""


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="all, one after the other, if not given")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    for name in [options.name] if options.name else sorted(BENCHMARKS):
        measure: Callable[[], Result] = import_module(BENCHMARKS[name]).measure
        try:
            result = measure()
        except SystemExit as stop:
            if options.name:
                raise
            print(stop, file=sys.stderr)  # one that lacks its files must not keep the others from being measured
            continue
        report = {"name": name, **asdict(result), "machine": machine()}
        print(json.dumps(report, ensure_ascii=False) if options.json else _text(report), flush=True)


def machine() -> str:
    """Processor, number of cores and Python's version."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _text(report: dict[str, Any]) -> str:
    lines = [f"{report['name']}: {report['ratio']:.2f} times {report['against']} ({report['unit']})"]
    for key, value in report["ours"].items():
        other = f" against {report['theirs'][key]:.4g}" if key in report["theirs"] else ""
        lines.append(f"  {key}: {value:.4g}{other}")
    return "\n".join([*lines, f"  {report['machine']}"])


if __name__ == "__main__":
    main()
