"""RankOrder: one training as the processes that share it find it in a folder, and what they leave there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hepsieve.history import EpochRecord
from hepsieve.models.config import Frozen, ModelConfig, TrainConfig
from hepsieve.models.mlp import Weights
from hepsieve.models.weights import load_arrays, save_arrays
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.objective import Kind
from hepsieve.train.raw_rows import ARRAY, DESCRIBED, RawRows
from hepsieve.train.trained import Part

_ORDER = "order.json"
_START = "start.safetensors"
_ARRAYS = ("inputs", "target", "weight")


class RankOrder(Frozen):
    """A training that several processes share.

    Attributes:
        name: what it is called where it is shown.
        config: which model.
        settings: how it is trained; ``processes`` says by how many, ``device`` where: ``cpu`` or ``cuda``.
        seed: of everything random.
        kind: of the targets.
        checkpoint: the folder of its states; None keeps none.
        every: the fewest seconds between two states.
        share: of the whole training after which it pauses.
    """

    name: str
    config: ModelConfig
    settings: TrainConfig
    seed: int
    kind: Kind
    checkpoint: Path | None
    every: Annotated[float, Field(ge=0)]
    share: float

    def write(self, folder: Path, *, train: Part, validation: Part, start: Weights | None = None) -> None:
        """Put it, what is learned from and the weights to begin with into this folder."""
        (folder / _ORDER).write_text(self.model_dump_json(), encoding="utf-8")
        for name, part in (("train", train), ("validation", validation)):
            for array in _ARRAYS:
                np.save(folder / f"{name}-{array}.npy", getattr(part, array), allow_pickle=False)
        if start is not None:
            save_arrays(start, folder / _START)
        if train.raw is not None:
            np.save(folder / ARRAY, train.raw.features, allow_pickle=False)
            (folder / DESCRIBED).write_text(train.raw.described, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> RankOrder:
        """The order in this folder."""
        return cls.model_validate_json((folder / _ORDER).read_text(encoding="utf-8"))

    def part(self, folder: Path, name: Literal["train", "validation"]) -> Part:
        """A part of the data, memory-mapped: no process reads more of it than its share."""
        arrays = {array: np.load(folder / f"{name}-{array}.npy", mmap_mode="r") for array in _ARRAYS}
        return Part(**arrays, kind=self.kind, raw=RawRows.read(folder) if name == "train" else None)

    def start(self, folder: Path) -> Weights | None:
        """The weights to begin with; None draws them."""
        return load_arrays(folder / _START) if (folder / _START).exists() else None

    def kept(self) -> Checkpoint | None:
        """Where the states are."""
        return None if self.checkpoint is None else Checkpoint(folder=self.checkpoint, every=self.every)


class Heard(Frozen):
    """A line of what the first process says on the way: an epoch, or a sentence about the checkpoint."""

    epoch: EpochRecord | None = None
    told: str | None = None


class RankOutcome(Frozen):
    """How a shared training went; its model lies beside it."""

    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...]


class Lost(Frozen):
    """The first process that ended before its time.

    Attributes:
        rank: from 0.
        status: how it ended; below 0 the signal that killed it.
    """

    rank: int
    status: int


def model_of(folder: Path) -> Path:
    """The folder of the trained model."""
    return folder / "model"


def outcome_of(folder: Path) -> Path:
    """The file that says how it went; it is there when all is."""
    return folder / "outcome.json"


def heard_of(folder: Path) -> Path:
    """The file of lines (``Heard``) that grows as the training goes on."""
    return folder / "heard.jsonl"


def error_of(folder: Path, rank: int) -> Path:
    """What a process says that can't go on: one line for the user."""
    return folder / f"error-{rank}.txt"


def fault_of(folder: Path, rank: int) -> Path:
    """The traceback of a process that met something that should not happen."""
    return folder / f"fault-{rank}.txt"


def lost_of(folder: Path) -> Path:
    """What torchrun knows about the first process that ended before its time."""
    return folder / "lost.json"
