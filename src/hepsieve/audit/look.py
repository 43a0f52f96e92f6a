"""Events to the few thousand rows of both classes that the audit's comparisons look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events, FloatArray
from hepsieve.shapes import as_table

_DRAWN = 200_000
_PER_CLASS = 10_000
_LEAST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """Rows of a table, chosen by chance, in random order.

    Attributes:
        values: float32, shape (m, p); may hold values that are not finite.
        signal: shape (m,).
        learn: shape (m,): on these rows a rule is learned, on the others it is tested.
        names: p names.
        units: p units; an empty string where none is known.
    """

    values: FloatArray
    signal: NDArray[np.bool_]
    learn: NDArray[np.bool_]
    names: tuple[str, ...]
    units: tuple[str, ...]

    def finite(self, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The finite values of one feature in background and in signal."""
        values = self.values[:, column].astype(np.float64)
        known = np.isfinite(values)
        return values[known & ~self.signal], values[known & self.signal]


def look(events: Events) -> Look | None:
    """At most 10,000 rows of each class of a table; None for anything else, or if a class has fewer than ten events.

    The choice is random, because events may alternate between the classes or come in any other pattern, and always
    the same for the same sample.
    """
    chosen = chosen_rows(events) if events.features.ndim == 2 else None
    if chosen is None:
        return None
    rows, shuffled = chosen
    values, signal = np.asarray(events.features[rows])[shuffled], (np.asarray(events.target[rows]) == 1)[shuffled]
    return Look(values=values, signal=signal, learn=halves(signal), names=events.names, units=events.units)


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageLook:
    """Images chosen by chance, in the order of the file.

    Attributes:
        images: float32, shape (m, height, width, channels); many lie on a temporary file.
        shapes: a look at their shower shapes; None without an energy channel.
        signal: shape (m,).
        learn: shape (m,), as that of a `Look`.
        names: the channels.
    """

    images: FloatArray
    shapes: Look | None
    signal: NDArray[np.bool_]
    learn: NDArray[np.bool_]
    names: tuple[str, ...]

    def pixels(self, numbers: NDArray[np.int64], rows: NDArray[np.int64] | None = None) -> Look:
        """Single pixels as a table.

        Args:
            numbers: which ones, counted row by row and channel by channel.
            rows: the images, if not all.
        """
        chosen = np.arange(len(self.images)) if rows is None else rows
        width, channels = self.images.shape[2:]
        places = zip(numbers // channels // width, numbers // channels % width, numbers % channels, strict=True)
        return Look(
            values=self.images.reshape(len(self.images), -1)[np.ix_(chosen, numbers)],
            signal=self.signal[chosen],
            learn=self.learn[chosen],
            names=tuple(f"{self.names[channel]}[{row}, {column}]" for row, column, channel in places),
            units=("",) * len(numbers),
        )


def look_at_images(events: Events, *, keep: NDArray[np.bool_], complete: NDArray[np.bool_]) -> ImageLook | None:
    """At most 10,000 images of each class, chosen as rows of a table are; None if a class has fewer than ten.

    Args:
        events: images.
        keep: shape (n,), those that may be chosen.
        complete: shape (n,), those whose values are all finite.
    """
    chosen = chosen_rows(events, keep)
    if chosen is None:
        return None
    rows, shuffled = chosen
    seen = events[rows]
    signal = seen.target == 1
    learn = np.empty_like(signal)
    learn[shuffled] = halves(signal[shuffled])
    whole = complete[rows]
    table = as_table(seen if whole.all() else seen[whole])
    # An image with a NaN has no shapes; that it has none may be what gives its class away.
    values = np.full((len(rows), len(table.names)), np.nan, np.float32)
    values[whole] = table.features
    shapes = Look(values=values, signal=signal, learn=learn, names=table.names, units=table.units)
    return ImageLook(
        images=seen.features, shapes=shapes if table.names else None, signal=signal, learn=learn, names=events.names
    )


def chosen_rows(
    events: Events, keep: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The rows to look at, as they come in the file, because they may lie on disk; and a random order of them.

    At most 10,000 of each class, or twice as many in a regression; None of a class with fewer than ten, or of fewer
    than ten events.
    """
    rng = np.random.default_rng(0)
    n = len(events)
    drawn = np.sort(rng.choice(n, _DRAWN, replace=False, shuffle=False)) if n > _DRAWN else np.arange(n)
    drawn = drawn if keep is None else drawn[keep[drawn]]
    target = np.asarray(events.target[drawn])
    if events.kind == "regression":
        rows = np.sort(rng.permutation(drawn[np.isfinite(target)])[: 2 * _PER_CLASS])
        return (rows, rng.permutation(len(rows))) if len(rows) >= _LEAST else None
    sides = [rng.permutation(drawn[target == label])[:_PER_CLASS] for label in (0, 1)]
    if min(len(side) for side in sides) < _LEAST:
        return None
    rows = np.sort(np.concatenate(sides))
    return rows, rng.permutation(len(rows))


def halves(signal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Every second row of each class."""
    learn = np.empty(len(signal), np.bool_)
    for side in (signal, ~signal):
        learn[side] = np.arange(side.sum()) % 2 == 0
    return learn
