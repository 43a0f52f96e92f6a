"""A trained network to a Keras file that takes raw features: its preparation becomes its first layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.manifest import new_file
from hepsieve.models.config import AdaBoostConfig, TreesConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.models.extras import require
from hepsieve.prepare import ShapePreparation
from hepsieve.score.bundle import Bundle

TOLERANCE = 1e-5


def export_keras(bundle: Bundle, folder: Path, output: Path) -> tuple[Path, Path]:
    """Write ``output`` (.keras) and the same weights beside it as ``.weights.h5``.

    The file loads with plain Keras 3 and no code of hepsieve; it maps raw features, (n, p), images
    (n, height, width, p) or waveforms (n, samples, p), to scores (n, 1); or, where the network predicts widths, to
    scores and widths (n, 2). Those of a regression are shares of the target's full scale.

    Args:
        bundle: a verified network, trained in either framework.
        folder: the model folder that it came from.
        output: the new .keras file.

    Raises:
        ConfigError: if the model is no network, learned from shapes, was calibrated by isotonic regression, or the file
            is not called .keras.
        HepsieveError: if the written file does not give the reference rows' scores to 1e-5.
    """
    config, name = bundle.schema.config, bundle.schema.model
    if isinstance(config, EnsembleConfig):
        able = [one for one in config.members if not isinstance(_config_of(bundle, one), TreesConfig | AdaBoostConfig)]
        networks = f"take one of its networks with --model: {', '.join(able)}"
        instead = networks if able else "none of its models is a network"
        raise ConfigError(f"{name} combines {len(config.members)} models, which no Keras file can hold; {instead}")
    if isinstance(config, TreesConfig | AdaBoostConfig):
        raise ConfigError(f"{name} is no network ({config.kind}); Keras can't hold it")
    sees = "samples" if len(bundle.shape) == 2 else "pixels"
    if isinstance(bundle.members[0].preparation, ShapePreparation):
        raise ConfigError(f"{name} learned from shapes, which Keras can't measure; export one that sees {sees}")
    if output.suffix != ".keras":
        raise ConfigError(f"{output}: a Keras file is called .keras")
    require("keras", extra="keras")
    from hepsieve.score.keras_model import keras_model

    model = keras_model(config, bundle)
    _require_same_scores(model, bundle, folder)
    weights = output.with_suffix(".weights.h5")
    for path, save in ((output, model.save), (weights, model.save_weights)):
        with new_file(path) as temporary:
            save(temporary)
    return output, weights


def _config_of(bundle: Bundle, member: str) -> object:
    return next(one.schema.config for one in bundle.combined if one.schema.model == member)


def _require_same_scores(model: Any, bundle: Bundle, folder: Path) -> None:
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        features, expected = reference["features"], reference["scores"]
    names = bundle.schema.features
    chosen = features[..., [names.index(name) for name in bundle.members[0].preparation.features]]
    difference = float(np.abs(np.asarray(model.predict_on_batch(chosen))[:, 0] - expected).max())
    if not difference <= TOLERANCE:
        raise HepsieveError(f"{folder}: the Keras model scores differently by {difference:.2g}; nothing was written")
