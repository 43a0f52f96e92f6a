"""The largest network of the HEPMASS report, 600-452-304-156, in batches of 10,000: events a second of training."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Literal

import torch

from bench.keras_tensorflow import keras_tensorflow
from bench.result import Result
from bench.separable import FEATURES, events
from hepsieve.evaluate.intervals import delong_interval
from hepsieve.evaluate.ranked import Ranked
from hepsieve.models.config import MLPConfig, Taper, TrainConfig
from hepsieve.models.mlp import parameter_count
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.threads import torch_threads

NETWORK = MLPConfig(widths=Taper(first=600, layers=5))
TRAINING, VALIDATION, BATCH, ROUNDS, EPOCHS = 100_000, 5_000, 10_000, 5, 1
LONGER, JUDGED, LONGER_EPOCHS = 200_000, 100_000, 5
Precision = Literal["bf16", "float32"]
POLICIES: dict[Precision, str] = {"bf16": "mixed_bfloat16", "float32": "float32"}


def measure() -> Result:
    """Median events a second of runs in turn, and whether bfloat16 costs any separation."""
    train, validation = events(TRAINING, seed=1), events(VALIDATION, seed=2)
    ours: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    theirs: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    bare = []
    with keras_tensorflow(train, validation) as keras:
        for _ in range(ROUNDS):
            for precision, policy in POLICIES.items():
                ours[precision].append(_seconds(train, validation, precision))
                theirs[precision].append(keras.fit(NETWORK.hidden(), batch_size=BATCH, epochs=EPOCHS, policy=policy))
            bare.append(_bare_products())
    fast, slow = ({p: EPOCHS * TRAINING / median(seconds) for p, seconds in s.items()} for s in (ours, theirs))
    return Result(
        ratio=fast["bf16"] / slow["float32"],
        against="Keras/TensorFlow fit in float32",
        unit="events a second, validation included",
        ours={
            "float32": fast["float32"],
            "bf16": fast["bf16"],
            "times as fast in float32": fast["float32"] / slow["float32"],
            "times as fast as mixed_bfloat16": fast["bf16"] / slow["bf16"],
            "times as fast, fastest runs": min(theirs["float32"]) / min(ours["bf16"]),
            "times as fast in float32, fastest runs": min(theirs["float32"]) / min(ours["float32"]),
            "matrix products alone, bf16, fastest run": BATCH / min(bare),
            "share of their speed, fastest run": EPOCHS * TRAINING / min(ours["bf16"]) * min(bare) / BATCH,
            **_separation(),
        },
        theirs={"float32": slow["float32"], "bf16": slow["bf16"]},
    )


def _seconds(train: Part, validation: Part, precision: Precision) -> float:
    """Of the epochs after a first one, which claims the memory: Keras's network has been warmed up, too."""
    history = _fit(train, validation, precision, EPOCHS + 1).history
    return sum(record.seconds for record in history[1:])


def _fit(train: Part, validation: Part, precision: Precision, epochs: int) -> Trained:
    settings = TrainConfig(epochs=epochs, batch_size=BATCH, patience=None, precision=precision, device="cpu")
    return train_model(
        "net", NETWORK, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )


def _bare_products() -> float:
    """Seconds that a batch's matrix products take in bfloat16: forward, and back to weights and inputs."""
    layers = [
        tuple(torch.randn(size).bfloat16() for size in ((BATCH, into), (BATCH, out), (out, into)))
        for into, out in pairwise([FEATURES, *NETWORK.hidden()])
    ]
    results = [tuple(torch.empty_like(values) for values in layer) for layer in layers]
    times = []
    with torch_threads(parameter_count(NETWORK, FEATURES), BATCH):
        for _ in range(20):
            began = perf_counter()
            for number, ((inputs, outputs, weight), (below, above, gradient)) in enumerate(
                zip(layers, results, strict=True)
            ):
                torch.mm(inputs, weight.t(), out=above)
                torch.mm(outputs.t(), inputs, out=gradient)
                if number > 0:
                    torch.mm(outputs, weight, out=below)
            times.append(perf_counter() - began)
    return min(times)


def _separation() -> dict[str, float]:
    """AUC on other events after equally many epochs in both precisions, with 95 % intervals."""
    train, validation, judged = events(LONGER, seed=4), events(VALIDATION, seed=2), events(JUDGED, seed=3)
    found: dict[str, float] = {}
    for precision in POLICIES:
        scores = _fit(train, validation, precision, LONGER_EPOCHS).model.scores(judged.inputs)
        auc = delong_interval(Ranked.of(judged.target.astype(float), scores, judged.weight.astype(float)))
        assert auc.value is not None
        assert auc.low is not None
        assert auc.high is not None
        found[f"AUC {precision}"] = auc.value
        found[f"AUC {precision}, lower end"], found[f"AUC {precision}, upper end"] = auc.low, auc.high
    return found
