"""Images or waveforms of a file to a table with one row an event: its number, what the file says of it, its score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepsieve.data.array_roles import label_array
from hepsieve.data.arrays import Block, EventArray
from hepsieve.data.channels import find_channels
from hepsieve.data.read_arrays import size_words, values_of
from hepsieve.errors import DataError
from hepsieve.events import FloatArray
from hepsieve.progress import Advance
from hepsieve.score.bundle import Bundle

ROW, LABEL = "row", "label"
"""The columns with an event's number in its file, from 0 (``X[row]``), and with its class as the file says it."""


def score_arrays(
    bundle: Bundle, arrays: Sequence[EventArray], columns: tuple[str, ...], advance: Advance
) -> Iterator[pa.RecordBatch]:
    """A table of all events of a file, block by block; the images or waveforms themselves are not carried along.

    Args:
        bundle: the verified model.
        arrays: the arrays of events in the file; a further one's rows are counted on.
        columns: the names of the columns that `Bundle.columns` gives.
        advance: is told how many bytes are done.

    Raises:
        DataError: if a channel is missing, the events are of another size, or one is not finite.
    """
    labels, beside = _labels(arrays, bundle), _carried(arrays, bundle, columns)
    first = 0
    for each, label in zip(arrays, labels, strict=True):
        channels = find_channels(each, bundle.schema.features, bundle.schema.data)
        _require_shape(bundle, each)
        for name in (label, *beside):
            if name is not None:
                each.require_column(name)
        start = 0
        for block in each.blocks([name for name in (label, *beside) if name], advance=advance):
            values = values_of(block, channels)
            _require_finite(values, bundle, each, start)
            rows = np.arange(first + start, first + start + len(values))
            scores = dict(zip(columns, _scores(bundle, values, each), strict=True))
            yield _table(rows, block, label, beside, scores)
            start += len(values)
        first += start


def arrays_left_out(bundle: Bundle, arrays: Sequence[EventArray], columns: tuple[str, ...]) -> tuple[str, ...]:
    """The arrays beside the events that `score_arrays` doesn't carry along.

    They don't have one number an event, belong to one of several arrays of events, or have a name that the table uses
    for something else.
    """
    kept = {*_labels(arrays, bundle), *_carried(arrays, bundle, columns), *(each.array for each in arrays)}
    beside = dict.fromkeys(name for each in arrays for name in (*each.columns, *each.refused))
    return tuple(name for name in beside if name not in kept)


def _labels(arrays: Sequence[EventArray], bundle: Bundle) -> list[str | None]:
    """The array with the classes for each array of events; none for any of them unless all have one.

    The numbers that a regression learned keep their name.
    """
    names = [label_array(each, bundle.schema.data) for each in arrays]
    there = all(name in each.columns for name, each in zip(names, arrays, strict=True))
    return names if there and bundle.schema.data.target is None else [None] * len(arrays)


def _carried(arrays: Sequence[EventArray], bundle: Bundle, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The other arrays with one number an event; of several arrays of events it can't be told whose they are."""
    if len(arrays) > 1:
        return ()
    taken = (ROW, LABEL, *columns, *_labels(arrays, bundle))
    return tuple(name for name, n in arrays[0].columns.items() if name not in taken and n == arrays[0].shape[0])


def _table(
    rows: NDArray[np.int64],
    block: Block,
    label: str | None,
    beside: Sequence[str],
    scores: dict[str, NDArray[np.float64]],
) -> pa.RecordBatch:
    columns = {ROW: rows, **({} if label is None else {LABEL: block.columns[label]})}
    columns |= {name: block.columns[name] for name in beside}
    native = {name: np.ascontiguousarray(v, dtype=v.dtype.newbyteorder("=")) for name, v in columns.items()}
    return pa.RecordBatch.from_pydict({**native, **scores})


def _scores(bundle: Bundle, values: FloatArray, events: EventArray) -> tuple[NDArray[np.float64], ...]:
    try:
        return bundle.predict(values)
    except DataError as error:
        raise DataError(f"{events.where}: {error}") from None


def _require_shape(bundle: Bundle, events: EventArray) -> None:
    """Waveforms must be as long as those of the training; of images their preparation knows the size."""
    if events.form == "waveforms" and events.shape[1:-1] != bundle.shape[:-1]:
        raise DataError(
            f"{events.where} holds {size_words(events)}, but this model was trained on {bundle.shape[0]:,} samples; "
            "cut or pad them to that"
        )


def _require_finite(values: FloatArray, bundle: Bundle, events: EventArray, first: int) -> None:
    """Only a model that learned what to put in place of missing values may score them."""
    if bundle.fills_missing:
        return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        number, *at, k = (int(position) for position in bad[0])
        value, channel = values[(number, *at, k)], bundle.schema.features[k]
        what = "pixel" if events.form == "images" else "sample"
        raise DataError(
            f"{events.where}[{first + number}]: {channel} is {value} in {what} {at if len(at) > 1 else at[0]}; this "
            f"model was trained on finite values only: remove such {events.form}"
        )
