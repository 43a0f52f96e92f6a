"""Images of a file to a table with one row an image: its number, its class if the file says it, and its score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from hepsieve.data.channels import find_channels
from hepsieve.data.images import Block, Images
from hepsieve.data.read_images import label_array, pixels_of
from hepsieve.errors import DataError
from hepsieve.events import FloatArray
from hepsieve.progress import Advance
from hepsieve.score.bundle import Bundle

ROW, LABEL = "row", "label"
"""The columns with an image's number in its file, from 0 (``X[row]``), and with its class as the file says it."""


def score_images(bundle: Bundle, images: Sequence[Images], column: str, advance: Advance) -> Iterator[pa.RecordBatch]:
    """A table of all images of a file, block by block; the pixels themselves are not carried along.

    Args:
        bundle: the verified model.
        images: the arrays of images in the file; a further one's rows are counted on.
        column: the name of the column with the scores.
        advance: is told how many bytes are done.

    Raises:
        DataError: if a channel is missing, the images are of another size, or one is not finite.
    """
    labels, beside = _labels(images, bundle), _carried(images, bundle, column)
    first = 0
    for each, label in zip(images, labels, strict=True):
        channels = find_channels(each, bundle.schema.features, bundle.schema.data)
        for name in (label, *beside):
            if name is not None:
                each.require_column(name)
        start = 0
        for block in each.blocks([name for name in (label, *beside) if name], advance=advance):
            pixels = pixels_of(block, channels)
            _require_finite(pixels, bundle, each, start)
            rows = np.arange(first + start, first + start + len(pixels))
            yield _table(rows, block, label, beside, column, _scores(bundle, pixels, each))
            start += len(pixels)
        first += start


def arrays_left_out(bundle: Bundle, images: Sequence[Images], column: str) -> tuple[str, ...]:
    """The arrays beside the images that `score_images` doesn't carry along.

    They don't have one number an image, belong to one of several arrays of images, or have a name that the table uses
    for something else.
    """
    kept = {*_labels(images, bundle), *_carried(images, bundle, column), *(each.array for each in images)}
    beside = dict.fromkeys(name for each in images for name in (*each.columns, *each.refused))
    return tuple(name for name in beside if name not in kept)


def _labels(images: Sequence[Images], bundle: Bundle) -> list[str | None]:
    """The array with the classes for each array of images; none for any of them unless all have one."""
    names = [label_array(each, bundle.schema.data) for each in images]
    there = all(name in each.columns for name, each in zip(names, images, strict=True))
    return names if there else [None] * len(images)


def _carried(images: Sequence[Images], bundle: Bundle, column: str) -> tuple[str, ...]:
    """The other arrays with one number an image; of several arrays of images it can't be told whose they are."""
    if len(images) > 1:
        return ()
    taken = (ROW, LABEL, column, *_labels(images, bundle))
    return tuple(name for name, n in images[0].columns.items() if name not in taken and n == images[0].shape[0])


def _table(
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    block: Block,
    label: str | None,
    beside: Sequence[str],
    column: str,
    scores: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> pa.RecordBatch:
    columns = {ROW: rows, **({} if label is None else {LABEL: block.columns[label]})}
    columns |= {name: block.columns[name] for name in beside}
    native = {name: np.ascontiguousarray(v, dtype=v.dtype.newbyteorder("=")) for name, v in columns.items()}
    return pa.RecordBatch.from_pydict({**native, column: scores})


def _scores(bundle: Bundle, pixels: FloatArray, images: Images) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        return bundle.scores(pixels)
    except DataError as error:
        raise DataError(f"{images.where}: {error}") from None


def _require_finite(pixels: FloatArray, bundle: Bundle, images: Images, first: int) -> None:
    """Only a model that learned what to put in place of missing values may score them."""
    if bundle.fills_missing:
        return
    bad = np.argwhere(~np.isfinite(pixels))
    if len(bad):
        number, row, column, k = (int(at) for at in bad[0])
        value, channel = pixels[number, row, column, k], bundle.schema.features[k]
        raise DataError(
            f"{images.where}[{first + number}]: {channel} is {value} in pixel [{row}, {column}]; this model was "
            "trained on finite values only: remove such images"
        )
