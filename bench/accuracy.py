"""How well the genuine HIGGS rows are told apart in a budget of time, against tuned xgboost and pytabkit's TabM.

All of them learn from the same four fifths of the rows and are judged on the fifth that is left, five times over; each
gets the same wall-clock time (a fifth of ``HEPSIEVE_BENCH_BUDGET``, 600 s if not given) and all cores for a fifth. The
rows are those of ``HEPSIEVE_REAL_DATA``. ``HEPSIEVE_BENCH_START`` names run folders of models that learned from
simulated rows (made by ``hepsieve simulate higgs`` and ``hepsieve run`` beforehand, and not part of the budget): then
hepsieve is also measured fine-tuning these (``examples/higgs-finetune.yaml``). With ``HEPSIEVE_BENCH_KEEP`` the scores
of finished methods are kept in that folder, and taken from there by the next call with the same budget.

TabM needs pytabkit (``pip install 'hepsieve[bench-accuracy]'``); without it that row is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from bench import accuracy_others
from bench.genuine import genuine_file
from bench.result import Table
from hepsieve.data.write import write_events
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.compare import holm, paired_difference
from hepsieve.evaluate.importance import placements_by_event
from hepsieve.evaluate.quantity import Quantity
from hepsieve.events import Events
from hepsieve.stages import read

FOLDS = 5
BUDGET = 600.0  # seconds in all
SHARE = 5 / 6
"""Of the time that is hepsieve's ``--budget``: evaluation and page come on top of it, and are within the time, too."""
REFERENCE = "hepsieve"
FINETUNE = Path(__file__).parents[1] / "examples" / "higgs-finetune.yaml"
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """One division of the rows.

    Attributes:
        number: from 0.
        learned: four fifths of the rows.
        judged: the others.
        folder: for whatever files are needed.
        seconds: that a method has for it.
    """

    number: int
    learned: Events
    judged: Events
    folder: Path
    seconds: float


Method = Callable[[Fold], Floats]
"""From a fold to scores of its judged rows, shape (n,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A method's scores of all rows, turned into what an AUC is made of.

    Attributes:
        placements: of every row, the share of the other class of its fold on its right side.
        seconds: that all folds took.
    """

    placements: Floats
    seconds: float


def measure() -> Table:
    """AUC out of fold, paired differences and wall-clock times."""
    events = read(genuine_file("accuracy", "higgs/Higgs_data.root"), task="higgs")
    budget = float(os.environ.get("HEPSIEVE_BENCH_BUDGET", BUDGET))
    fold = _folds(events)
    found: dict[str, Judged] = {}
    for name, method in _methods().items():
        print(f"{name} …", file=sys.stderr, flush=True)
        found[name] = _kept(name, budget) or _judged(method, events, fold, budget / FOLDS)
        _keep(name, budget, found[name])
    return _table(found, events, fold, budget)


def _place(name: str, budget: float) -> Path | None:
    """Where a method's result is kept, if anywhere."""
    folder = os.environ.get("HEPSIEVE_BENCH_KEEP")
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    return None if folder is None else Path(folder) / f"{plain}-{budget:g}s.npz"


def _kept(name: str, budget: float) -> Judged | None:
    place = _place(name, budget)
    if place is None or not place.is_file():
        return None
    with np.load(place, allow_pickle=False) as kept:
        return Judged(placements=kept["placements"], seconds=float(kept["seconds"]))


def _keep(name: str, budget: float, judged: Judged) -> None:
    if (place := _place(name, budget)) is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        np.savez(place, placements=judged.placements, seconds=judged.seconds)


def _folds(events: Events) -> NDArray[np.int64]:
    """The fold of every row, drawn within each class."""
    rng = np.random.default_rng(2024)
    fold = np.empty(len(events), np.int64)
    for label in (0, 1):
        rows = np.flatnonzero(events.target == label)
        fold[rows] = rng.permutation(np.arange(len(rows)) % FOLDS)
    return fold


def _methods() -> dict[str, Method]:
    methods: dict[str, Method] = {REFERENCE: lambda fold: _hepsieve(fold, "higgs")}
    if start := os.environ.get("HEPSIEVE_BENCH_START"):
        setting = f"train.start_from={Path(start).resolve()}"
        methods[f"{REFERENCE}, begun on simulated rows"] = lambda fold: _hepsieve(fold, str(FINETUNE), setting)
    if find_spec("pytabkit") is not None:
        methods["TabM (pytabkit)"] = lambda fold: accuracy_others.tabm(
            fold.learned, fold.judged, seconds=fold.seconds, seed=fold.number
        )
    else:
        print("TabM is left out: pip install 'hepsieve[bench-accuracy]'", file=sys.stderr)
    methods["xgboost, tuned"] = lambda fold: accuracy_others.xgboost(
        fold.learned, fold.judged, seconds=fold.seconds, seed=fold.number
    )
    return methods


def _hepsieve(fold: Fold, task: str, *settings: str) -> Floats:
    """The ensemble's scores, as a user gets them."""
    learned, judged, out = (fold.folder / name for name in ("learned.parquet", "judged.parquet", "run"))
    write_events(fold.learned, learned)
    write_events(fold.judged, judged)
    command = [sys.executable, "-m", "hepsieve", "run", task, "--quiet", "--seed", str(fold.number + 1)]
    command += ["--budget", f"{SHARE * fold.seconds:g}s", "--data", str(learned), "--out", str(out)]
    for setting in (f"data.test_files=[{judged}]", "split.validation=0.1", "explain.permutations=0", *settings):
        command += ["--set", setting]
    # Nothing is taken over from another run.
    environment = os.environ | {"HEPSIEVE_CACHE": str(fold.folder / "cache")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    scores = pyarrow.parquet.read_table(out / "predictions.parquet")
    if not np.array_equal(scores["target"].to_numpy(), fold.judged.target):
        raise HepsieveError("bench accuracy: the run judged other rows than it was given")
    return np.asarray(scores["score_ensemble"].to_numpy(), np.float64)


def _judged(method: Method, events: Events, fold: NDArray[np.int64], seconds: float) -> Judged:
    placements = np.empty(len(events))
    begin = perf_counter()
    for number in range(FOLDS):
        learned, rows = (np.flatnonzero(chosen) for chosen in (fold != number, fold == number))
        judged = events[rows]
        with tempfile.TemporaryDirectory() as folder:
            scores = method(
                Fold(number=number, learned=events[learned], judged=judged, folder=Path(folder), seconds=seconds)
            )
        placements[rows] = placements_by_event(
            np.asarray(judged.target, np.float64), scores, np.asarray(judged.weight, np.float64)
        )
    return Judged(placements=placements, seconds=perf_counter() - begin)


def _table(found: dict[str, Judged], events: Events, fold: NDArray[np.int64], budget: float) -> Table:
    target, weight = np.asarray(events.target, np.float64), np.asarray(events.weight, np.float64)
    ours = found[REFERENCE].placements
    others = {
        name: paired_difference(target, weight, one.placements - ours)
        for name, one in found.items()
        if name != REFERENCE
    }
    adjusted = dict(zip(others, holm([1.0 if p is None else p for _, p in others.values()]), strict=True))
    rows = tuple(
        (
            name,
            _shown(paired_difference(target, weight, one.placements)[0]),
            _shown(others[name][0], signed=True) if name in others else "–",
            f"{adjusted[name]:.2g}" if name in adjusted else "–",
            " ".join(f"{value:.4f}" for value in _by_fold(one.placements, target, fold)),
            round(one.seconds, 1),
        )
        for name, one in found.items()
    )
    return Table(
        title=f"{len(events):,} genuine HIGGS rows in {FOLDS} folds, {budget:g} s in all for each",
        columns=("method", "AUC out of fold", f"difference to {REFERENCE}", "p (Holm)", "AUC by fold", "seconds"),
        rows=rows,
    )


def _by_fold(placements: Floats, target: Floats, fold: NDArray[np.int64]) -> Iterator[float]:
    for number in range(FOLDS):
        yield float(placements[(fold == number) & (target == 1)].mean())


def _shown(quantity: Quantity, *, signed: bool = False) -> str:
    form = "+.4f" if signed else ".4f"
    value, low, high = (
        "?" if one is None else format(one, form) for one in (quantity.value, quantity.low, quantity.high)
    )
    return f"{value} ({low} to {high})"
