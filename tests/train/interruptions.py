"""Trainings that are interrupted over and over, and what must come out equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from hepsieve.history import EpochRecord
from hepsieve.models.config import (
    CNNConfig,
    MLPConfig,
    ModelConfig,
    Piecewise,
    ResNetConfig,
    TabMConfig,
    TrainConfig,
    WaveCNNConfig,
)
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, batches, train_model
from hepsieve.train.autograd import AutogradNetwork
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.fused import FusedNetwork
from hepsieve.train.trained import OnEpoch

BATCH = 40
SETTINGS = {"epochs": 4, "batch_size": BATCH, "learning_rate": 0.02, "device": "cpu"}


class Cut(Exception):
    """What ends a process in the middle of a training."""


@dataclass(frozen=True)
class Case:
    """A training whose every part must go on where it was."""

    config: ModelConfig
    events: str = "toy"
    settings: dict[str, Any] = field(default_factory=dict)

    def chosen(self) -> TrainConfig:
        """All its settings."""
        return TrainConfig.model_validate({**SETTINGS, **self.settings})


SMALL = MLPConfig(widths=(8, 4))
DROPOUT = MLPConfig(widths=(8, 4), dropout=0.3)
CASES = {
    "fused": Case(SMALL, settings={"weight_decay": 0.01}),
    "dropout": Case(DROPOUT),
    "early stop": Case(
        SMALL,
        settings={"schedule": {"kind": "plateau", "patience": 1}, "learning_rate": 0.2, "epochs": 9, "patience": 2},
    ),
    "bf16": Case(SMALL, settings={"precision": "bf16", "schedule": {"kind": "cosine"}}),
    "bf16 dropout": Case(DROPOUT, settings={"precision": "bf16", "weight_decay": 0.01}),
    "one cycle": Case(
        SMALL, settings={"optimizer": "rmsprop", "momentum": 0.5, "schedule": {"kind": "one_cycle"}, "ema": 0.9}
    ),
    "sgd": Case(
        MLPConfig(widths=(8, 4), activation="tanh"), settings={"optimizer": "sgd", "momentum": 0.9, "monitor": "auc"}
    ),
    "images": Case(
        ResNetConfig(filters=(2,), blocks=(1,), dropout=0.2),
        "showers",
        {"flips": ("rows", "columns"), "epochs": 3, "ema": 0.9},
    ),
    "convolutions": Case(CNNConfig(filters=(2,), dense=(4,)), "showers", {"flips": ("rows",), "epochs": 3}),
    "members": Case(TabMConfig(members=3, width=8, dropout=0.3), settings={"precision": "bf16", "weight_decay": 0.01}),
    "residual members": Case(
        TabMConfig(
            members=2, blocks=1, width=8, residual=True, normalisation="layer", embedding=Piecewise(bins=3, size=2)
        )
    ),
    "line": Case(MLPConfig(widths=(8, 4), loss="huber"), "line"),
    "widths": Case(MLPConfig(widths=(8, 4), loss="gaussian", dropout=0.1), "line"),
    "waveforms": Case(WaveCNNConfig(filters=4, pool=8, dense=8, loss="gaussian", dropout=0.2), "pulses", {"epochs": 3}),
}


def fit(
    case: Case,
    parts: tuple[Part, Part],
    *,
    checkpoint: Checkpoint | None = None,
    share: float = 1.0,
    on_epoch: OnEpoch = lambda record: None,
) -> Trained:
    """The training of a case."""
    return train_model(
        "net",
        case.config,
        *parts,
        case.chosen(),
        seed=1,
        checkpoint=checkpoint,
        share=share,
        progress=Silent(),
        on_epoch=on_epoch,
    )


def figures(trained: Trained) -> list[EpochRecord]:
    """The history without its times."""
    return [record.model_copy(update={"seconds": 0.0}) for record in trained.history]


def content(trained: Trained, folder: Path) -> dict[str, bytes]:
    """The files of the model."""
    folder.mkdir(parents=True)
    trained.model.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same(one: Trained, other: Trained, folder: Path) -> None:
    """That two trainings differ in nothing but their times."""
    assert figures(one) == figures(other)
    assert one.best_epoch == other.best_epoch
    assert one.warnings == other.warnings
    assert content(one, folder / "one") == content(other, folder / "other")


@contextmanager
def small_blocks(part: Part, *, batches_each: int = 2) -> Iterator[None]:
    """Inside, a block has only so many batches, as it has where the data are large."""
    values = batches_each * BATCH * math.prod(part.inputs.shape[1:])
    with patch.object(batches, "_VALUES_AT_ONCE", values):
        yield


@contextmanager
def cut_at(step: int) -> Iterator[None]:
    """Inside, a training ends in the middle of this step of its optimiser, counted from 1."""
    taken = 0

    def cutting(original: Any) -> Any:
        def stepped(*arguments: Any) -> None:
            nonlocal taken
            taken += 1
            original(*arguments)  # the weights have moved, which nobody has heard of yet
            if taken == step:
                raise Cut

        return stepped

    with (
        patch.object(FusedNetwork, "step", cutting(FusedNetwork.step)),
        patch.object(AutogradNetwork, "step", cutting(AutogradNetwork.step)),
    ):
        yield


def fit_with_cuts(case: Case, parts: tuple[Part, Part], checkpoint: Checkpoint, steps: Iterable[int]) -> Trained:
    """The training of a case by several processes, each of which ends after so many steps; the last is not cut."""
    for step in steps:
        with cut_at(step):
            try:
                return fit(case, parts, checkpoint=checkpoint)
            except Cut:
                continue
    return fit(case, parts, checkpoint=checkpoint)


def random_steps(seed: int, *, most: int, number: int) -> list[int]:
    """After how many steps each process is cut."""
    return [int(step) for step in np.random.default_rng(seed).integers(1, most + 1, number)]
