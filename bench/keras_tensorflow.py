"""The notebooks' own way, Keras on TensorFlow or PyTorch, timed in a process of its own: ours stays free of it.

``python -m bench.keras_tensorflow FOLDER`` answers one line of JSON with another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from hepsieve.train import Part

Network = Sequence[int] | Sequence[Sequence[int]]
_FILES = ("inputs", "target", "validation_inputs", "validation_target")


class KerasElsewhere:
    """The other process: it has the data and its networks, warmed up, and says how long something took.

    A network is given as the widths of its hidden layers, for images as (filters, residual blocks) of each stage, for
    waveforms as filters, kernel, pooling window and width of the hidden layer.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Talk to a process that was started already."""
        self._process = process

    def fit(self, widths: Network, *, batch_size: int, epochs: int, policy: str = "float32") -> float:
        """Seconds of ``fit``, validation included."""
        return self._seconds(do="fit", widths=widths, batch_size=batch_size, epochs=epochs, policy=policy)

    def predict(self, widths: Sequence[int], *, batch_size: int | None) -> float:
        """Seconds from the file of inputs to scores: read, standardise, ``predict``; None is Keras's own batch size."""
        return self._seconds(do="predict", widths=widths, batch_size=batch_size, policy="float32")

    def learn(self, widths: Network, *, batch_size: int, epochs: int, seed: int, epsilon: float) -> list[list[float]]:
        """A network for waveforms from its beginning: predictions for validation, shape (epochs, n).

        ``epsilon`` is RMSprop's, which Keras adds under the root, not to it.
        """
        found: list[list[float]] = self._ask(
            do="learn", widths=widths, batch_size=batch_size, epochs=epochs, seed=seed, epsilon=epsilon
        )
        return found

    def _seconds(self, **task: Any) -> float:
        return float(self._ask(**task))

    def _ask(self, **task: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(task), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def keras_tensorflow(train: Part, validation: Part, *, backend: str = "tensorflow") -> Iterator[KerasElsewhere]:
    """Keras on TensorFlow, or another backend, with these events.

    Raises:
        SystemExit: if TensorFlow is not installed.
    """
    if find_spec(backend) is None:
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
            env={**os.environ, "KERAS_BACKEND": backend},
        )
        try:
            yield KerasElsewhere(process)
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
        if task["do"] == "learn":
            print(json.dumps(_learned(keras, inputs, target, validation[0], task)), flush=True)
            continue
        name = f"{task['widths']} {task['policy']} {task['batch_size']}"
        if name not in models:
            models[name] = _compiled(keras, inputs.shape[1:], task["widths"], task["policy"])
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


def _learned(keras: Any, inputs: Any, target: Any, validation: Any, task: dict[str, Any]) -> list[list[float]]:
    keras.utils.set_random_seed(task["seed"])
    model = _compiled(keras, inputs.shape[1:], task["widths"], "float32", epsilon=task["epsilon"])
    found = []
    for _ in range(task["epochs"]):
        model.fit(inputs, target, batch_size=task["batch_size"], verbose=0)
        found.append(model.predict(validation, verbose=0).ravel().tolist())
    return found


def _compiled(keras: Any, shape: tuple[int, ...], network: Any, policy: str, epsilon: float = 1e-7) -> Any:
    events = keras.Input(shape)
    layers: dict[int, Callable[..., Any]] = {1: _dense, 2: _waveforms, 3: _resnet}
    hidden = layers[len(shape)]
    score = keras.layers.Dense(1, activation="sigmoid", dtype="float32")(hidden(keras, events, network, policy))
    model = keras.Model(events, score)
    if hidden is _waveforms:
        model.compile(optimizer=keras.optimizers.RMSprop(1e-3, epsilon=epsilon), loss="mean_squared_error")
    else:
        model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def _dense(keras: Any, values: Any, widths: Sequence[int], policy: str) -> Any:
    for width in widths:
        values = keras.layers.Dense(width, activation="relu", dtype=policy)(values)
    return values


def _waveforms(keras: Any, values: Any, sizes: Sequence[int], policy: str) -> Any:
    layers = keras.layers
    filters, kernel, window, width = sizes
    values = layers.Conv1D(filters, kernel, activation="relu", dtype=policy)(values)
    values = layers.Flatten(dtype=policy)(layers.MaxPooling1D(window, dtype=policy)(values))
    return layers.Dense(width, activation="relu", dtype=policy)(values)


def _resnet(keras: Any, values: Any, stages: Sequence[Sequence[int]], policy: str) -> Any:
    layers = keras.layers

    def convolved(image: Any, filters: int, size: int, stride: int) -> Any:
        image = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, dtype=policy)(image)
        return layers.BatchNormalization(dtype=policy)(image)

    filters, blocks = stages
    values = layers.ReLU(dtype=policy)(convolved(values, filters[0], 3, 1))
    for stage, (width, number) in enumerate(zip(filters, blocks, strict=True)):
        for block in range(number):
            stride = 2 if stage > 0 and block == 0 else 1
            body = layers.ReLU(dtype=policy)(convolved(values, width, 3, stride))
            body = convolved(body, width, 3, 1)
            if stride == 2:
                values = convolved(values, width, 1, 2)
            values = layers.ReLU(dtype=policy)(layers.Add(dtype=policy)([body, values]))
    return layers.GlobalAveragePooling2D(dtype=policy)(values)


if __name__ == "__main__":
    main()
