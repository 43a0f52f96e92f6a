"""A convolution, pooling and a dense layer on waveforms of 5,000 samples in batches of 128: steps a second of training.

The waveforms are simulated pairs of pulses, whose separation is regressed: so it shows, too, that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.keras_tensorflow import KerasElsewhere, keras_tensorflow
from bench.result import Result
from hepsieve.events import Events
from hepsieve.models.config import TrainConfig, WaveCNNConfig
from hepsieve.progress import Silent
from hepsieve.simulate import simulate
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.losses import within_tolerance

NETWORK = WaveCNNConfig(loss="squared")
BATCH, STEPS, VALIDATION, ROUNDS = 128, 20, 512, 3
EPOCHS, SEEDS = 8, (1, 2, 3)
# Keras adds its epsilon to the mean square, PyTorch to its root: this is the same, and what Keras has by itself is not.
EPSILONS = {"same": 1e-14, "own": 1e-7}
Precision = Literal["bf16", "float32"]
POLICIES: dict[Precision, str] = {"bf16": "mixed_bfloat16", "float32": "float32"}
_SIZES = (NETWORK.filters, NETWORK.kernel, NETWORK.pool, NETWORK.dense)


def measure() -> Result:
    """Median steps a second of runs in turn, all processes waiting while one of them trains; then what was learned."""
    train, validation = _waveforms()
    ours: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    theirs: dict[Precision, list[float]] = {"bf16": [], "float32": []}
    on_torch = []
    with (
        keras_tensorflow(train, validation) as tensorflow,
        keras_tensorflow(train, validation, backend="torch") as torch,
    ):
        for _ in range(ROUNDS):
            for precision, policy in POLICIES.items():
                # The epoch after a first one, which claims the memory: Keras's network has been warmed up, too.
                ours[precision].append(_trained(train, validation, precision, epochs=2).history[-1].seconds)
                theirs[precision].append(_theirs(tensorflow, policy))
            on_torch.append(_theirs(torch, "float32"))
        learned = _learned(train, validation, tensorflow)
    fast, slow = ({p: STEPS / median(seconds) for p, seconds in s.items()} for s in (ours, theirs))
    return Result(
        ratio=fast["bf16"] / slow["float32"],
        against="Keras/TensorFlow fit in float32",
        unit="steps a second, validation included",
        ours={
            "bf16": fast["bf16"],
            "float32": fast["float32"],
            "times as fast, float32": fast["float32"] / slow["float32"],
            "times as fast as mixed_bfloat16, bf16": fast["bf16"] / slow["bf16"],
            "times as fast as Keras on PyTorch, bf16": fast["bf16"] * median(on_torch) / STEPS,
            "times as fast, bf16, fastest runs": min(theirs["float32"]) / min(ours["bf16"]),
            **learned["ours"],
        },
        theirs={
            "bf16": slow["bf16"],
            "float32": slow["float32"],
            "Keras on PyTorch": STEPS / median(on_torch),
            **learned["theirs"],
        },
    )


def _waveforms() -> tuple[Part, Part]:
    """Both parts over the largest sample of the first."""
    train, validation = (
        simulate("xenon", rows, seed=seed, pulses="two") for seed, rows in ((1, STEPS * BATCH), (2, VALIDATION))
    )
    largest = train.features.max()

    def part(events: Events) -> Part:
        assert events.weight is not None
        return Part(
            inputs=events.features / largest,
            target=events.target.astype("float32"),
            weight=events.weight.astype("float32"),
            kind="regression",
        )

    return part(train), part(validation)


def _trained(train: Part, validation: Part, precision: Precision, *, epochs: int, seed: int = 1) -> Trained:
    settings = TrainConfig(
        epochs=epochs, batch_size=BATCH, optimizer="rmsprop", patience=None, precision=precision, device="cpu"
    )
    return train_model(
        "net", NETWORK, train, validation, settings, seed=seed, progress=Silent(), on_epoch=lambda record: None
    )


def _theirs(keras: KerasElsewhere, policy: str) -> float:
    return keras.fit(_SIZES, batch_size=BATCH, epochs=1, policy=policy)


def _learned(train: Part, validation: Part, keras: KerasElsewhere) -> dict[str, dict[str, float]]:
    """Figures on validation in the best of equally many epochs, of several first weights each."""
    bests: dict[str, list[tuple[float, float]]] = {"bf16": [], "float32": [], "same": [], "own": []}
    for seed in SEEDS:
        for precision in POLICIES:
            records = _trained(train, validation, precision, epochs=EPOCHS, seed=seed).history
            found = [(record.validation_rmse, record.validation_tolerance_accuracy) for record in records]
            bests[precision].append(
                min((rmse, share) for rmse, share in found if rmse is not None and share is not None)
            )
        for name, epsilon in EPSILONS.items():
            epochs = keras.learn(_SIZES, batch_size=BATCH, epochs=EPOCHS, seed=seed, epsilon=epsilon)
            bests[name].append(min(_figures(np.array(scores), validation) for scores in epochs))
    return {
        "ours": _summary("bf16", bests["bf16"]) | _summary("float32", bests["float32"]),
        "theirs": _summary("float32", bests["same"]) | _summary("float32, Keras's own epsilon", bests["own"]),
    }


def _figures(scores: NDArray[np.float64], validation: Part) -> tuple[float, float]:
    """RMSE and tolerance accuracy, as a training's records have them."""
    target = validation.target.astype(float)
    return float(np.sqrt(np.mean((scores - target) ** 2))), float(within_tolerance(scores, target, np).mean())


def _summary(name: str, bests: Sequence[tuple[float, float]]) -> dict[str, float]:
    squares, tolerances = zip(*bests, strict=True)
    return {
        f"RMSE, {name}": mean(squares),
        f"RMSE, {name}, lowest of {len(bests)}": min(squares),
        f"RMSE, {name}, highest of {len(bests)}": max(squares),
        f"tolerance accuracy, {name}": mean(tolerances),
    }
