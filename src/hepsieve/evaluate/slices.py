"""Scored events taken apart by a column, by its values or in bins, with every figure of every model in each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import ConfigError
from hepsieve.evaluate.apart import Place
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.slice_figures import Sliced, slice_figures
from hepsieve.evaluate.slice_metrics import Quoted
from hepsieve.evaluate.slice_results import Slice, Slices

MOST_VALUES = 50
DIGITS = 6


class Ends(TypedDict, total=False):
    """What delimits a slice: its value, or the ends of its bin, of which None is no limit."""

    value: float | None
    low: float | None
    high: float | None


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
    quoted: Quoted | None = None,
) -> Slices:
    """The numbers of events and all figures for some values of a column, and which of them differ from the rest.

    Values are taken to six significant digits, so that 500 stays 500 where a file holds it as 499.99997; events with
    another value, or one that is not finite, are in no slice. ``slice_metrics`` says what is measured, and
    ``slice_departures`` how a slice is compared to all other events; Holm's correction covers all slices, models and
    figures together. A value with fewer than ten events of a class gets its numbers and no figures.

    Args:
        values: shape (n,), the column.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        at: the values to take apart, as ``distinct`` gives them; all that occur if not given.
        column: the column's name.
        unit: the column's unit.
        trained_on: for models that did not learn from all values, those that they did learn from.
        quoted: at which efficiencies and working points figures are quoted; none if not given.
    """
    rounded = rounded_values(np.asarray(values))
    at = distinct(rounded) if at is None else at
    place = place_of_values(rounded, at)
    taken = Sliced(target=target, weight=weight, scores=scores, place=place, groups=len(at))
    ends: list[Ends] = [{"value": float(value)} for value in at]
    return together(ends, taken, column=column, unit=unit, trained_on=trained_on, quoted=quoted or Quoted())


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
    quoted: Quoted | None = None,
) -> Slices:
    """The numbers of events and all figures in bins of a column, and which of them differ from the rest.

    The first bin has no lower end and the last one no upper one, so that every finite value is in a bin; a value at an
    edge is in the upper one. Figures and small bins are as for ``slices``.

    Args:
        values: shape (n,), the column.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        edges: between the bins, rising, as ``bin_edges`` gives them.
        column: the column's name.
        unit: the column's unit.
        trained_on: for models that did not learn from all values, those that they did learn from.
        quoted: as for ``slices``.
    """
    place = place_in_bins(np.asarray(values, dtype=np.float64), edges)
    taken = Sliced(target=target, weight=weight, scores=scores, place=place, groups=len(edges) + 1)
    return together(
        ends_of_bins(edges), taken, column=column, unit=unit, trained_on=trained_on, quoted=quoted or Quoted()
    )


def together(
    ends: Sequence[Ends],
    taken: Sliced,
    *,
    column: str,
    unit: str,
    trained_on: Mapping[str, tuple[float, ...]] | None,
    quoted: Quoted,
) -> Slices:
    """The figures of all slices beside what delimits them."""
    figures, tests = slice_figures(taken, quoted)
    counted = taken.place[taken.target == 1] if taken.of_signal else taken.place
    return Slices(
        column=column,
        unit=unit,
        of="signal" if taken.of_signal else "events",
        slices=tuple(
            Slice(
                **end,
                n_signal=one.n_signal,
                n_background=one.n_background,
                auc={model: one.auc(model) for model in taken.scores},
                metrics=one.metrics,
                differs=one.differs,
            )
            for end, one in zip(ends, figures, strict=True)
        ),
        trained_on=learned_values(trained_on),
        events_without_value=int(np.count_nonzero(counted < 0)),
        tests=tests,
        resamples=quoted.drawn,
    )


def place_of_values(rounded: Floats, at: Floats) -> Place:
    """Which of the rising values each of these is, −1 for none."""
    place = np.minimum(np.searchsorted(at, rounded), max(len(at) - 1, 0))
    return np.where(at[place] == rounded, place, -1) if len(at) else np.full(len(rounded), -1)


def place_in_bins(values: Floats, edges: Floats) -> Place:
    """In which bin each value is, −1 where it is not finite."""
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)


def ends_of_bins(edges: Floats) -> list[Ends]:
    """What delimits each bin; None is no limit."""
    return [{"low": low, "high": high} for low, high in pairwise([None, *edges.tolist(), None])]


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
