"""A trained network to a Keras file that takes raw features: its preparation becomes its first layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.manifest import new_file
from hepsieve.models.config import MLPConfig
from hepsieve.models.extras import require
from hepsieve.models.weights import load_arrays
from hepsieve.score.bundle import Bundle, Part

TOLERANCE = 1e-5


def export_keras(bundle: Bundle, folder: Path, output: Path) -> tuple[Path, Path]:
    """Write ``output`` (.keras) and the same weights beside it as ``.weights.h5``.

    The file loads with plain Keras 3 and no code of hepsieve; it maps raw features (n, p) to scores (n, 1).

    Args:
        bundle: a verified network, trained in either framework.
        folder: the model folder that it came from.
        output: the new .keras file.

    Raises:
        ConfigError: if the model is no network, or the file is not called .keras.
        HepsieveError: if the written file does not give the reference rows' scores to 1e-5.
    """
    config = bundle.schema.config
    if not isinstance(config, MLPConfig):
        raise ConfigError(f"{bundle.schema.model} is no network ({config.kind}); Keras can't hold it")
    if output.suffix != ".keras":
        raise ConfigError(f"{output}: a Keras file is called .keras")
    require("keras", extra="keras")
    model = keras_model(config, bundle)
    _require_same_scores(model, bundle, folder)
    weights = output.with_suffix(".weights.h5")
    for path, save in ((output, model.save), (weights, model.save_weights)):
        with new_file(path) as temporary:
            save(temporary)
    return output, weights


def keras_model(config: MLPConfig, bundle: Bundle) -> Any:
    """The network behind its preparation, or the mean of several: raw features in the preparation's order to scores."""
    # hepsieve's own module comes first: it chooses Keras's backend.
    from hepsieve.models.keras import mlp

    # isort: split
    import keras

    raw = keras.Input((len(bundle.members[0].preparation.features),), name="features")
    scores = [_member(keras, mlp, config, part, raw, number) for number, part in enumerate(bundle.members, start=1)]
    return keras.Model(raw, scores[0] if len(scores) == 1 else keras.layers.Average()(scores), name="hepsieve")


def _member(keras: Any, mlp: Any, config: MLPConfig, part: Part, raw: Any, number: int) -> Any:
    preparation = part.preparation
    affine, values = preparation.affine, raw
    if preparation.fill is not None:
        fill = np.asarray(preparation.fill, np.float32)
        values = keras.ops.where(keras.ops.isfinite(values), values, fill)
    if preparation.log is not None:
        taken = np.array([floor is not None for floor in preparation.log])
        floors = np.array([1.0 if floor is None else floor for floor in preparation.log], np.float32)
        values = keras.ops.where(taken, keras.ops.log(keras.ops.maximum(values, floors)), values)
    centre = np.asarray(affine.centre, np.float32)
    centred = keras.layers.Normalization(mean=centre, variance=np.ones_like(centre), name=f"centre{number}")(values)
    rotate = keras.layers.Dense(preparation.width, name=f"prepare{number}", trainable=False)
    network = mlp.build(config, preparation.width, seed=0)
    network.name = f"network{number}"
    mlp.set_weights(network, load_arrays(part.folder / mlp.WEIGHTS_FILE))
    score = keras.layers.Activation("sigmoid", name=f"score{number}")(network(rotate(centred)))
    rotate.set_weights([np.asarray(affine.matrix, np.float32), np.asarray(affine.offset, np.float32)])
    return score


def _require_same_scores(model: Any, bundle: Bundle, folder: Path) -> None:
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        features, expected = reference["features"], reference["scores"]
    names = bundle.schema.features
    chosen = features[:, [names.index(name) for name in bundle.members[0].preparation.features]]
    difference = float(np.abs(np.asarray(model.predict_on_batch(chosen))[:, 0] - expected).max())
    if not difference <= TOLERANCE:
        raise HepsieveError(f"{folder}: the Keras model scores differently by {difference:.2g}; nothing was written")
