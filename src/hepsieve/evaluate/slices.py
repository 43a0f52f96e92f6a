"""Scored events taken apart by the values of a column, with the AUC of every model among each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    rounded = _rounded(np.asarray(values))
    at = distinct(rounded) if at is None else at
    return Slices(
        column=column,
        unit=unit,
        slices=tuple(_slice(value, np.flatnonzero(rounded == value), target, weight, scores) for value in at),
        trained_on={
            name: tuple(float(value) for value in distinct(np.array(learned)))
            for name, learned in (trained_on or {}).items()
        },
        events_without_value=int(np.count_nonzero(~np.isin(rounded, at))),
    )


def distinct(values: NDArray[Any]) -> Floats:
    """The distinct finite values to six significant digits, rising.

    >>> distinct(np.array([750, 499.99997, 500.00003, np.nan], dtype=np.float32)).tolist()
    [500.0, 750.0]
    """
    rounded = _rounded(np.asarray(values))
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
            "name a column with few values, such as a mass hypothesis, or leave slice_by out"
        )
    return known


def _slice(value: float, rows: NDArray[np.intp], target: Floats, weight: Floats, scores: Mapping[str, Floats]) -> Slice:
    signal = int(np.count_nonzero(target[rows] == 1))
    background = len(rows) - signal
    enough = min(signal, background) >= FEWEST_EVENTS
    aucs: dict[str, Quantity] = {
        name: delong_interval(Ranked.of(target[rows], score[rows], weight[rows])) if enough else UNDEFINED
        for name, score in scores.items()
    }
    return Slice(value=float(value), n_signal=signal, n_background=background, auc=aucs)


def _rounded(values: NDArray[Any]) -> Floats:
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
