"""The raw width of a network to a standard deviation, for tensors that Keras differentiates."""

from __future__ import annotations

from typing import Any

import keras

from hepsieve.models.outputs import NARROWEST, WIDEST


def width(raw: Any) -> Any:
    """As ``hepsieve.models.outputs.width``: the same shape, positive."""
    return NARROWEST + (WIDEST - NARROWEST) * keras.ops.sigmoid(raw)
