"""Trains and scores with Keras on TensorFlow, in the process of its own that Keras's choice of a backend needs.

``python on_tensorflow.py FOLDER`` reads ``model/``, ``config.json``, ``settings.json``, ``kind`` and the arrays of the
folder, and leaves ``scores.npy``, ``history.jsonl`` and ``trained.npy`` there, and ``widths.npy`` where there are some.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    import keras

    assert keras.backend.backend() == "tensorflow"
    from pydantic import TypeAdapter

    from hepsieve.models.config import ModelConfig, TrainConfig
    from hepsieve.models.load import load_model
    from hepsieve.progress import Silent
    from hepsieve.train import Part, train_model

    kinds: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
    config = kinds.validate_json((folder / "config.json").read_text())
    settings = TrainConfig.model_validate_json((folder / "settings.json").read_text())
    arrays = {name: np.load(folder / f"{name}.npy") for name in ("inputs", "target", "weight")}
    part = Part(**arrays, kind="regression" if (folder / "kind").read_text() == "regression" else "classification")
    model = load_model(config, folder / "model", part.inputs.shape[1:])
    np.save(folder / "scores.npy", model.scores(part.inputs))
    with (folder / "history.jsonl").open("w") as stream:
        trained = train_model(
            "net",
            config,
            part,
            part,
            settings,
            seed=1,
            progress=Silent(),
            on_epoch=lambda record: print(record.model_dump_json(), file=stream),
        )
    np.save(folder / "trained.npy", trained.model.scores(part.inputs))
    if (widths := trained.model.widths(part.inputs)) is not None:
        np.save(folder / "widths.npy", widths)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
