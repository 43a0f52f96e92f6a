"""Run a benchmark by name, or all: ``python -m bench [NAME] [--json]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.result import Result, Table

RESULTS = Path("bench-results.json")
# What decides how fast a network can be trained on a processor.
FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A module whose ``measure()`` gives a ``Result`` or a ``Table``.

    Attributes:
        module: its name.
        all_cores: whether both sides get all cores or one.
        alone: whether it has to be asked for by name.
    """

    module: str
    all_cores: bool = False
    alone: bool = False


BENCHMARKS = {
    "accuracy": Benchmark(module="bench.accuracy", all_cores=True, alone=True),
    "auc-interval": Benchmark(module="bench.auc_interval"),
    "canaries": Benchmark(module="bench.canaries", alone=True),
    "coverage": Benchmark(module="bench.coverage", alone=True),
    "fidelity-egamma": Benchmark(module="bench.fidelity_egamma"),
    "fidelity-hepmass": Benchmark(module="bench.fidelity_hepmass"),
    "fidelity": Benchmark(module="bench.fidelity_higgs", alone=True),
    "fidelity-higgs": Benchmark(module="bench.fidelity_higgs"),
    "fidelity-hnl": Benchmark(module="bench.fidelity_hnl"),
    "hnl-99": Benchmark(module="bench.hnl_99", all_cores=True, alone=True),
    "images": Benchmark(module="bench.images", all_cores=True),
    "ingest": Benchmark(module="bench.ingest", all_cores=True),
    "learning-curve": Benchmark(module="bench.learning_curve", alone=True),
    "processes": Benchmark(module="bench.processes", all_cores=True, alone=True),
    "read-images": Benchmark(module="bench.read_images", all_cores=True),
    "scale": Benchmark(module="bench.scale", alone=True),
    "score": Benchmark(module="bench.score", all_cores=True),
    "simulate-egamma": Benchmark(module="bench.simulate_egamma"),
    "simulate-higgs": Benchmark(module="bench.simulate_higgs"),
    "simulate-xenon": Benchmark(module="bench.simulate_xenon"),
    "small": Benchmark(module="bench.small", all_cores=True),
    "symmetry": Benchmark(module="bench.symmetry", all_cores=True, alone=True),
    "train": Benchmark(module="bench.train", all_cores=True),
    "waveforms": Benchmark(module="bench.waveforms", all_cores=True),
}


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    alone = [name for name, benchmark in sorted(BENCHMARKS.items()) if benchmark.alone]
    parser.add_argument(
        "name",
        nargs="?",
        choices=sorted(BENCHMARKS),
        help=f"all but {', '.join(alone)}, one by one, if not given",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.name:
        report = measured(options.name)
        print(json.dumps(report, ensure_ascii=False) if options.json else _text(report))
        return
    found = [_in_a_process_of_its_own(name) for name in sorted(BENCHMARKS) if not BENCHMARKS[name].alone]
    reports = [report for report in found if report is not None]
    RESULTS.write_text(json.dumps(reports, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(reports, ensure_ascii=False) if options.json else _table(reports))


def measured(name: str) -> dict[str, Any]:
    """What a benchmark found, with the machine's name."""
    benchmark = BENCHMARKS[name]
    # Numerical libraries read this when they are imported, which the benchmark's own module does.
    threads = str(os.cpu_count() or 1) if benchmark.all_cores else "1"
    os.environ.setdefault("OMP_NUM_THREADS", threads)
    measure: Callable[[], Result | Table] = import_module(benchmark.module).measure
    return {"name": name, **asdict(measure()), "machine": machine()}


def machine() -> str:
    """Processor, what it can do, number of cores and Python's version."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = entries.get("model name") or platform.processor() or platform.machine()
    can = [feature for feature in FEATURES if feature in entries.get("flags", "").split()]
    known = ", ".join(can) or "features unknown"
    return f"{name} ({known}), {os.cpu_count()} cores, Python {platform.python_version()}"


def _in_a_process_of_its_own(name: str) -> dict[str, Any] | None:
    """So that no benchmark finds the memory, threads or caches of another; None where it lacks what it needs."""
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench", name, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"{name}: not measured", file=sys.stderr)
        return None
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _table(reports: list[dict[str, Any]]) -> str:
    width = max(len(report["name"]) for report in reports)
    lines = [f"{r['name']:{width}}  {r['ratio']:7.2f} ×  {r['against']}" for r in reports]
    return "\n".join([*lines, reports[0]["machine"], f"all figures: {RESULTS}"])


def _text(report: dict[str, Any]) -> str:
    if "rows" in report:
        return f"{report['name']}: {report['title']}\n\n{report['text'] or _markdown(report)}\n\n{report['machine']}"
    lines = [f"{report['name']}: {report['ratio']:.2f} times {report['against']} ({report['unit']})"]
    for key, value in report["ours"].items():
        other = f" against {report['theirs'][key]:.4g}" if key in report["theirs"] else ""
        lines.append(f"  {key}: {value:.4g}{other}")
    lines += [f"  {key} (theirs): {value:.4g}" for key, value in report["theirs"].items() if key not in report["ours"]]
    return "\n".join([*lines, f"  {report['machine']}"])


def _markdown(report: dict[str, Any]) -> str:
    rows = [report["columns"], ["---"] * len(report["columns"]), *report["rows"]]
    return "\n".join("| " + " | ".join(str(entry) for entry in row) + " |" for row in rows)


if __name__ == "__main__":
    main()
