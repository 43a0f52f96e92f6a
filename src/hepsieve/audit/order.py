"""Events to findings about features that say where in the file a row stands: counters, times, runs, source files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from hepsieve.audit.findings import Finding
from hepsieve.events import Events

_BLOCKS = 16
_ROWS = 4096  # in a block
_LEAST = 20  # steps, or changes that are expected
_BINS, _LEAST_IN_BIN = 20, 100  # of the target of a regression
_ONE_WAY, _MOSTLY = 0.95, 0.8  # of all steps, and of those of each class
_FEW_CHANGES = 0.1
_FOLLOWS = 0.95  # rank correlation with the row number within a class
_FOLLOWED = 2000  # rows of each class
_EXACT = 2.0**24  # up to here float32 holds every whole number
_NO_REPEAT = 14.0  # expected repetitions of which none came: e^-14 is 1e-6
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def row_order(events: Events) -> Iterator[Finding]:
    """Features of a table that tell the place of a row in its file; a warning each.

    Compared are rows that follow each other, within each class: files that hold one class each, or are sorted by
    class, are normal. Features of rows in random order go up as often as down. Of one class alone nothing is said: its
    files may have been sorted, or simulated in slices. In a regression the bins of the target stand for classes, since
    in a scan of the target every good feature follows it.
    """
    if events.features.ndim != 2 or len(events) < 2 * _LEAST:
        return
    blocks = _blocks(len(events))
    values = [np.asarray(events.features[rows]).astype(np.float64) for rows in blocks]
    target = [np.asarray(events.target[rows]) for rows in blocks]
    own = target
    if events.kind == "regression":
        target = _bins(own)
    every = np.concatenate(target)
    rows = np.concatenate([np.arange(part.start, part.stop) for part in blocks])
    for k, name in enumerate(events.names):
        column = [one[:, k] for one in values]
        together = np.concatenate(column)
        if not np.isfinite(together).all() or together.min() == together.max():
            continue
        how = (
            _one_way(column, target)
            or _follows(together, every, rows)
            or (_in_blocks if events.kind == "classification" else _in_blocks_of_a_regression)(column, own)
            or _numbered(together, len(events))
        )
        if how:
            yield Finding(
                code="row-order-in-feature",
                severity="warn",
                column=name,
                message=f"feature {name} tells where in the file an event stands: {how}. Is it a counter, an event or "
                "run number, a time or a file's number? A model learns the order of this file from it, which no new "
                "event has; leave it out with prepare.features or name it in data.spectators",
            )


def _blocks(n: int) -> list[slice]:
    """All rows, or some thousand that follow each other at sixteen places."""
    if n <= _BLOCKS * _ROWS:
        return [slice(0, n)]
    starts = np.linspace(0, n - _ROWS, _BLOCKS).astype(np.int64).tolist()
    return [slice(start, start + _ROWS) for start in starts]


def _bins(target: Sequence[NDArray[np.floating]]) -> list[NDArray[np.floating]]:
    """Bins of equally many values, or fewer where that would leave less than a hundred in each."""
    known = np.concatenate(target)
    known = known[np.isfinite(known)]
    count = int(np.clip(len(known) // _LEAST_IN_BIN, 1, _BINS))
    limits = np.quantile(known, np.arange(1, count) / count) if len(known) else np.empty(0)
    return [np.searchsorted(limits, one, side="right").astype(np.float32) for one in target]


def _one_way(column: Sequence[Floats], target: Sequence[NDArray[np.floating]]) -> str:
    """Whether nearly all steps from one row of a class to the next go the same way, in every class."""
    ups, downs = 0, 0
    for label in np.unique(np.concatenate(target)):
        steps = np.concatenate([np.diff(one[here == label]) for one, here in zip(column, target, strict=True)])
        up, down = int((steps > 0).sum()), int((steps < 0).sum())
        if max(up, down) < _MOSTLY * (up + down):
            return ""
        ups, downs = ups + up, downs + down
    if ups + downs < _LEAST or max(ups, downs) < _ONE_WAY * (ups + downs):
        return ""
    way = "rises" if ups > downs else "falls"
    return f"it {way} in {max(ups, downs)} of {ups + downs} steps from one event to the next of its kind"


def _follows(values: Floats, target: NDArray[np.floating], rows: Rows) -> str:
    """Whether it rises or falls with the row number in every class."""
    found = []
    for label in np.unique(target):
        members = np.flatnonzero(target == label)
        some = members[:: max(1, len(members) // _FOLLOWED)]
        if len(some) < _LEAST or values[some].min() == values[some].max():
            return ""
        found.append(float(spearmanr(values[some], rows[some]).statistic))
    if min(map(abs, found)) < _FOLLOWS:
        return ""
    return f"its rank correlation with the row number is {min(found, key=abs):.3f} among events of one kind"


def _in_blocks(column: Sequence[Floats], target: Sequence[NDArray[np.floating]]) -> str:
    """Whether it changes from row to row far less often than its values would, drawn by chance within each class."""
    changes, expected = 0, 0.0
    labels, together = np.concatenate(target), np.concatenate(column)
    for label in np.unique(labels):
        _, counts = np.unique(together[labels == label], return_counts=True)
        share = 1 - float(((counts / counts.sum()) ** 2).sum())
        members = [one[here == label] for one, here in zip(column, target, strict=True)]
        found = sum(int((one[1:] != one[:-1]).sum()) for one in members)
        by_chance = share * sum(max(0, len(one) - 1) for one in members)
        if found >= by_chance / 2:
            return ""
        changes, expected = changes + found, expected + by_chance
    if expected < _LEAST or changes > _FEW_CHANGES * expected:
        return ""
    return f"it changes {changes} times from one event to the next of its kind, by chance it would {expected:.0f} times"


def _in_blocks_of_a_regression(column: Sequence[Floats], target: Sequence[NDArray[np.floating]]) -> str:
    """The same, and from one target to the next higher one it changes often: it is no feature of a scanned target."""
    found = _in_blocks(column, [np.zeros_like(one) for one in target])
    if found:
        by_target = np.concatenate(column)[np.argsort(np.concatenate(target), kind="stable")]
        in_rows = sum(int((one[1:] != one[:-1]).sum()) for one in column)
        if in_rows > _FEW_CHANGES * int((by_target[1:] != by_target[:-1]).sum()):
            return ""
    return found


def _numbered(values: Floats, n: int) -> str:
    """Whether it numbers the events: whole numbers, dense, of which none comes twice."""
    low, high = float(values.min()), float(values.max())
    span = high - low + 1
    if max(abs(low), abs(high)) >= _EXACT or len(values) ** 2 / 2 / span < _NO_REPEAT:
        return ""
    if (values != np.rint(values)).any() or len(np.unique(values)) < len(values):
        return ""
    return f"it has whole numbers from {low:.0f} to {high:.0f} for {n} events, and none of them twice"
