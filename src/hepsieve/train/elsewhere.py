"""One training as it is sent to another process, carried out there, and what comes back: no array in either."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, TrainConfig
from hepsieve.models.load import load_model
from hepsieve.progress import Silent
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.dispatch import train_model
from hepsieve.train.stored_inputs import StoredInputs
from hepsieve.train.threads import thread_count, using_threads
from hepsieve.train.trained import Trained

# A worker of a cluster that somebody else began may have several threads; the generators that learning libraries draw
# from are the process's.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Order:
    """A training for another process.

    Attributes:
        title: what it is called where it is shown.
        config: which model.
        settings: how networks are trained.
        seed: of everything random.
        inputs: what is learned from and watched.
        checkpoint: the folder of its states; None keeps none.
        share: of the whole training after which it pauses; a later order with the same checkpoint goes on from there.
        threads: that it may use, which the last bits of its result depend on; if not given, as many as a training may
            use in the process that makes the order.
    """

    title: str
    config: ModelConfig
    settings: TrainConfig
    seed: int
    inputs: StoredInputs
    checkpoint: Path | None = None
    share: float = 1.0
    threads: int = field(default_factory=thread_count)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A training that another process carried out: the files of its model, and how it went."""

    files: dict[str, bytes]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...]


def trained(order: Order) -> Trained:
    """The training of an order, carried out in this process; its result is the same in any.

    Raises:
        IntegrityError: if its inputs are not what they were, or can't be seen from here.
        TrainingError: as `train_model` says.
    """
    with _ONE_AT_A_TIME, using_threads(order.threads):
        inputs = order.inputs.mapped()
        return train_model(
            order.title,
            order.config,
            inputs.train,
            inputs.validation,
            order.settings,
            seed=order.seed,
            start=inputs.start,
            checkpoint=None if order.checkpoint is None else Checkpoint(folder=order.checkpoint),
            share=order.share,
            progress=Silent(),
            on_epoch=lambda record: None,
        )


def carry_out_order(order: Order) -> Outcome:
    """Carried out in a process of its own; the model comes back as the files that a run folder holds."""
    done = trained(order)
    with TemporaryDirectory() as folder:
        done.model.save(Path(folder))
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return Outcome(
        files=files,
        history=done.history,
        best_epoch=done.best_epoch,
        seconds=done.seconds,
        warnings=done.warnings,
    )


def brought_back(outcome: Outcome, config: ModelConfig, shape: tuple[int, ...]) -> Trained:
    """The result of a training that another process carried out.

    Args:
        outcome: what came back.
        config: the model's.
        shape: of the inputs of one event.
    """
    with TemporaryDirectory() as folder:
        for name, content in outcome.files.items():
            (Path(folder) / name).write_bytes(content)
        model = load_model(config, Path(folder), shape)
    return Trained(
        model=model,
        history=outcome.history,
        best_epoch=outcome.best_epoch,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
    )
