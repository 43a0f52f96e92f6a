"""Two samples to a finding about classes that mean the opposite in one of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, norm

from hepsieve.audit.findings import Finding
from hepsieve.audit.look import Look, chosen_rows, halves, look
from hepsieve.audit.separation import Mask, area
from hepsieve.events import Events
from hepsieve.shapes import as_table

_WARNS, _STOPS = 1e-3, 1e-9
_RIDGE = 0.05
_SHOWN = 3
_MOST_LOOKED_AT = 2000  # images or waveforms
Floats = NDArray[np.float64]


def swapped_classes(train: Events, other: Events, *, part: str) -> Iterator[Finding]:
    """Whether what separates the classes in training does so the other way round in a test (or validation) file.

    Fisher's linear discriminant of the ranks of all features (or shower or pulse shapes) is learned from the training
    file. Where classes are named alike its AUC in the other file is above 0.5, or about 0.5 if it has learned nothing.
    Another mixture of processes can turn it round too: so it stops only where each class of the other file is
    distributed rather like the opposite class of the training file.
    """
    if "regression" in (train.kind, other.kind):
        return
    ours, theirs = _table(train), _table(other)
    if ours is None or theirs is None or ours.names != theirs.names:
        return
    known = np.sort(np.where(np.isfinite(ours.values), ours.values, 0), axis=0)
    ranks, other_ranks = _ranks(known, ours.values), _ranks(known, theirs.values)
    learned = _discriminant(ranks, ours.signal)
    scores, other_scores = ranks @ learned, other_ranks @ learned
    found = area(other_scores, theirs.signal)
    chance = float(norm.cdf((found - 0.5) / _error(theirs.signal)))
    if chance >= _WARNS:
        return
    shown = ", ".join(_turned(ours, theirs))
    certain = chance < _STOPS and _opposite(scores, ours.signal, other_scores, theirs.signal)
    mixture = "" if certain else f". If the {part} file is another mixture of processes on purpose, this is its effect"
    yield Finding(
        code=f"{part}-classes-swapped",
        severity="stop" if certain else "warn",
        message=f"what separates the classes in the training data does so the other way round in the {part} file: a "
        f"linear discriminant has an AUC of {found:.3f} there (p = {chance:.1g}; single features, there after here: "
        f"{shown}). Are signal and background swapped in one of them? See its label column, data.label_values, "
        f"data.file_labels and data.trees{mixture}",
    )


def _opposite(scores: Floats, signal: Mask, other: Floats, other_signal: Mask) -> bool:
    """Whether both classes are nearer (Kolmogorov-Smirnov) to the opposite class than to their own."""
    return all(
        ks_2samp(other[theirs], scores[~ours]).statistic < ks_2samp(other[theirs], scores[ours]).statistic
        for ours, theirs in ((signal, other_signal), (~signal, ~other_signal))
    )


def _table(events: Events) -> Look | None:
    """Some rows of a table, or of the shapes of images or waveforms."""
    if events.features.ndim == 2:
        return look(events)
    chosen = chosen_rows(events)
    if chosen is None:
        return None
    rows = np.sort(chosen[0][chosen[1]][:_MOST_LOOKED_AT])
    table = as_table(events[rows])
    signal = table.target == 1
    if not table.names or signal.all() or not signal.any():
        return None
    values = np.asarray(table.features)
    return Look(values=values, signal=signal, learn=halves(signal), names=table.names, units=table.units)


def _ranks(known: NDArray[np.floating], values: NDArray[np.floating]) -> Floats:
    """Where values lie among the sorted known ones, from -0.5 to 0.5, column by column; 0 if not finite."""
    found = np.zeros(values.shape)
    for k in range(values.shape[1]):
        below = np.searchsorted(known[:, k], values[:, k], side="left")
        below = below + np.searchsorted(known[:, k], values[:, k], side="right")
        found[:, k] = np.where(np.isfinite(values[:, k]), below / (2 * len(known)) - 0.5, 0)
    return found


def _discriminant(ranks: Floats, signal: Mask) -> Floats:
    """Fisher's linear discriminant; a little is added to the diagonal, for columns that say the same."""
    sides = [ranks[rows] for rows in (~signal, signal)]
    within = sum(np.cov(side, rowvar=False, bias=True).reshape(2 * (ranks.shape[1],)) for side in sides)
    return np.asarray(np.linalg.solve(within + _RIDGE * np.eye(ranks.shape[1]), sides[1].mean(0) - sides[0].mean(0)))


def _turned(ours: Look, theirs: Look) -> Iterator[str]:
    """The features that are strongest in the training data."""
    areas = np.array([[area(*_column(seen, k)) for k in range(len(seen.names))] for seen in (ours, theirs)])
    for k in np.argsort(-np.abs(areas[0] - 0.5), kind="stable")[:_SHOWN]:
        yield f"{ours.names[k]} {areas[1, k]:.3f} after {areas[0, k]:.3f}"


def _column(seen: Look, k: int) -> tuple[NDArray[np.floating], Mask]:
    known = np.isfinite(seen.values[:, k])
    return seen.values[known, k], seen.signal[known]


def _error(signal: Mask) -> float:
    """The standard deviation of the AUC of what separates nothing (Mann and Whitney, 1947)."""
    n_signal, n_background = int(signal.sum()), int((~signal).sum())
    return float(np.sqrt((n_signal + n_background + 1) / (12 * n_signal * n_background)))
