"""How well one quantity tells the classes apart: by its order, and by the signal fraction in bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
# The AUC above which features can hardly be anything but the label or what was made from it.
GIVEAWAY = 0.999
STRONG = 0.99
_TO_LEARN_FROM = 8
_TO_LEARN_FROM_EACH = 4  # value, of a column that has few


def area(values: NDArray[Any], signal: Mask) -> float:
    """AUC: the chance that a signal event's value is above a background event's; equal values count half."""
    if signal.all() or not signal.any():
        return 0.5
    background, found = np.sort(values[~signal]), np.sort(values[signal])
    below = (
        np.searchsorted(background, found, side="left").sum() + np.searchsorted(background, found, side="right").sum()
    )
    return float(below / (2 * len(background) * len(found)))


def separation(values: NDArray[Any], signal: Mask) -> float:
    """AUC in whichever direction is better."""
    value = area(values, signal)
    return max(value, 1 - value)


def binned_separation(values: NDArray[Any], signal: Mask, learn: Mask, *, bins: int = 256) -> float:
    """AUC of the signal fraction in bins of the values: learned on some events, tested on the others.

    Fewer bins are taken where there would not be eight events to learn from in each; but few values have one each.
    """
    known, place = np.unique(values, return_inverse=True)
    if len(known) <= min(bins, int(learn.sum()) // _TO_LEARN_FROM_EACH):
        return cell_separation(place, signal, learn)
    limits = edges(values, min(bins, max(1, int(learn.sum()) // _TO_LEARN_FROM)))
    return cell_separation(np.searchsorted(limits, values, side="right"), signal, learn)


def edges(values: NDArray[Any], bins: int) -> NDArray[Any]:
    """Limits of bins of about equally many events; a value that fills a bin has one for itself."""
    ordered = np.sort(values)
    limits = ordered[:: max(1, len(ordered) // bins)]
    repeated = limits[1:][limits[1:] == limits[:-1]]
    with np.errstate(over="ignore"):  # beyond the highest number lies infinity, which is right here
        above = np.nextafter(repeated, np.inf, dtype=limits.dtype)
    return np.unique(np.concatenate([limits, above]))


def cell_separation(cells: NDArray[np.integer], signal: Mask, learn: Mask) -> float:
    """AUC of the signal fraction in cells: learned on some events, tested on the others.

    Args:
        cells: shape (n,): the cell of each event, counted from 0.
        signal: shape (n,).
        learn: shape (n,).
    """
    size = int(cells.max()) + 1
    # Counts of background learned from, signal learned from, background tested, signal tested.
    counts = np.bincount(cells + size * (signal + 2 * ~learn), minlength=4 * size).reshape(4, size)
    _, level = np.unique((counts[1] + 0.5) / (counts[0] + counts[1] + 1), return_inverse=True)
    background, found = (np.bincount(level, weights=counts[k]) for k in (2, 3))
    if not background.any() or not found.any():
        return 0.5
    below = np.cumsum(background) - background / 2
    return float((below * found).sum() / (background.sum() * found.sum()))
