"""AUC against the number of genuine HIGGS rows to learn from, with and without simulated rows beside them.

The genuine rows are those of ``HEPSIEVE_REAL_DATA``; without it, simulated rows of another seed stand in, which
shows what simulation could give at best if the simulator were perfect. Test rows are odd ones of each class, on which
the simulator was not tuned, and the same at every size; a quarter of the rows to learn from stops the training and
chooses the weight of the simulated ones. Divisions are repeated, the smaller ones within the larger.

``HEPSIEVE_BENCH_SIMULATED`` names a file of simulated rows (``hepsieve simulate higgs``); otherwise so many are made.
``HEPSIEVE_BENCH_SIZE`` is ``full`` (an hour or more), ``medium`` (some minutes) or ``small`` (few rows, one division).
``HEPSIEVE_BENCH_FIGURE`` names a picture (.svg or .png) to draw.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import hepsieve as hs
from bench.result import Table
from hepsieve.config import PrepareConfig, load_task
from hepsieve.events import Events
from hepsieve.models.simulation_config import SimulationConfig
from hepsieve.prepare import SealedPart, Split
from hepsieve.train.figures import weighted_auc
from hepsieve.train.run import Fitted, train

MODEL = "trees"
"""Of the portfolio of ``higgs``, with invariant and derived inputs."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        genuine: numbers of genuine rows to learn from, stopping rows among them.
        simulated: how many simulated rows stand beside them.
        test: how many test rows.
        divisions: how often rows are divided anew.
        weights: of all simulated rows over that of all genuine ones, to choose from.
    """

    genuine: tuple[int, ...]
    simulated: int
    test: int
    divisions: int
    weights: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)


FULL = Size(genuine=(500, 1000, 2000, 4000, 8000, 15_000), simulated=100_000, test=5000, divisions=5)
MEDIUM = Size(genuine=(500, 2000, 8000), simulated=20_000, test=5000, divisions=3, weights=(0.5, 2.0))
SMALL = Size(genuine=(300, 1200), simulated=3000, test=1000, divisions=1)


@dataclass(frozen=True, kw_only=True)
class Point:
    """What was found with so many genuine rows: AUCs of every division, and the weights that were chosen."""

    genuine: int
    without: tuple[float, ...]
    beside: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def gain(self) -> NDArray[np.float64]:
        """What simulated rows add to the AUC, by division."""
        return np.asarray(np.subtract(self.beside, self.without), np.float64)


def measure() -> Table:
    """The curve as a table, and as a picture where one is asked for."""
    size = {"small": SMALL, "medium": MEDIUM, "full": FULL}[os.environ.get("HEPSIEVE_BENCH_SIZE", "full")]
    genuine, what = _genuine(size)
    simulated = _simulated(size)
    points = [_point(genuine, simulated, rows, size) for rows in size.genuine]
    if picture := os.environ.get("HEPSIEVE_BENCH_FIGURE"):
        figure(points, what, len(simulated)).savefig(picture)
    rows = tuple(
        (
            point.genuine,
            float(np.mean(point.without)),
            float(np.mean(point.beside)),
            float(np.mean(point.gain)),
            _error(point.gain) if len(point.without) > 1 else "–",
            float(np.median(point.weights)),
        )
        for point in points
    )
    return Table(
        title=f"Test AUC of {MODEL} on {what}, with and without {len(simulated):,} simulated rows",
        columns=("genuine rows", "AUC without", "AUC with", "gain", "its error", "median weight"),
        rows=rows,
    )


def figure(points: Sequence[Point], what: str, simulated: int) -> Figure:
    """The two curves over the number of genuine rows."""
    drawn = Figure(figsize=(6, 4), layout="constrained")
    axes = drawn.subplots()
    counts = [point.genuine for point in points]
    for label, found, marker in (
        (f"with {simulated:,} simulated rows", [point.beside for point in points], "o-"),
        ("genuine rows alone", [point.without for point in points], "s--"),
    ):
        mean, error = [float(np.mean(one)) for one in found], [_error(np.asarray(one)) for one in found]
        axes.errorbar(counts, mean, _bars(error), fmt=marker, capsize=3, label=label)
    axes.set(xscale="log", xlabel=f"{what} to learn from", ylabel="test AUC")
    axes.minorticks_off()
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.legend()
    return drawn


def _bars(errors: Sequence[float]) -> Sequence[float] | None:
    """No bars where one division tells of no spread."""
    return errors if np.isfinite(errors).all() else None


def _error(values: NDArray[np.float64]) -> float:
    """Of the mean over divisions; they share the test rows, whose own share of the error is not in it."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _genuine(size: Size) -> tuple[Events, str]:
    folder = os.environ.get("HEPSIEVE_REAL_DATA")
    path = Path(folder or "") / "higgs" / "Higgs_data.root"
    if folder is not None and path.is_file():
        return hs.read(path, task="higgs"), "genuine rows"
    return hs.simulate("higgs", 2 * size.test + max(size.genuine), seed=1), "rows of the simulator"


def _simulated(size: Size) -> Events:
    if path := os.environ.get("HEPSIEVE_BENCH_SIMULATED"):
        events = hs.read(path, task="higgs")
        return events[np.arange(min(size.simulated, len(events)))]
    return hs.simulate("higgs", size.simulated, seed=2)


def _point(genuine: Events, simulated: Events, rows: int, size: Size) -> Point:
    found = [_division(genuine, simulated, rows, size, seed=seed) for seed in range(1, size.divisions + 1)]
    print(f"{rows} rows: {found}", file=sys.stderr, flush=True)
    without, beside, weights = (tuple(one[k] for one in found) for k in range(3))
    return Point(genuine=rows, without=without, beside=beside, weights=weights)


def _division(genuine: Events, simulated: Events, rows: int, size: Size, *, seed: int) -> tuple[float, float, float]:
    """AUC without and with simulated rows, and the weight that validation chose."""
    test, pool = _divided(genuine.target, size.test, seed)
    learned = pool[:rows]
    watched = learned[: rows // 4]
    parts = Split(
        train=genuine[learned[rows // 4 :]],
        validation=genuine[watched],
        test=SealedPart(genuine[test]),
        test_rows=test,
        train_rows=learned[rows // 4 :],
        simulated=simulated,
    )
    judged = genuine[test]
    alone, beside = _trained(parts, None, seed), _trained(parts, size.weights, seed)
    assert beside.mixing is not None
    return _auc(alone, judged), _auc(beside, judged), beside.mixing.weight


def _divided(target: NDArray[np.float32], test: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Test rows (odd ones of their class, the same for every seed), and all others in random order, classes in turn."""
    fixed, rng = np.random.default_rng(2024), np.random.default_rng(seed)
    chosen, others = [], []
    for label in (0, 1):
        of_class = np.flatnonzero(target == label)
        odd = of_class[1::2]
        mine = fixed.permutation(odd)[: test // 2]
        chosen.append(mine)
        others.append(rng.permutation(np.setdiff1d(of_class, mine)))
    turns = min(map(len, others))
    return np.sort(np.concatenate(chosen)), np.stack([one[:turns] for one in others], axis=1).ravel()


def _trained(parts: Split, weights: tuple[float, ...] | None, seed: int) -> Fitted:
    task = load_task("higgs")
    settings = task.train
    if weights is not None:
        simulation = SimulationConfig(files=(Path("simulated"),), weight=weights)
        settings = settings.model_copy(update={"simulation": simulation})
    else:
        parts = replace(parts, simulated=None)
    assert task.portfolio is not None
    model = task.portfolio.models[MODEL]
    run = train({MODEL: model}, parts, prepare=PrepareConfig(), settings=settings, seed=seed)
    return run.models[MODEL]


def _auc(fitted: Fitted, events: Events) -> float:
    return weighted_auc(fitted.scores(events), events.target == 1, events.weight.astype(np.float64))
