"""A trained network behind its preparation to one Keras model, which takes raw features."""

from __future__ import annotations

from math import prod
from typing import Any, assert_never

import numpy as np

from hepsieve.errors import ConfigError
from hepsieve.models.architecture import SpatialConfig
from hepsieve.models.config import MLPConfig, TabMConfig

# hepsieve's own modules come first: they choose Keras's backend.
from hepsieve.models.keras import mlp, spatial, tabular
from hepsieve.models.keras.outputs import width
from hepsieve.models.outputs import outputs_of
from hepsieve.prepare import AnyPreparation, ImagePreparation, Preparation, ShapePreparation, WaveformPreparation
from hepsieve.score.bundle import Bundle, Part
from hepsieve.score.keras_copies import keras_copies
from hepsieve.score_map import Isotonic, Temperature
from hepsieve.shower_shapes import ENERGY

# isort: split
import keras


def keras_model(config: MLPConfig | TabMConfig | SpatialConfig, bundle: Bundle) -> Any:
    """The network behind its preparation, or the mean of several: raw features in the preparation's order to scores.

    A temperature is in the last layer's weights; of several networks, or over symmetric copies, it divides the logit of
    their mean score. A second column has the standard deviations, where the network predicts them.

    Raises:
        ConfigError: if the scores go through an isotonic calibration.
    """
    temperature = _temperature(bundle)
    raw = keras.Input((*bundle.shape[:-1], len(bundle.members[0].preparation.features)), name="features")
    logits: list[Any] = []
    scores, widths = [], []
    for member, part in enumerate(bundle.members, start=1):
        network = _network(config, part)
        network.name = f"network{member}"
        copies = keras_copies(part.copies, raw, part.preparation.features)
        alone = len(bundle.members) == len(copies) == 1
        if alone and not isinstance(config, TabMConfig):
            _cool(network, temperature)
        for number, copy in enumerate(copies, start=len(logits) + 1):
            outputs = network(_inputs(part.preparation, copy, number))
            logits.append(outputs[:, :1])
            if alone and isinstance(config, TabMConfig) and temperature != 1:
                logits[-1] = logits[-1] / temperature  # no layer's weights hold this logit
            scores.append(keras.layers.Activation("sigmoid", name=f"score{number}")(logits[-1]))
            if outputs_of(config) == 2:
                widths.append(width(outputs[:, 1:]))
    score = scores[0] if len(scores) == 1 else keras.layers.Average()(scores)
    if len(scores) > 1 and temperature != 1:
        score = _cooled_mean(logits, temperature)
    if not widths:
        return keras.Model(raw, score, name="hepsieve")
    spread = widths[0] if len(widths) == 1 else _mixture_width(scores, widths)
    return keras.Model(raw, keras.ops.concatenate([score, spread], axis=1), name="hepsieve")


def _temperature(bundle: Bundle) -> float:
    match None if bundle.calibration is None else bundle.calibration.map:
        case None:
            return 1.0
        case Temperature(temperature=temperature):
            return temperature
        case Isotonic():
            raise ConfigError(
                f"{bundle.schema.model} was calibrated by isotonic regression, which is no layer of Keras; "
                "to export it train it with evaluate.calibrate=temperature or none"
            )


def _cool(network: Any, temperature: float) -> None:
    """Divide the network's logits by the temperature, in its own weights."""
    if temperature != 1:
        last = network.get_layer("logit")
        last.set_weights([values / np.float32(temperature) for values in last.get_weights()])


def _cooled_mean(logits: list[Any], temperature: float) -> Any:
    """The mean of sigmoids, its own logit divided: by the logarithms of both classes' shares, precise also near 1."""
    each = keras.ops.concatenate(logits, axis=1)
    signal, background = (
        keras.ops.log(keras.ops.mean(keras.ops.sigmoid(side), axis=1, keepdims=True)) for side in (each, -each)
    )
    return keras.ops.sigmoid((signal - background) / temperature)


def _mixture_width(scores: list[Any], widths: list[Any]) -> Any:
    """As ``hepsieve.train.run.mixture_width``."""
    means, deviations = (keras.ops.concatenate(columns, axis=1) for columns in (scores, widths))
    variance = keras.ops.mean(keras.ops.square(deviations), axis=1, keepdims=True)
    return keras.ops.sqrt(variance + keras.ops.var(means, axis=1, keepdims=True))


def _network(config: MLPConfig | TabMConfig | SpatialConfig, part: Part) -> Any:
    """The trained network in Keras, whichever framework trained it; both write the same file."""
    if isinstance(config, MLPConfig):
        return mlp.load(config, part.folder, prod(part.preparation.shape)).model
    if isinstance(config, TabMConfig):
        return tabular.load(config, part.folder, prod(part.preparation.shape)).model
    return spatial.load(config, part.folder, part.preparation.shape).model


def _inputs(preparation: AnyPreparation, raw: Any, number: int) -> Any:
    match preparation:
        case Preparation():
            return _table_steps(preparation, raw, number)
        case ImagePreparation():
            return _image_steps(preparation, raw)
        case WaveformPreparation():
            return _waveform_steps(preparation, raw)
        case ShapePreparation():
            raise TypeError("Keras can't measure shapes")
        case _:
            assert_never(preparation)


def _table_steps(preparation: Preparation, raw: Any, number: int) -> Any:
    """The inputs of training ``number`` from raw features in the preparation's order, a Keras tensor (n, p)."""
    affine, values = preparation.affine, _filled(preparation, raw)
    if preparation.arrange is not None:
        single = {name: values[:, k] for k, name in enumerate(preparation.features)}
        values = keras.ops.stack(preparation.arrange.columns(single, keras.ops), axis=1)
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


def _waveform_steps(preparation: WaveformPreparation, raw: Any) -> Any:
    """A training's inputs from raw waveforms in the preparation's channels, a Keras tensor (n, samples, p)."""
    values = _filled(preparation, raw)
    match preparation.normalise:
        case "each":
            low = keras.ops.min(values, axis=1, keepdims=True)
            values = _divided(values - low, keras.ops.max(values, axis=1, keepdims=True) - low)
        case "area":
            area = keras.ops.sum(values, axis=1, keepdims=True)
            values = _divided(
                values, keras.ops.maximum(area, keras.ops.max(keras.ops.abs(values), axis=1, keepdims=True))
            )
        case "set" | "none":
            pass
    centre, factor = (np.asarray(constants, np.float32) for constants in (preparation.centre, preparation.factor))
    inputs = (values - centre) * factor
    return keras.ops.reshape(inputs, (-1, *preparation.shape)) if preparation.flat else inputs


def _divided(values: Any, size: Any) -> Any:
    """Nothing where the size is nothing."""
    there = size > 0
    return keras.ops.where(there, values / keras.ops.where(there, size, 1.0), 0.0)


def _filled(preparation: Preparation | ImagePreparation | WaveformPreparation, raw: Any) -> Any:
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
