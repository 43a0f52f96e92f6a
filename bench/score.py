"""From a file of raw features to scores with the largest network of the HEPMASS report: events a second."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch

from bench.keras_tensorflow import keras_tensorflow
from bench.result import Result
from bench.separable import FEATURES, events
from bench.train import NETWORK
from hepsieve.config import PrepareConfig
from hepsieve.events import Events
from hepsieve.models.mlp import parameter_count
from hepsieve.models.torch import mlp
from hepsieve.prepare import Preparation

EVENTS, ROUNDS, LARGE_BATCH = 200_000, 5, 10_000


def measure() -> Result:
    """Median events a second of runs in turn; preparation included on both sides, all in float32."""
    part, few = events(EVENTS, seed=1), events(1000, seed=2)
    preparation = Preparation.fit(Events.from_arrays(part.inputs, part.target), PrepareConfig(scale="standardise"))
    model = mlp.TorchPredictor(model=mlp.build(NETWORK, FEATURES, seed=1))
    ours, by_default, in_large_batches = [], [], []
    with TemporaryDirectory() as folder, keras_tensorflow(part, few) as keras:
        file = Path(folder) / "raw.npy"
        np.save(file, part.inputs)
        for _ in range(ROUNDS):
            ours.append(_score(file, preparation, model))
            by_default.append(keras.predict(NETWORK.hidden(), batch_size=None))
            in_large_batches.append(keras.predict(NETWORK.hidden(), batch_size=LARGE_BATCH))
    rate = EVENTS / median(ours)
    return Result(
        ratio=median(by_default) / median(ours),
        against="keras.predict (TensorFlow) as it is called without a batch size",
        unit="events a second from the file to scores",
        ours={
            "float32": rate,
            f"times as fast as batch_size={LARGE_BATCH}": median(in_large_batches) / median(ours),
            "multiplications alone could reach": _possible(),
        },
        theirs={
            "float32": EVENTS / median(by_default),
            f"batch_size={LARGE_BATCH}": EVENTS / median(in_large_batches),
        },
    )


def _score(file: Path, preparation: Preparation, model: mlp.TorchPredictor) -> float:
    began = perf_counter()
    features = np.load(file, mmap_mode="r")
    model.scores(preparation.apply(features, preparation.features))
    return perf_counter() - began


def _possible() -> float:
    """Events a second if nothing took time but the matrix products in float32, each at the speed of a large one."""
    size = 2048
    one, other, product = torch.randn(3, size, size)
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        torch.mm(one, other, out=product)
        times.append(perf_counter() - began)
    return size**3 / min(times) / (parameter_count(NETWORK, FEATURES))
