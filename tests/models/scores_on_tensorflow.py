"""Score the networks of a folder with Keras on TensorFlow, in a process of its own: Keras chooses once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from hepsieve.models.config import ModelConfig
from hepsieve.models.load import load_model
from hepsieve.models.predictor import Differentiable


def main(folder: Path) -> None:
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        config: ModelConfig = TypeAdapter(ModelConfig).validate_json((place / "config.json").read_text())
        inputs = np.load(place / "inputs.npy")
        model = load_model(config, place, inputs.shape[1:])
        np.save(place / "scores.npy", model.scores(inputs))
        assert isinstance(model, Differentiable)
        gradient = model.input_gradient(inputs[:3])
        assert gradient is not None
        np.save(place / "gradient.npy", gradient)
        widths = model.widths(inputs)
        if widths is not None:
            np.save(place / "widths.npy", widths)
    import keras

    assert keras.backend.backend() == "tensorflow"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
