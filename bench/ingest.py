"""From a CSV.gz file in the HEPMASS layout to inputs that can be trained on, against pandas and scikit-learn.

Ours reads into a verified store, divides, fits the scale on the training part and prepares training and validation
inputs. Theirs does what the notebook does: read everything, fit the scale on everything, divide twice. Each side runs
in a process of its own, timed after its imports; memory is what no file backs (RssAnon), at its peak. The larger file
is read by ours alone, once: its question is whether memory grows with the rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.hepmass_rows import write
from bench.result import Result

ROWS, MANY, REPEATS = 1_000_000, 4_000_000, 5
TEST, VALIDATION, SEED = 0.1, 0.18, 45
_EVERY = 0.002  # seconds between two looks at the memory
Figures = dict[str, float]


def measure() -> Result:
    """Medians of five runs of each, in turn."""
    if find_spec("pandas") is None:
        raise SystemExit("bench ingest: pandas is missing; install it with pip install -e '.[bench]'")
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder, "rows.csv.gz"), ROWS)
        runs = [(_run("theirs", file), _run("ours", file)) for _ in range(REPEATS)]
        file.unlink()
        many = _run("ours", write(Path(folder, "many.csv.gz"), MANY))
    theirs, ours = ({key: median(run[side][key] for run in runs) for key in runs[0][side]} for side in (0, 1))
    return Result(
        ratio=theirs["seconds"] / ours["seconds"],
        against="pandas.read_csv, MinMaxScaler on all rows and two StratifiedShuffleSplits",
        unit=f"seconds and MB of memory of its own, for {ROWS:,} rows unless said",
        ours={
            **ours,
            f"seconds for {MANY:,} rows": many["seconds"],
            f"MB for {MANY:,} rows": many["MB"],
            f"MB for {MANY:,} rows over MB for {ROWS:,}": many["MB"] / ours["MB"],
        },
        theirs=theirs,
    )


def _run(side: str, file: Path) -> Figures:
    """The figures of one side in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory(dir=file.parent) as cache:
        done = subprocess.run(
            [sys.executable, "-m", "bench.ingest", side, str(file)],
            env={**os.environ, "HEPSIEVE_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"bench ingest: {side} failed: {done.stderr.strip()[-500:]}")
    figures: Figures = json.loads(done.stdout)
    return figures


def _ours(file: Path) -> Callable[[], object]:
    from hepsieve.config import DataConfig, PrepareConfig
    from hepsieve.data.read import read_files
    from hepsieve.prepare import Preparation, split

    def work() -> object:
        events = read_files([file], DataConfig(catalog="hepmass"), cache=Path(os.environ["HEPSIEVE_CACHE"]))
        parts = split(events, validation=VALIDATION, test=TEST, seed=SEED)
        preparation = Preparation.fit(parts.train, PrepareConfig(scale="minmax"))
        return parts, preparation(parts.train), preparation(parts.validation)

    return work


def _theirs(file: Path) -> Callable[[], object]:
    import pandas as pd  # of the extra "bench"
    from sklearn.model_selection import StratifiedShuffleSplit
    from sklearn.preprocessing import MinMaxScaler

    def work() -> object:
        table = pd.read_csv(file)
        label, raw = table["# label"], table.drop(columns="# label")
        features = pd.DataFrame(MinMaxScaler().fit_transform(raw), columns=raw.columns)
        rest, test = next(StratifiedShuffleSplit(1, test_size=TEST, random_state=SEED).split(features, label))
        held_out = features.iloc[test], label.iloc[test]
        features, label = features.iloc[rest], label.iloc[rest]
        share = VALIDATION / (1 - TEST)
        train, validation = next(StratifiedShuffleSplit(1, test_size=share, random_state=SEED).split(features, label))
        learned = features.iloc[train], label.iloc[train]
        return held_out, learned, features.iloc[validation], label.iloc[validation]

    return work


def _watched(work: Callable[[], object]) -> Figures:
    """Seconds, and the highest memory that no file backs in MB, of a piece of work."""
    done, highest = threading.Event(), 0

    def watch() -> None:
        nonlocal highest
        while not done.wait(_EVERY):
            highest = max(highest, _anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        start = perf_counter()
        kept = work()
        seconds = perf_counter() - start
    finally:
        done.set()
        thread.join()
    del kept
    return {"seconds": seconds, "MB": highest / 1e6}


def _anonymous() -> int:
    with Path("/proc/self/status").open(encoding="utf-8") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("RssAnon"))


if __name__ == "__main__":
    sides = {"ours": _ours, "theirs": _theirs}
    print(json.dumps(_watched(sides[sys.argv[1]](Path(sys.argv[2])))))
