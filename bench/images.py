"""ResNet-15 on images of 32 × 32 crystals in batches of 256: steps a second of training."""

from __future__ import annotations

from statistics import median
from typing import Literal

import numpy as np

from bench.keras_tensorflow import KerasElsewhere, keras_tensorflow
from bench.result import Result
from hepsieve.models.config import ResNetConfig, TrainConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, train_model

NETWORK = ResNetConfig()
SIZE, BATCH, STEPS, VALIDATION, ROUNDS = 32, 256, 8, 256, 3
Precision = Literal["bf16", "float32"]
POLICIES: dict[Precision, str] = {"bf16": "mixed_bfloat16", "float32": "float32"}


def measure() -> Result:
    """Median steps a second of runs in turn; all processes wait while one of them trains."""
    train, validation = images(STEPS * BATCH, seed=1), images(VALIDATION, seed=2)
    ours: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    theirs: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    on_torch = []
    with (
        keras_tensorflow(train, validation) as tensorflow,
        keras_tensorflow(train, validation, backend="torch") as torch,
    ):
        for _ in range(ROUNDS):
            for precision, policy in POLICIES.items():
                ours[precision].append(_ours(train, validation, precision))
                theirs[precision].append(_theirs(tensorflow, policy))
            on_torch.append(_theirs(torch, "float32"))
    fast, slow = ({p: STEPS / median(seconds) for p, seconds in s.items()} for s in (ours, theirs))
    return Result(
        ratio=fast["bf16"] / slow["float32"],
        against="Keras/TensorFlow fit in float32",
        unit="steps a second, validation included",
        ours={
            "bf16": fast["bf16"],
            "float32": fast["float32"],
            "times as fast in float32": fast["float32"] / slow["float32"],
            "times as fast as mixed_bfloat16": fast["bf16"] / slow["bf16"],
            "times as fast as Keras on PyTorch": fast["bf16"] * median(on_torch) / STEPS,
            "times as fast, fastest runs": min(theirs["float32"]) / min(ours["bf16"]),
        },
        theirs={"bf16": slow["bf16"], "float32": slow["float32"], "Keras on PyTorch": STEPS / median(on_torch)},
    )


def images(n: int, *, seed: int) -> Part:
    """Energies in a few crystals each, as in a calorimeter; both classes, which nothing tells apart."""
    rng = np.random.default_rng(seed)
    energy = np.maximum(rng.standard_normal((n, SIZE, SIZE, 1), dtype=np.float32) - 1.5, 0)
    target = rng.integers(0, 2, n).astype(np.float32)
    return Part(inputs=energy, target=target, weight=np.ones(n, np.float32))


def _ours(train: Part, validation: Part, precision: Precision) -> float:
    """Seconds of the epoch after a first one, which claims the memory: Keras's network has been warmed up, too."""
    settings = TrainConfig(epochs=2, batch_size=BATCH, patience=None, precision=precision, device="cpu")
    trained = train_model(
        "net", NETWORK, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )
    return trained.history[-1].seconds


def _theirs(keras: KerasElsewhere, policy: str) -> float:
    return keras.fit((NETWORK.filters, NETWORK.blocks), batch_size=BATCH, epochs=1, policy=policy)
