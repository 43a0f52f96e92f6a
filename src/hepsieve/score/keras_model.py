"""A trained network behind its preparation to one Keras model, which takes raw features."""

from __future__ import annotations

from math import prod
from typing import Any, assert_never

import numpy as np

from hepsieve.models.architecture import ImageConfig
from hepsieve.models.config import MLPConfig

# hepsieve's own modules come first: they choose Keras's backend.
from hepsieve.models.keras import image, mlp
from hepsieve.prepare import AnyPreparation, ImagePreparation, Preparation, ShapePreparation
from hepsieve.score.bundle import Bundle, Part
from hepsieve.shower_shapes import ENERGY

# isort: split
import keras


def keras_model(config: MLPConfig | ImageConfig, bundle: Bundle) -> Any:
    """The network behind its preparation, or the mean of several: raw features in the preparation's order to scores."""
    preparation = bundle.members[0].preparation
    size = preparation.size if isinstance(preparation, ImagePreparation) else ()
    raw = keras.Input((*size, len(preparation.features)), name="features")
    scores = []
    for number, part in enumerate(bundle.members, start=1):
        network = _network(config, part)
        network.name = f"network{number}"
        logit = network(_inputs(part.preparation, raw, number))
        scores.append(keras.layers.Activation("sigmoid", name=f"score{number}")(logit))
    return keras.Model(raw, scores[0] if len(scores) == 1 else keras.layers.Average()(scores), name="hepsieve")


def _network(config: MLPConfig | ImageConfig, part: Part) -> Any:
    """The trained network in Keras, whichever framework trained it; both write the same file."""
    if isinstance(config, MLPConfig):
        return mlp.load(config, part.folder, prod(part.preparation.shape)).model
    return image.load(config, part.folder, part.preparation.shape).model


def _inputs(preparation: AnyPreparation, raw: Any, number: int) -> Any:
    match preparation:
        case Preparation():
            return _table_steps(preparation, raw, number)
        case ImagePreparation():
            return _image_steps(preparation, raw)
        case ShapePreparation():
            raise TypeError("Keras can't measure shower shapes")
        case _:
            assert_never(preparation)


def _table_steps(preparation: Preparation, raw: Any, number: int) -> Any:
    """The inputs of training ``number`` from raw features in the preparation's order, a Keras tensor (n, p)."""
    affine, values = preparation.affine, _filled(preparation, raw)
    if preparation.log is not None:
        taken = np.array([floor is not None for floor in preparation.log])
        floors = np.array([1.0 if floor is None else floor for floor in preparation.log], np.float32)
        values = keras.ops.where(taken, keras.ops.log(keras.ops.maximum(values, floors)), values)
    centre = np.asarray(affine.centre, np.float32)
    centred = keras.layers.Normalization(mean=centre, variance=np.ones_like(centre), name=f"centre{number}")(values)
    rotate = keras.layers.Dense(preparation.width, name=f"prepare{number}", trainable=False)
    rotated = rotate(centred)
    rotate.set_weights([np.asarray(affine.matrix, np.float32), np.asarray(affine.offset, np.float32)])
    return rotated


def _image_steps(preparation: ImagePreparation, raw: Any) -> Any:
    """A training's inputs from raw images in the preparation's channels, a Keras tensor (n, height, width, p)."""
    values = _filled(preparation, raw)
    channels = []
    for k, name in enumerate(preparation.features[: preparation.channels]):
        one = values[..., k : k + 1]
        if name == ENERGY:
            one = _bent(preparation, one)
        one = (one - preparation.centre[k]) * preparation.factor[k]
        if preparation.absent[k] is not None:
            energy = preparation.features.index(ENERGY)
            one = keras.ops.where(values[..., energy : energy + 1] > 0, one, preparation.rest(k))
        channels.append(one)
    inputs = channels[0] if len(channels) == 1 else keras.ops.concatenate(channels, axis=-1)
    return keras.ops.reshape(inputs, (-1, *preparation.shape)) if preparation.flat else inputs


def _filled(preparation: Preparation | ImagePreparation, raw: Any) -> Any:
    if preparation.fill is None:
        return raw
    return keras.ops.where(keras.ops.isfinite(raw), raw, np.asarray(preparation.fill, np.float32))


def _bent(preparation: ImagePreparation, energy: Any) -> Any:
    size = keras.ops.abs(energy)
    match preparation.energy:
        case "none":
            return energy
        case "sqrt":
            return keras.ops.sign(energy) * keras.ops.sqrt(size)
        case "log":
            return keras.ops.sign(energy) * keras.ops.log1p(size / preparation.unit)
