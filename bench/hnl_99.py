"""How much background the genuine HNL files leave at 99 % signal efficiency, every row scored by models without it.

All rows are divided into folds, the eight masses in the same proportion in each, and rows that share a track in one.
Every model of the task's portfolio learns from the folds that it does not score (trees from all but one of these, which
stops them), with all features of the task; the mass is none of them. The weights of the ensemble are chosen without the
events that they score, too. Only the cut is set on the very scores that it is applied to, at 99 % of the signal: the
first interval (Clopper and Pearson's) is that of the background behind this cut, the second has as well how far the cut
would fall elsewhere in other events.

``HEPSIEVE_REAL_DATA`` names the folder of ``hnl/``. ``HEPSIEVE_BENCH_SEEDS`` (1 if not given) says how many divisions
there are, each with trainings of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import hepsieve as hs
from bench.genuine import genuine_file
from bench.result import Table
from hepsieve.config import TaskConfig, load_task
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.out_of_fold import out_of_fold
from hepsieve.evaluate.results import Scored
from hepsieve.events import Events
from hepsieve.models.portfolio import PortfolioConfig, default_portfolio
from hepsieve.prepare.split import SealedPart, Split, folds
from hepsieve.train.figures import weighted_auc
from hepsieve.train.run import train
from hepsieve.tune.ensemble_selection import cross_fitted

FOLDS = 5
SIGNAL_EFFICIENCY = 0.99
Floats = NDArray[np.float64]


def measure() -> Table:
    """Background behind the cut for every model, and for the ensemble."""
    events, task = hs.read(*_genuine(), task="hnl"), load_task("hnl")
    rows: list[tuple[str | float, ...]] = []
    for seed in range(1, 1 + int(os.environ.get("HEPSIEVE_BENCH_SEEDS", "1"))):
        begin = perf_counter()
        scores = held_out(events, task, seed=seed)
        for name, values in {**scores, "ensemble": combined(scores, events, task, seed=seed)}.items():
            rows.append((seed, name, *judged(events, values)))
        print(f"division {seed}: {perf_counter() - begin:.0f} s, {rows[-1]}", file=sys.stderr, flush=True)
    background = int((events.target == 0).sum())
    return Table(
        title=f"{len(events):,} genuine rows out of fold ({FOLDS} folds), 99 % signal efficiency",
        columns=(
            "division",
            "model",
            "AUC",
            f"of {background:,} background",
            "efficiency",
            "Clopper–Pearson",
            "with the cut's",
        ),
        rows=tuple(rows),
    )


def held_out(events: Events, task: TaskConfig, *, seed: int) -> dict[str, Floats]:
    """By model, scores of all events, each by a training that did not see it, shape (n,)."""
    fold = folds(events, FOLDS, file_order_blocks=task.split.file_order_blocks, seed=seed)
    rows = np.arange(len(events))
    parts = Split(
        train=events, validation=events, test=SealedPart(events[:0]), test_rows=rows[:0], train_rows=rows, fold=fold
    )
    run = train(_portfolio(task).models, parts, prepare=task.prepare, settings=task.train, seed=seed)
    return {name: fitted.held_out_scores(events, fold) for name, fitted in run.models.items()}


def combined(scores: Mapping[str, Floats], events: Events, task: TaskConfig, *, seed: int) -> Floats:
    """Scores of ensembles, each selected without the events that it scores, shape (n,)."""
    signal, weight = events.target == 1, np.asarray(events.weight, np.float64)
    return cross_fitted(
        scores,
        lambda values, some: weighted_auc(values, signal[some], weight[some]),
        steps=_portfolio(task).steps,
        parts=FOLDS,
        rng=np.random.default_rng(seed),
    )


def judged(events: Events, scores: Floats) -> tuple[float | str, ...]:
    """AUC, background events behind the cut, their share, and both of its intervals in per cent."""
    target, weight = np.asarray(events.target, np.float64), np.asarray(events.weight, np.float64)
    scored = Scored(target=target, score=scores, weight=weight)
    found = out_of_fold(scored, signal_efficiencies=(SIGNAL_EFFICIENCY,))
    auc, share = (found.metrics[name] for name in ("auc", f"background_efficiency@{SIGNAL_EFFICIENCY}"))
    if auc.value is None or share.value is None:
        raise HepsieveError("bench hnl-99: there is no such cut")
    kept = round(share.value * found.n_background)
    low, high = clopper_pearson(share.value, found.n_background)
    wide = "?" if share.low is None or share.high is None else _per_cent(share.low, share.high)
    return round(auc.value, 5), kept, f"{share.value:.2%}", _per_cent(low, high), wide


def _portfolio(task: TaskConfig) -> PortfolioConfig:
    return task.portfolio if task.portfolio is not None else default_portfolio("tables")


def _per_cent(low: float, high: float) -> str:
    return f"{low:.2%} to {high:.2%}"


def _genuine() -> list[Path]:
    return [genuine_file("hnl-99", f"hnl/kinematic_variables_{name}.dat") for name in ("Back", "HNLtoPimu")]
