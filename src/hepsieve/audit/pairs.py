"""A look at the events to findings about pairs of features that give the label away only together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.tree import DecisionTreeClassifier

from hepsieve.audit.combine import combine
from hepsieve.audit.findings import Finding
from hepsieve.audit.look import Look
from hepsieve.audit.separation import GIVEAWAY, Mask, area, binned_separation, cell_separation, edges, separation

_FEWER_ERRORS = 50
_LEAST = 50  # tested events of each class
_MOST_PAIRS = 3000
_FIRST_ROWS = 4000
_FIRST_WORK = 1_600_000  # rows times pairs
_FIRST_AREA = 0.95
_SECOND = 8
_NEIGHBOURS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pair:
    """Two features where both are finite."""

    names: tuple[str, str]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    signal: Mask
    learn: Mask

    @property
    def tested(self) -> int:
        """How many events of the rarer class are tested."""
        signal = self.signal[~self.learn]
        return min(int(signal.sum()), int((~signal).sum()))


def pairs(look: Look, alone: Sequence[float]) -> Iterator[Finding]:
    """Pairs of features that tell the classes apart with an AUC above 0.999, and neither does alone.

    A quick first look (one-dimensional combinations, and the plane in cells) chooses the pairs that a second one
    examines on all rows. What is learned is learned on one half of the events and tested on the other.

    Honest features that are strong alone come above 0.999 together, too. So a pair must also leave fifty times fewer
    wrong orders than the better of the two (counting half a wrong event that the sample was too small to show), or
    a combination of it must leave a clean gap between the classes. Two independent Gaussian features of whatever
    strength come to some twenty times fewer; but nobody knows all honest features, hence a warning and no stop.

    Args:
        look: the events.
        alone: for each feature, the AUC with which it separates alone.
    """
    every = list(combinations([k for k, value in enumerate(alone) if value <= GIVEAWAY], 2))
    chosen = every
    if len(every) > _MOST_PAIRS:
        picked = np.sort(np.random.default_rng(0).choice(len(every), _MOST_PAIRS, replace=False))
        chosen = [every[k] for k in picked]
        yield Finding(
            code="pairs-not-looked-at",
            severity="note",
            message=f"{len(every)} pairs of features are too many to look for a label that is hidden in two: "
            f"{_MOST_PAIRS} of them, chosen at random, were looked at",
        )
    for i, j in _suspects(look, chosen, alone):
        pair = _pair(look, i, j, len(look.signal))
        best = max(alone[i], alone[j])
        found, clean, how = _second_look(pair)
        left = 1 - found + 0.5 / pair.tested
        if found > GIVEAWAY and (clean or left * _FEWER_ERRORS <= 1 - best):
            yield _finding(pair, found, how, best)


def _suspects(look: Look, chosen: Sequence[tuple[int, int]], alone: Sequence[float]) -> list[tuple[int, int]]:
    """The pairs that gain most over the better feature alone, at most eight, by a quick look at some of the rows."""
    rows = max(1000, min(_FIRST_ROWS, _FIRST_WORK // max(len(chosen), 1)))
    gains = []
    for i, j in chosen:
        pair = _pair(look, i, j, rows)
        if pair.tested < _LEAST:
            continue
        left, left_alone = 1 - _first_look(pair), 1 - max(alone[i], alone[j])
        if left < 1 - _FIRST_AREA and left < left_alone / 2:
            gains.append((left / left_alone, i, j))
    return [(i, j) for _, i, j in sorted(gains)[:_SECOND]]


def _finding(pair: _Pair, found: float, how: str, best: float) -> Finding:
    a, b = pair.names
    return Finding(
        code="label-in-two-features",
        severity="warn",
        column=f"{a} & {b}",
        message=f"features {a} and {b} together tell the classes apart with an AUC of {found:.5f} by {how}, the better "
        f"one alone with {best:.5f}: do they hold the label, or something made from it? Find out where they come from, "
        "and leave one out with prepare.features or name it in data.spectators",
    )


def _pair(look: Look, i: int, j: int, rows: int) -> _Pair:
    a, b = look.values[:rows, i], look.values[:rows, j]
    known = np.isfinite(a) & np.isfinite(b)
    return _Pair(
        names=(look.names[i], look.names[j]),
        a=a[known].astype(np.float64),
        b=b[known].astype(np.float64),
        signal=look.signal[:rows][known],
        learn=look.learn[:rows][known],
    )


def _first_look(pair: _Pair) -> float:
    """The best AUC of coarse bins and cells."""
    lines = [
        binned_separation(values, pair.signal, pair.learn, bins=64)
        for _, values in combine(pair.names, pair.a, pair.b, pair.signal, pair.learn)
    ]
    return max(*lines, _cells(pair))


def _second_look(pair: _Pair) -> tuple[float, bool, str]:
    """The best AUC on all rows, whether a clean gap goes with it, and what gives it.

    Of those that are equally good the first is the simplest.
    """
    found = [
        (_line(pair, values), _clean(values, pair.signal), how)
        for how, values in combine(pair.names, pair.a, pair.b, pair.signal, pair.learn)
    ]
    plane = max(_cells(pair), _neighbours(pair), _tree(pair, pair.a, pair.b))
    return max([*found, (plane, False, "their position in the plane of both")], key=lambda result: result[:2])


def _clean(values: NDArray[np.float64], signal: Mask) -> bool:
    """Whether the gap between the classes is wider than half of what either of them spans."""
    if not np.isfinite(values).all():
        return False
    (low, high), (low_signal, high_signal) = ((v.min(), v.max()) for v in (values[~signal], values[signal]))
    gap = max(low_signal - high, low - high_signal)
    return bool(gap > max(high - low, high_signal - low_signal) / 2)


def _line(pair: _Pair, values: NDArray[np.float64]) -> float:
    """AUC of one quantity: by its order, in bins, or between limits that a tree finds."""
    tested = ~pair.learn
    ordered = separation(values[tested], pair.signal[tested])
    return max(ordered, binned_separation(values, pair.signal, pair.learn), _tree(pair, values))


def _cells(pair: _Pair) -> float:
    """AUC of the signal fraction in cells of the plane, about ten events to learn from in each."""
    bins = int(np.clip(np.sqrt(pair.learn.sum() / 10), 4, 32))
    rows, columns = (np.searchsorted(edges(values, bins), values, side="right") for values in (pair.a, pair.b))
    return cell_separation(rows * (int(columns.max()) + 1) + columns, pair.signal, pair.learn)


def _neighbours(pair: _Pair) -> float:
    """AUC of the share of signal among the nearest events that were learned from; nearness is that of ranks."""
    rng = np.random.default_rng(0)
    place = np.column_stack([_ranks(pair.a, rng), _ranks(pair.b, rng)])
    known, asked = place[pair.learn], place[~pair.learn]
    distance, nearest = cKDTree(known).query(asked, k=_NEIGHBOURS)
    weight = 1 / (distance + 1 / np.sqrt(len(known)) / 10)
    share = (weight * pair.signal[pair.learn][nearest]).sum(axis=1) / weight.sum(axis=1)
    return area(share, pair.signal[~pair.learn])


def _ranks(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Ranks between 0 and 1, those of equal values in random order."""
    ranks = np.empty(len(values))
    ranks[np.lexsort([rng.random(len(values)), values])] = np.arange(len(values)) / len(values)
    return ranks


def _tree(pair: _Pair, *values: NDArray[np.float64]) -> float:
    """AUC of a decision tree, which finds limits and corners wherever they lie."""
    # Trees work in float32: ranks fit into it, whatever the values are.
    levels = np.column_stack([np.unique(column, return_inverse=True)[1] for column in values])
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(levels[pair.learn], pair.signal[pair.learn])
    return area(tree.predict_proba(levels[~pair.learn])[:, 1], pair.signal[~pair.learn])
