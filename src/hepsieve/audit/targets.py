"""Targets of a regression to findings: none known, all equal, on a grid, at the ends or in a corner of their range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from hepsieve import spill
from hepsieve.audit.findings import Finding
from hepsieve.audit.target_grid import grid_step, step_words
from hepsieve.events import Events, TargetScale

_FEW = 10  # distinct targets
_NARROW = 0.5  # of the range
_AT_END = 0.005
_TIMES_EXPECTED = 3
_MANY_AT_END = 0.05
_SORTED = 0.99
_LEAST = 10


def target_findings(events: Events) -> Iterator[Finding]:
    """All findings that concern what is to be regressed; nothing for classes."""
    scale = events.scale
    if scale is None:
        return
    target = known_targets(events)
    if len(target) == 0:
        return  # that none is known was said already
    low, high = float(target.min()), float(target.max())
    if low == high:
        yield Finding(
            code="constant-target",
            severity="stop",
            message=f"the target {scale.name} is {low:g} in all {len(target)} events where it is known: "
            "there is nothing to learn; check which column or array holds it (data.target.name) and its range "
            "(data.target.range)",
        )
        return
    distinct = len(np.unique(target))
    yield from _few(scale, distinct, len(target))
    yield from _range(scale, low, high)
    yield from _ends(scale, target, distinct)
    yield from _grid(scale, target, distinct)
    yield from _sorted(scale, events)


def known_targets(events: Events) -> NDArray[np.float64]:
    """The targets that are known, shape (k,)."""
    parts = [np.asarray(events.target[rows], np.float64) for rows in spill.blocks(events.target)]
    target = np.concatenate([np.empty(0), *parts])
    return np.asarray(target[np.isfinite(target)], np.float64)


def physical(scale: TargetScale, value: float) -> str:
    """A target in its own unit, as a remark behind its share; empty where the share says it all.

    >>> physical(TargetScale(name="d", unit="mm", full=30), 0.5), physical(TargetScale(name="d"), 0.5)
    (' (15 mm)', '')
    """
    if scale.full == 1 and not scale.unit:
        return ""
    return f" ({value * scale.full:.4g}{f' {scale.unit}' if scale.unit else ''})"


def _few(scale: TargetScale, distinct: int, n: int) -> Iterator[Finding]:
    if distinct <= min(_FEW, n - 1):
        yield Finding(
            code="few-targets",
            severity="warn",
            message=f"the target {scale.name} has {distinct} distinct values in {n} events: are these classes rather "
            "than numbers?",
        )


def _range(scale: TargetScale, low: float, high: float) -> Iterator[Finding]:
    if high - low < _NARROW:
        yield Finding(
            code="target-range",
            severity="note",
            message=f"the target {scale.name} lies between {low:.4g}{physical(scale, low)} and "
            f"{high:.4g}{physical(scale, high)}, {high - low:.1%} of its full scale: errors are quoted as shares of "
            "the full scale and look small for that; set data.target.range to what occurs",
        )


def _ends(scale: TargetScale, target: NDArray[np.float64], distinct: int) -> Iterator[Finding]:
    """More events at exactly 0 or 1 than elsewhere: values beyond the range may have been clipped to it."""
    found = {end: float((target == end).mean()) for end in (0.0, 1.0)}
    expected = _TIMES_EXPECTED / distinct
    if max(found.values()) <= max(_AT_END, expected):
        return
    share = sum(found.values())
    yield Finding(
        code="targets-at-ends",
        severity="warn" if share >= _MANY_AT_END else "note",
        rows=(),
        message=f"the target {scale.name} is exactly 0 in {found[0.0]:.2%} and exactly 1{physical(scale, 1)} in "
        f"{found[1.0]:.2%} of the events where it is known, far more often than anything between: were values beyond "
        "data.target.range cut to it, or does an end stand for something else?",
    )


def _grid(scale: TargetScale, target: NDArray[np.float64], distinct: int) -> Iterator[Finding]:
    step = grid_step(target)
    if step is not None and distinct > _FEW:
        yield Finding(
            code="target-grid",
            severity="note",
            message=f"the target {scale.name} takes {distinct} distinct values, all multiples of {step_words(step)}"
            f"{physical(scale, step)}: what a model predicts between them can't be checked more finely than that",
        )


def _sorted(scale: TargetScale, events: Events) -> Iterator[Finding]:
    target = np.asarray(events.target, np.float64)
    known = np.flatnonzero(np.isfinite(target))
    if len(known) < _LEAST:
        return
    r = float(spearmanr(known, target[known]).statistic)
    if abs(r) >= _SORTED:
        yield Finding(
            code="sorted-targets",
            severity="note",
            message=f"the events are sorted by the target {scale.name} (rank correlation with the row number {r:.4f}): "
            "parts are drawn by chance here, so that does no harm; a division by position would",
        )
