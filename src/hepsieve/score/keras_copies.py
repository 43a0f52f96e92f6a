"""Symmetric copies of raw features as tensors of a Keras model, over which it takes the mean of its scores."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

# hepsieve's own modules come first: they choose Keras's backend.
from hepsieve.models.keras import mlp  # noqa: F401
from hepsieve.prepare.copies import MirroredImages, TurnedTables, turned_columns
from hepsieve.prepare.mirrored import AXES, mirrored_positions

# isort: split
import keras


def keras_copies(copies: MirroredImages | TurnedTables | None, raw: Any, names: tuple[str, ...]) -> list[Any]:
    """Raw features as they are, then their copies, all of one shape.

    Args:
        copies: which ones; None for the features alone.
        raw: a tensor of shape (n, p), or (n, rows, columns, p) of images.
        names: of the columns or channels.
    """
    match copies:
        case None:
            return [raw]
        case MirroredImages(flips=flips):
            return [_mirrored(raw, some) for some in product(*((None, flip) for flip in flips))]
        case TurnedTables(turns=turns, objects=objects):
            columns = {name: raw[:, k] for k, name in enumerate(names)}
            found = [raw]
            for turn in turns[1:]:
                moved = turned_columns(
                    columns,
                    objects,
                    reflected=turn.reflected,
                    mirrored=turn.mirrored,
                    angle=turn.angle,
                    ops=keras.ops,
                )
                found.append(keras.ops.stack([moved.get(name, columns[name]) for name in names], axis=1))
            return found


def _mirrored(raw: Any, flips: tuple[Any, ...]) -> Any:
    for flip in flips:
        if flip is not None:
            axis = AXES[flip]
            raw = keras.ops.take(raw, np.asarray(mirrored_positions(raw.shape[axis]), np.int32), axis=axis)
    return raw
