"""Scored events taken apart by a column, by its values or in bins, with the AUC of every model in each slice."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import ConfigError
from hepsieve.evaluate.intervals import UNDEFINED, delong_interval
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.results import Quantity, Slice, Slices

MOST_VALUES = 50
# With fewer events of a class an AUC says next to nothing.
FEWEST_EVENTS = 10
DIGITS = 6


class _Figures(TypedDict):
    n_signal: int
    n_background: int
    auc: dict[str, Quantity]


def slices(
    values: NDArray[Any],
    target: Floats,
    weight: Floats,
    scores: Mapping[str, Floats],
    *,
    at: Floats | None = None,
    column: str,
    unit: str = "",
    trained_on: Mapping[str, tuple[float, ...]] | None = None,
) -> Slices:
    """The numbers of events and the AUCs for some values of a column.

    Values are taken to six significant digits, so that 500 stays 500 where a file holds it as 499.99997; events with
    another value, or one that is not finite, are in no slice. Intervals are ``delong_interval``'s. A value with fewer
    than ten events of a class gets its numbers and no AUC.

    Args:
        values: shape (n,), the column.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        at: the values to take apart, as ``distinct`` gives them; all that occur if not given.
        column: the column's name.
        unit: the column's unit.
        trained_on: for models that did not learn from all values, those that they did learn from.
    """
    rounded = rounded_values(np.asarray(values))
    at = distinct(rounded) if at is None else at
    return Slices(
        column=column,
        unit=unit,
        slices=tuple(
            Slice(value=float(value), **_figures(np.flatnonzero(rounded == value), target, weight, scores))
            for value in at
        ),
        trained_on=learned_values(trained_on),
        events_without_value=int(np.count_nonzero(~np.isin(rounded, at))),
    )


def binned_slices(
    values: NDArray[Any],
    target: Floats,
    weight: Floats,
    scores: Mapping[str, Floats],
    *,
    edges: Floats,
    column: str,
    unit: str = "",
    trained_on: Mapping[str, tuple[float, ...]] | None = None,
) -> Slices:
    """The numbers of events and the AUCs in bins of a column.

    The first bin has no lower end and the last one no upper one, so that every finite value is in a bin; a value at an
    edge is in the upper one. Intervals and small bins are as for ``slices``.

    Args:
        values: shape (n,), the column.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        edges: between the bins, rising, as ``bin_edges`` gives them.
        column: the column's name.
        unit: the column's unit.
        trained_on: for models that did not learn from all values, those that they did learn from.
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    bins = np.where(finite, np.searchsorted(edges, values, side="right"), -1)
    ends = [None, *edges.tolist(), None]
    return Slices(
        column=column,
        unit=unit,
        slices=tuple(
            Slice(low=low, high=high, **_figures(np.flatnonzero(bins == k), target, weight, scores))
            for k, (low, high) in enumerate(pairwise(ends))
        ),
        trained_on=learned_values(trained_on),
        events_without_value=int(np.count_nonzero(~finite)),
    )


def bin_edges(values: NDArray[Any], bins: int) -> Floats:
    """Where to cut a column so that about as many of these events are in each of so many bins, shape (bins − 1,).

    The edges are rounded to a few per cent of a typical bin, for people to read. Where more events than make a bin have
    the same value there are fewer edges.

    >>> bin_edges(np.linspace(0, 10, 1001), 4).tolist()
    [2.5, 5.0, 7.5]
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return np.empty(0)
    cuts: Floats = np.quantile(known, np.arange(1, bins) / bins)
    spread = float(np.subtract(*np.quantile(known, [0.9, 0.1]))) / bins
    if spread > 0:
        cuts = np.round(cuts, 1 - int(np.floor(np.log10(spread))))
    edges: Floats = np.unique(cuts[cuts > known.min()])
    return edges


def distinct(values: NDArray[Any]) -> Floats:
    """The distinct finite values to six significant digits, rising.

    >>> distinct(np.array([750, 499.99997, 500.00003, np.nan], dtype=np.float32)).tolist()
    [500.0, 750.0]
    """
    rounded = rounded_values(np.asarray(values))
    known: Floats = np.unique(rounded[np.isfinite(rounded)])
    return known


def require_few(values: NDArray[Any], column: str) -> Floats:
    """The distinct values of a column that is to be sliced by.

    Raises:
        ConfigError: if they are more than 50.
    """
    known = distinct(values)
    if len(known) > MOST_VALUES:
        raise ConfigError(
            f"evaluate.slice_by: {column} has {len(known)} distinct values, and at most {MOST_VALUES} make slices; "
            "set evaluate.slice_bins=5 to cut them into bins, name a column with few values, or leave slice_by out"
        )
    return known


def _figures(rows: NDArray[np.intp], target: Floats, weight: Floats, scores: Mapping[str, Floats]) -> _Figures:
    signal = int(np.count_nonzero(target[rows] == 1))
    background = len(rows) - signal
    enough = min(signal, background) >= FEWEST_EVENTS
    aucs: dict[str, Quantity] = {
        name: delong_interval(Ranked.of(target[rows], score[rows], weight[rows])) if enough else UNDEFINED
        for name, score in scores.items()
    }
    return {"n_signal": signal, "n_background": background, "auc": aucs}


def learned_values(trained_on: Mapping[str, tuple[float, ...]] | None) -> dict[str, tuple[float, ...]]:
    """By model, the values that it learned from, to six significant digits."""
    return {
        name: tuple(float(value) for value in distinct(np.array(learned)))
        for name, learned in (trained_on or {}).items()
    }


def rounded_values(values: NDArray[Any]) -> Floats:
    """Each value to six significant digits, as the nearest floating-point number; NaN for infinities too."""
    found, where = np.unique(values.ravel(), return_inverse=True)
    column = found.astype(np.float64)
    column[~np.isfinite(column)] = np.nan
    with np.errstate(divide="ignore"):
        magnitude = np.floor(np.log10(np.abs(column)))
    shift = DIGITS - 1 - np.where(np.isfinite(magnitude), magnitude, 0.0)
    # Only powers of ten from 1 on are exact, so large values are divided by one and small values multiplied.
    large, small = 10.0 ** np.maximum(-shift, 0), 10.0 ** np.maximum(shift, 0)
    rounded: Floats = (np.rint(column / large * small) / small * large)[where]
    return rounded
