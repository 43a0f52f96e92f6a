"""The notebooks' own way, Keras on TensorFlow, timed in a process of its own: ours stays free of TensorFlow.

``python -m bench.keras_tensorflow FOLDER`` answers one line of JSON with another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from hepsieve.train import Part

_FILES = ("inputs", "target", "validation_inputs", "validation_target")


class KerasTensorFlow:
    """The other process: it has the data and its networks, warmed up, and says how long something took."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Talk to a process that was started already."""
        self._process = process

    def fit(self, widths: Sequence[int], *, batch_size: int, epochs: int, policy: str = "float32") -> float:
        """Seconds of ``fit``, validation included."""
        return self._seconds(do="fit", widths=widths, batch_size=batch_size, epochs=epochs, policy=policy)

    def predict(self, widths: Sequence[int], *, batch_size: int | None) -> float:
        """Seconds from the file of inputs to scores: read, standardise, ``predict``; None is Keras's own batch size."""
        return self._seconds(do="predict", widths=widths, batch_size=batch_size, policy="float32")

    def _seconds(self, **task: Any) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(task), file=self._process.stdin, flush=True)
        return float(json.loads(self._process.stdout.readline()))


@contextmanager
def keras_tensorflow(train: Part, validation: Part) -> Iterator[KerasTensorFlow]:
    """Keras on TensorFlow with these events.

    Raises:
        SystemExit: if TensorFlow is not installed.
    """
    if find_spec("tensorflow") is None:
        raise SystemExit("TensorFlow, which this is measured against, is not installed: pip install -e '.[bench]'")
    arrays = (train.inputs, train.target, validation.inputs, validation.target)
    with TemporaryDirectory() as folder:
        for name, values in zip(_FILES, arrays, strict=True):
            np.save(Path(folder) / name, values)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.keras_tensorflow", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        )
        try:
            yield KerasTensorFlow(process)
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """Answer until nothing is asked any more."""
    import keras

    inputs, target, *validation = (np.load(Path(sys.argv[1]) / f"{name}.npy") for name in _FILES)
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    models: dict[str, Any] = {}
    for line in sys.stdin:
        task = json.loads(line)
        name = f"{task['widths']} {task['policy']} {task['batch_size']}"
        if name not in models:
            models[name] = _model(keras, inputs.shape[1], task["widths"], task["policy"])
            few = slice(0, 2 * (task["batch_size"] or 32))
            # What is compiled at first use is not what a long training spends its time on.
            models[name].fit(
                inputs[few], target[few], batch_size=task["batch_size"], validation_data=validation, verbose=0
            )
            models[name].predict(inputs[few], batch_size=task["batch_size"], verbose=0)
        began = perf_counter()
        if task["do"] == "fit":
            models[name].fit(
                inputs,
                target,
                batch_size=task["batch_size"],
                epochs=task["epochs"],
                validation_data=validation,
                verbose=0,
            )
        else:
            read = (np.load(Path(sys.argv[1]) / "inputs.npy") - mean) / deviation
            models[name].predict(read, batch_size=task["batch_size"], verbose=0)
        print(perf_counter() - began, flush=True)


def _model(keras: Any, inputs: int, widths: Sequence[int], policy: str) -> Any:
    dense = keras.layers.Dense
    layers = [
        keras.Input((inputs,)),
        *(dense(width, activation="relu", dtype=policy) for width in widths),
        dense(1, activation="sigmoid", dtype="float32"),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
