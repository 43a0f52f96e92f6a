"""How like the 200 genuine electron and photon images the simulated ones are, and what so few images can tell.

For each engine and class: the p-values of Kolmogorov and Smirnov's test between simulated and genuine images for hit
count, energy of the hottest 1, 9 and 25 crystals, and both widths; can trees on shower shapes tell simulated from
genuine images (AUC, 0.5 is no; 5-fold cross-validated, as many of each class on both sides); and do trees trained on
simulated images separate genuine electrons from photons? Below ``theirs`` is what genuine images give in their place:
random halves of them told apart, and trees trained on them, cross-validated.

The settings of the read-out and the matter before the calorimeter were chosen by looking at the same 200 images
(``hepsieve.simulate.egamma_readout.Readout``), so the p-values say that a good setting exists, not that an untouched
simulation was right. What the test can find at all is computed, too: the least shift of a normal distribution, and the
least change of its width, that it discovers at p < 0.01 in four of five cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from bench.genuine import genuine_file
from bench.result import Result
from hepsieve.evaluate import auc_interval
from hepsieve.evaluate.ranked import Ranked
from hepsieve.shower_shapes import ENERGY, shape_names, shower_shapes
from hepsieve.simulate import simulate
from hepsieve.simulate.egamma import EngineName

CLASSES = {1: "electrons", 0: "photons"}
COMPARED = ("hits", "e1", "e9", "e25", "row width", "column width")
ROWS: dict[EngineName, int] = {"geant4": 600, "fast": 4000}
LEVEL, POWER, TOYS = 0.01, 0.80, 400
FOLDS, SEED = 5, 1
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Shapes:
    """Shower shapes of images, shape (n, 20), and their class."""

    table: Floats
    target: NDArray[np.int64]

    def __getitem__(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Shapes:
        return Shapes(table=self.table[kept], target=self.target[kept])

    def of_class(self, label: int) -> Shapes:
        """Those of one class."""
        return self[self.target == label]


def measure() -> Result:
    """Figures by engine; the ratio compares what is lost, 1 − AUC, with training on genuine images."""
    genuine = read_genuine()
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    lost = 0.0
    for engine in get_args(EngineName):
        simulated, rate = simulated_shapes(engine, ROWS[engine])
        ours[f"{engine}: images per second and core"] = rate
        for label, name in CLASSES.items():
            for shape, p in p_values(simulated.of_class(label), genuine.of_class(label)).items():
                ours[f"{engine}, {name}: p of {shape}"] = p
        _note(ours, f"{engine}: simulated or genuine", told_apart(simulated, genuine))
        score = _trees().fit(simulated.table, simulated.target).predict_proba(genuine.table)[:, 1]
        found = _auc(genuine.target, score)
        _note(ours, f"genuine images, trees of {engine}", found)
        lost = 1 - found[0]
    halves = np.random.default_rng(SEED).permutation(len(genuine.target)) % 2 == 0
    _note(theirs, "one half or the other", told_apart(genuine[halves], genuine[~halves]))
    learned = _cross_validated(genuine.table, genuine.target)
    _note(theirs, "genuine images, trees of genuine images", learned)
    least = min(int((genuine.target == label).sum()) for label in CLASSES)
    for engine in get_args(EngineName):
        many = ROWS[engine] // 2
        ours[f"found with {POWER:.0%} power, {least} against {many}: shift in σ"] = detectable_shift(least, many)
        ours[f"found with {POWER:.0%} power, {least} against {many}: σ larger by a factor"] = detectable_width(
            least, many
        )
    return Result(
        ratio=(1 - learned[0]) / lost,
        against="the lost 1 − AUC of training on genuine images over that of training on fast ones, on genuine images",
        unit="p-value or AUC of trees, unless named",
        ours=ours,
        theirs=theirs,
    )


def read_genuine() -> Shapes:
    """The genuine images of both their parts.

    Raises:
        SystemExit: in one line, where there are none.
    """
    with np.load(genuine_file("fidelity-egamma", "egamma/electron-photon.npz"), allow_pickle=False) as file:
        images = np.concatenate([file["x_train"], file["x_test"]])
        target = np.concatenate([file["y_train"], file["y_test"]])
    return _shapes(images[..., np.newaxis], target)


def simulated_shapes(engine: EngineName, rows: int) -> tuple[Shapes, float]:
    """Shower shapes of simulated images, and how many of these a core makes in a second."""
    simulate("egamma", 4, seed=SEED, engine=engine)  # whatever is done once for each process
    start = process_time()
    events = simulate("egamma", rows, seed=SEED, engine=engine)
    rate = rows / (process_time() - start)
    return _shapes(events.features[..., :1], events.target), rate


def p_values(simulated: Shapes, genuine: Shapes) -> dict[str, float]:
    """Kolmogorov and Smirnov's test for each compared shape."""
    places = {name: shape_names([ENERGY]).index(name) for name in COMPARED}
    return {
        name: float(ks_2samp(simulated.table[:, place], genuine.table[:, place]).pvalue)
        for name, place in places.items()
    }


def told_apart(one: Shapes, other: Shapes) -> tuple[float, float, float]:
    """The AUC, with its interval, of telling images of one sample from those of another, both classes together."""
    rng = np.random.default_rng(SEED)
    tables: list[list[Floats]] = [[], []]
    for label in CLASSES:
        members = [shapes.of_class(label).table for shapes in (one, other)]
        n = min(map(len, members))
        for sample, rows in zip(tables, members, strict=True):
            sample.append(rng.permutation(rows)[:n])
    first, second = (np.concatenate(sample) for sample in tables)
    return _cross_validated(np.concatenate([first, second]), np.repeat([0, 1], [len(first), len(second)]))


def detectable_shift(n: int, many: int) -> float:
    """The least shift of a normal distribution, in its standard deviations, that the test finds often enough."""
    return _least(lambda size, draw: draw + size, n, many, upper=1.0)


def detectable_width(n: int, many: int) -> float:
    """The least factor on the width of a normal distribution that the test finds often enough."""
    return 1 + _least(lambda size, draw: (1 + size) * draw, n, many, upper=2.0)


def _least(change: Callable[[float, Floats], Floats], n: int, many: int, *, upper: float) -> float:
    """The size of a change between 0 and ``upper`` at which the power is ``POWER``, by halving."""
    rng = np.random.default_rng(SEED)
    few, draws = rng.standard_normal((TOYS, n)), rng.standard_normal((TOYS, many))
    lower = 0.0
    for _ in range(8):
        size = (lower + upper) / 2
        found = [ks_2samp(change(size, a), b).pvalue < LEVEL for a, b in zip(few, draws, strict=True)]
        lower, upper = (lower, size) if np.mean(found) > POWER else (size, upper)
    return (lower + upper) / 2


def _shapes(images: NDArray[np.float32], target: NDArray[np.float32]) -> Shapes:
    # float32 on both sides: trees could otherwise tell the number of digits.
    table = shower_shapes(np.asarray(images, np.float32), [ENERGY]).astype(np.float64)
    return Shapes(table=table, target=target.astype(np.int64))


def _cross_validated(table: Floats, target: NDArray[np.int64]) -> tuple[float, float, float]:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    score = cross_val_predict(_trees(), table, target, cv=folds, method="predict_proba")[:, 1]
    return _auc(target, score)


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=60, max_depth=3, learning_rate=0.05, random_state=SEED)


def _auc(target: NDArray[np.int64], score: Floats) -> tuple[float, float, float]:
    found = auc_interval(Ranked.of(target.astype(np.float64), score, np.ones(len(score))), seed=SEED)
    assert found.value is not None  # both classes are there
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high


def _note(figures: dict[str, float], name: str, found: tuple[float, float, float]) -> None:
    figures |= {name: found[0], f"{name}, low": found[1], f"{name}, high": found[2]}
