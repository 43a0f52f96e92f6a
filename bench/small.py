"""A small network, 28-14-7-1, in batches of 100, where overhead rules: events a second of training."""

from __future__ import annotations

from statistics import median

from bench.keras_tensorflow import keras_tensorflow
from bench.result import Result
from bench.separable import events
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, train_model

NETWORK = MLPConfig(widths=(14, 7))
TRAINING, VALIDATION, BATCH, ROUNDS, EPOCHS = 100_000, 10_000, 100, 5, 2


def measure() -> Result:
    """Median events a second of runs in turn: ours, the notebooks' way, and our way through Keras on PyTorch."""
    train, validation = events(TRAINING, seed=1), events(VALIDATION, seed=2)
    with_dropout = NETWORK.model_copy(update={"dropout": 0.1})
    on_torch = NETWORK.model_copy(update={"backend": "keras"})
    seconds: dict[str, list[float]] = {"plain": [], "dropout": [], "tensorflow": [], "keras on torch": []}
    with keras_tensorflow(train, validation) as keras:
        for number in range(ROUNDS):
            seconds["plain"].append(_fit(NETWORK, train, validation))
            seconds["tensorflow"].append(keras.fit(NETWORK.hidden(), batch_size=BATCH, epochs=EPOCHS))
            seconds["dropout"].append(_fit(with_dropout, train, validation))
            if number == 0:
                seconds["keras on torch"].append(_fit(on_torch, train, validation))
    rate = {name: EPOCHS * TRAINING / median(times) for name, times in seconds.items()}
    return Result(
        ratio=rate["plain"] / rate["tensorflow"],
        against="Keras/TensorFlow fit",
        unit="events a second, validation included",
        ours={
            "PyTorch, derivatives by hand": rate["plain"],
            "PyTorch, autograd (with dropout)": rate["dropout"],
            "Keras on PyTorch": rate["keras on torch"],
        },
        theirs={"Keras on TensorFlow": rate["tensorflow"]},
    )


def _fit(config: MLPConfig, train: Part, validation: Part) -> float:
    settings = TrainConfig(epochs=EPOCHS, batch_size=BATCH, patience=None, device="cpu")
    trained = train_model(
        "net", config, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )
    return trained.seconds
