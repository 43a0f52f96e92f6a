"""Trainings kept until their run is finished, so that an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.history import EpochRecord
from hepsieve.manifest import new_folder, package_versions, verify
from hepsieve.models.config import ModelConfig
from hepsieve.models.load import load_model
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.input_stores import InputStores
from hepsieve.train.threads import thread_count
from hepsieve.train.trained import Trained
from hepsieve.train.training import Training

_FORMAT = 1
_OUTCOME = "outcome.json"
_MODEL = "model"
FORGOTTEN = 30 * 24 * 3600.0
"""Seconds after which nobody comes back to a run."""


class _Outcome(BaseModel):
    """How a training went; its model lies beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A folder of trainings, each under a name that says what its result depends on.

    Data, preparation, model, settings, seed, threads, workers that share it, hardware, package versions and our own
    code make the name: what is taken from here is what the training would give again.

    Attributes:
        folder: where they are kept.
        taken: hears of every training that is taken from here.
        told: hears, in a sentence, where a training goes on inside, and of every damaged state.
        stores: where the inputs of trainings that are carried out elsewhere are written; a temporary folder if None.
    """

    folder: Path
    taken: Callable[[str], None] = lambda title: None
    told: Callable[[str], None] = lambda sentence: None
    stores: InputStores | None = None
    _used: list[Path] = field(default_factory=list)

    def take(self, training: Training, *, workers: int = 1) -> Trained | None:
        """The result of this training, by so many workers together, if it was finished before."""
        folder = self._place(training, workers)
        trained = read_trained(folder, training.config, training.train.inputs.shape[1:])
        if trained is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self.taken(training.title)
        return trained

    def keep(self, training: Training, trained: Trained, *, workers: int = 1) -> None:
        """Keep a finished training, by so many workers together; its checkpoint is no longer needed."""
        # Another process may have done the same training; and a full disk is no reason to lose this one.
        with suppress(HepsieveError):
            write_trained(trained, self._place(training, workers))
        self.checkpoint(training).discard()

    def checkpoint(self, training: Training) -> Checkpoint:
        """Where this training keeps its state."""
        place = self._place(training)
        return Checkpoint(folder=place.with_name(f"{place.name}-epochs"), told=self.told)

    def forget(self) -> None:
        """Remove what this run used, and what others left here long ago: the run is finished."""
        for place in self._used:
            shutil.rmtree(place, ignore_errors=True)
            Checkpoint(folder=place.with_name(f"{place.name}-epochs")).discard()
        if self.stores is not None:
            self.stores.forget()
        for place in self.folder.glob("*"):
            with suppress(OSError):  # another run may remove it too
                if time.time() - place.stat().st_mtime > FORGOTTEN:
                    shutil.rmtree(place)

    def _place(self, training: Training, workers: int = 1) -> Path:
        content = [
            _FORMAT,
            package_versions(),
            our_code(),
            hardware(),
            thread_count(),
            workers,
            training.inputs.fingerprint,
            training.name,
            training.fold,
            training.folds,
            training.seed,
            training.preparation.model_dump(mode="json"),
            training.config.model_dump(mode="json"),
            training.settings.model_dump(mode="json"),
        ]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
        place = self.folder / digest
        if place not in self._used:
            self._used.append(place)
        return place


def write_trained(trained: Trained, path: Path) -> None:
    """A training's result as a folder, which must not exist yet.

    Raises:
        HepsieveError: if it can't be written.
    """
    outcome = _Outcome(
        history=trained.history, best_epoch=trained.best_epoch, seconds=trained.seconds, warnings=trained.warnings
    )
    with new_folder(path) as folder:
        (folder / _MODEL).mkdir()
        trained.model.save(folder / _MODEL)
        (folder / _OUTCOME).write_text(outcome.model_dump_json(), encoding="utf-8")


def read_trained(folder: Path, config: ModelConfig, shape: tuple[int, ...]) -> Trained | None:
    """What `write_trained` wrote; None where nothing is, or something else.

    Args:
        folder: where it is.
        config: the model's.
        shape: of the inputs of one event.
    """
    try:
        verify(folder)
        outcome = _Outcome.model_validate_json((folder / _OUTCOME).read_text(encoding="utf-8"))
        model = load_model(config, folder / _MODEL, shape)
    except (IntegrityError, OSError, ValidationError):
        return None
    return Trained(
        model=model,
        history=outcome.history,
        best_epoch=outcome.best_epoch,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
    )


@cache
def our_code(*more: str) -> str:
    """Changes with whatever a training runs through, and with the code in these rooms."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for room in ("models", "prepare", "train", *more):
        for source in sorted((package / room).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


@cache
def hardware() -> str:
    """What decides how numbers are rounded: the processor's features, and which GPU may be used."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    gpus = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    return f"{platform.machine()} {flags} {gpus} {os.environ.get('CUDA_VISIBLE_DEVICES')}"
