"""How like the genuine files the simulated heavy-neutral-lepton sample is, and what one learns from it.

Two questions, with as many simulated rows as there are genuine ones. Can trees tell simulated from genuine rows of one
class (AUC, 0.5 is no; scikit-learn's HistGradientBoostingClassifier with 100 iterations, 5-fold cross-validated, equal
numbers)? And do the same trees, trained on simulated signal and background alone, separate the genuine ones?
Below ``ours`` are figures of the simulation. Below ``theirs`` is what genuine rows give in its place: one random half
of them told from the other, and trees trained on them, cross-validated over groups of rows that share a track.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold

from bench.genuine import genuine_file
from bench.result import Result
from hepsieve.evaluate import auc_interval
from hepsieve.evaluate.ranked import Ranked
from hepsieve.simulate import simulate
from hepsieve.simulate.hnl_columns import NAMES

FILES = {1: "HNLtoPimu", 0: "Back"}
CLASSES = {1: "signal", 0: "background"}
COURSE = ("Mother Total Momentum", "Opening Angle", "Impact Parameter", "DOCA")
ITERATIONS, FOLDS, SEED = 100, 5, 1
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Rows of both classes: columns, class, and the group of rows that must stay together."""

    columns: Floats
    target: Ints
    group: Ints

    def __getitem__(self, kept: NDArray[np.bool_]) -> Rows:
        return Rows(columns=self.columns[kept], target=self.target[kept], group=self.group[kept])


def measure() -> Result:
    """AUCs with 95 % intervals; the ratio compares what is lost, 1 − AUC, with training on genuine rows."""
    genuine = read_genuine()
    start = perf_counter()
    simulated = simulate_as_many(genuine)
    rate = len(simulated.target) / (perf_counter() - start)
    ours: dict[str, float] = {"simulated rows per second": rate}
    theirs: dict[str, float] = {}
    halves = np.random.default_rng(SEED).integers(0, 2, genuine.group.max() + 1)[genuine.group] == 0
    for label, name in CLASSES.items():
        _note(ours, f"{name}: simulated or genuine", told_apart(simulated, genuine, label))
        _note(theirs, f"{name}: simulated or genuine", told_apart(genuine[halves], genuine[~halves], label))
    for title, names in (("16 columns", NAMES), ("course's four columns", COURSE)):
        places = [NAMES.index(name) for name in names]
        score = _trees().fit(simulated.columns[:, places], simulated.target).predict_proba(genuine.columns[:, places])
        _note(ours, f"genuine rows, {title}", _auc(genuine.target, score[:, 1]))
        _note(theirs, f"genuine rows, {title}", learned_from_genuine(genuine, places))
    lost = [1 - figures["genuine rows, 16 columns"] for figures in (theirs, ours)]
    return Result(
        ratio=lost[0] / lost[1],
        against="the lost 1 − AUC of training on genuine rows over that of training on simulated ones, on genuine rows",
        unit="AUC of trees, unless named",
        ours=ours,
        theirs=theirs,
    )


def read_genuine() -> Rows:
    """The genuine rows.

    Raises:
        SystemExit: in one line, where there are none.
    """
    paths = {
        label: genuine_file("fidelity-hnl", f"hnl/kinematic_variables_{name}.dat") for label, name in FILES.items()
    }
    tables = {label: np.loadtxt(path, delimiter=",", skiprows=1)[:, : len(NAMES)] for label, path in paths.items()}
    groups = [_shared_tracks(table) for table in tables.values()]
    return Rows(
        columns=np.concatenate(list(tables.values())),
        target=np.repeat(list(tables), [len(table) for table in tables.values()]),
        group=np.concatenate([groups[0], groups[0].max() + 1 + groups[1]]),
    )


def simulate_as_many(genuine: Rows) -> Rows:
    """At least as many simulated rows of each class as there are genuine ones of the larger."""
    events = simulate("hnl", 2 * int(np.bincount(genuine.target).max()), seed=SEED)
    assert events.group is not None  # the simulator always gives groups
    return Rows(columns=events.features.astype(np.float64), target=events.target.astype(np.int64), group=events.group)


def told_apart(simulated: Rows, genuine: Rows, label: int) -> tuple[float, float, float]:
    """The AUC, with its interval, of telling simulated rows of a class from as many genuine ones."""
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(rows.target == label) for rows in (simulated, genuine)]
    n = min(map(len, members))
    taken = [rng.permutation(rows)[:n] for rows in members]
    columns = np.concatenate([simulated.columns[taken[0]], genuine.columns[taken[1]]])
    # float32 on both sides: trees could otherwise tell the number of digits.
    columns = columns.astype(np.float32).astype(np.float64)
    origin, group = np.repeat([0, 1], n), np.concatenate([simulated.group[taken[0]], -1 - genuine.group[taken[1]]])
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    return _cross_validated(columns, origin, list(folds.split(columns, origin, group)))


def learned_from_genuine(genuine: Rows, places: list[int]) -> tuple[float, float, float]:
    """The AUC, with its interval, of genuine signal against background; trees never score rows that they saw."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    columns = genuine.columns[:, places]
    return _cross_validated(columns, genuine.target, list(folds.split(columns, genuine.target, genuine.group)))


def _cross_validated(columns: Floats, target: Ints, folds: list[tuple[Ints, Ints]]) -> tuple[float, float, float]:
    score = np.empty(len(target))
    for train, held_out in folds:
        score[held_out] = _trees().fit(columns[train], target[train]).predict_proba(columns[held_out])[:, 1]
    return _auc(target, score)


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=ITERATIONS, random_state=SEED)


def _auc(target: Ints, score: Floats) -> tuple[float, float, float]:
    found = auc_interval(Ranked.of(target.astype(np.float64), score, np.ones(len(score))), seed=SEED)
    assert found.value is not None  # both classes are there
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high


def _note(figures: dict[str, float], name: str, found: tuple[float, float, float]) -> None:
    figures |= {name: found[0], f"{name}, low": found[1], f"{name}, high": found[2]}


def _shared_tracks(table: Floats) -> Ints:
    """Numbers of groups of consecutive rows that share a daughter's momentum."""
    daughters = [table[:, NAMES.index(f"Daughter{number} Total Momentum")] for number in (1, 2)]
    shared = np.zeros(len(table) - 1, dtype=bool)
    for one in daughters:
        for other in daughters:
            shared |= np.isclose(one[1:], other[:-1], rtol=1e-4)
    groups: Ints = np.concatenate([[0], np.cumsum(~shared)])
    return groups
