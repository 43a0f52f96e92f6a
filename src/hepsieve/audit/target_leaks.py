"""Events of a regression to findings about leaks: features and pixels from which the target can be read off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.findings import Finding
from hepsieve.audit.look import chosen_rows
from hepsieve.events import Events, FloatArray
from hepsieve.shapes import as_table
from hepsieve.shower_shapes import are_images

SURELY, HARDLY = 0.9999, 0.999
"""Correlations from which on a column is the target, or can hardly be anything else."""
_LEAST = 10
_SHOWN = 5
_MOST = 16
_QUICK_ROWS = 500
_QUICK = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetLook:
    """Columns of some events chosen by chance, beside their targets.

    Attributes:
        values: float32, shape (m, p); may hold values that are not finite.
        target: shape (m,), finite.
        names: p names.
    """

    values: FloatArray
    target: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How closely a column follows the target, from 0 to 1, and in which way it does so most closely."""

    strength: float
    how: str


def relation(values: NDArray[np.floating], target: Floats) -> Relation:
    """The strongest of ``relations``."""
    found = relations(values, target)
    how = max(found, key=lambda name: round(found[name], 6))
    return Relation(strength=min(found[how], 1.0), how=how)


def relations(values: NDArray[np.floating], target: Floats) -> dict[str, float]:
    """The size of linear correlation and rank correlation, and what any curve of a few pieces explains.

    The last one compares neighbours in the order of the values (von Neumann's ratio, Ann. Math. Stat. 12 (1941) 367):
    with δ² the mean squared difference of their targets, it is the root of 1 − δ²/2s². The largest hundredth of the
    differences is left out, where a curve jumps.

    Args:
        values: shape (m,); those that are not finite are left out.
        target: shape (m,), finite.
    """
    known = np.isfinite(values)
    x, y = values[known].astype(np.float64), target[known]
    if len(x) < _LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"linear correlation": 0.0}
    return {
        "linear correlation": abs(_correlation(x, y)),
        "rank correlation": abs(_correlation(_ranks(x), _ranks(y))),
        "correlation with a curve": float(_explained(np.argsort(x, kind="stable")[np.newaxis], y)[0]),
    }


def _explained(order: NDArray[np.int64], target: Floats) -> Floats:
    """How well neighbours in each of several orders, shape (p, m), know each other's target; shape (p,)."""
    if not target.var() > 0:
        return np.zeros(len(order))
    steps = np.diff(target[order], axis=1) ** 2
    kept = steps.shape[1] - max(1, steps.shape[1] // 100)
    smallest = np.partition(steps, kept - 1, axis=1)[:, :kept]
    return np.asarray(np.sqrt(np.maximum(1 - smallest.mean(axis=1) / (2 * target.var()), 0)))


def _correlation(x: Floats, y: Floats) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def _ranks(values: Floats) -> Floats:
    """Ranks from 0; those of equal values are their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[place], np.float64)


def target_giveaways(events: Events) -> Iterator[Finding]:
    """Features of a table, or shower shapes and pixels of images, that hold the target of a regression."""
    chosen = chosen_rows(events)
    if chosen is None or events.scale is None:
        return
    rows = chosen[0]
    target, name = np.asarray(events.target[rows], np.float64), events.scale.name
    remedy = "it is the target or was made from it; leave it out with prepare.features or name it in data.spectators"
    if not are_images(events):
        table = TargetLook(values=np.asarray(events.features[rows]), target=target, names=events.names)
        for k, column in enumerate(table.names):
            one = TargetLook(values=table.values[:, k : k + 1], target=target, names=(column,))
            yield from held(one, name, code="target-in-feature", what="feature", remedy=remedy)
        return
    shapes = as_table(events[rows])
    if shapes.names:
        look = TargetLook(values=shapes.features, target=target, names=shapes.names)
        yield from held(look, name, code="target-in-feature", what="shower shape", remedy=remedy)
    width, channels = events.features.shape[2:]
    suspects, unseen = suspect_columns(events, rows)
    names = tuple(f"{events.names[k % channels]}[{k // channels // width}, {k // channels % width}]" for k in suspects)
    look = TargetLook(values=columns(events, rows, suspects), target=target, names=names)
    yield from held(look, name, code="target-in-feature", what="pixel", remedy=remedy, unseen=unseen)


def held(look: TargetLook, target: str, *, code: str, what: str, remedy: str, unseen: int = 0) -> Iterator[Finding]:
    """One finding for all columns that follow the target too closely; ``unseen`` others were not examined further."""
    relations = [relation(look.values[:, k], look.target) for k in range(len(look.names))]
    found = sorted(
        (k for k, one in enumerate(relations) if one.strength >= HARDLY), key=lambda k: -relations[k].strength
    )
    if not found:
        return
    best = relations[found[0]]
    others = ", ".join(f"{look.names[k]} {relations[k].strength:.5f}" for k in found[1:_SHOWN])
    more = len(found) - _SHOWN + unseen
    also = f" (also {others}{f' and {more} more' if more > 0 else ''})" if others else ""
    certain = best.strength >= SURELY
    yield Finding(
        code=code,
        severity="stop" if certain else "warn",
        column=look.names[found[0]],
        message=f"{what} {look.names[found[0]]} follows the target {target} with a {best.how} of "
        f"{best.strength:.5f}{also}: {remedy}" + ("" if certain else ". It may also be very good"),
    )


def suspect_columns(events: Events, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The pixels or samples that a quick look at some events calls closest to the target, numbered as they lie.

    Returns:
        At most 16 of them, the closest first, and how many more looked as close.
    """
    some = np.sort(np.random.default_rng(0).permutation(rows)[:_QUICK_ROWS])
    target = np.asarray(events.target[some], np.float64)
    values = np.asarray(events.features[some]).reshape(len(some), -1).T
    strength = np.zeros(len(values))
    for part in spill.blocks(values):
        order = np.argsort(values[part], axis=1)
        by_rank = _linear(np.argsort(order, axis=1), _ranks(target))  # equal values in any order
        found = np.stack([_linear(values[part], target), by_rank, _explained(order, target)])
        constant = values[part].max(axis=1) == values[part].min(axis=1)
        strength[part] = np.where(constant, 0, found.max(axis=0))
    good = np.flatnonzero(strength >= _QUICK)
    best = good[np.argsort(-strength[good], kind="stable")[:_MOST]]
    return best, len(good) - len(best)


def columns(events: Events, rows: NDArray[np.int64], numbers: Sequence[int] | NDArray[np.int64]) -> FloatArray:
    """Single pixels or samples of some events, numbered as they lie; shape (rows, numbers)."""
    found = np.empty((len(rows), len(numbers)), np.float32)
    per_row = int(np.prod(events.features.shape[1:]))
    flat = events.features.reshape(len(events), per_row)
    for part in spill.blocks(found, rows=4096):
        found[part] = flat[np.ix_(rows[part], np.asarray(numbers, np.int64))]
    return found


def _linear(values: NDArray[Any], target: Floats) -> Floats:
    """|r| of each row of values, shape (p, m), with the target; 0 where one is constant or not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        x = values.astype(np.float64)
        x -= x.mean(axis=1, keepdims=True)
        y = target - target.mean()
        scale = np.sqrt(np.einsum("ij,ij->i", x, x) * (y @ y))
        product = np.abs(x @ y)
    usable = np.isfinite(scale) & (scale > 0)
    return np.asarray(np.divide(product, scale, out=np.zeros(len(x)), where=usable))
