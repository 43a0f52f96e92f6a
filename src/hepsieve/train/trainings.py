"""Trainings that do not depend on each other, carried out one by one or shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hepsieve.history import EpochRecord
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig
from hepsieve.models.load import load_model
from hepsieve.models.mlp import parameter_count
from hepsieve.processes import in_order
from hepsieve.progress import Progress, Silent
from hepsieve.train.dispatch import train_model
from hepsieve.train.threads import WORTH_THREADS
from hepsieve.train.trained import OnEpoch, Part, Trained

# With more values a training uses several threads, and its events are not worth copying.
_LARGE = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """One training: what ``train_model`` takes, and which fold it belongs to (counted from 1; None without folds)."""

    name: str
    fold: int | None
    folds: int | None
    config: ModelConfig
    train: Part
    validation: Part
    settings: TrainConfig
    seed: int

    @property
    def title(self) -> str:
        """What it is called where it is shown."""
        return self.name if self.fold is None else f"{self.name}, fold {self.fold} of {self.folds}"

    def is_small(self) -> bool:
        """Whether one core is all that it uses."""
        width = self.train.inputs.shape[1]
        wide = isinstance(self.config, MLPConfig) and (
            parameter_count(self.config, width) * self.settings.batch_size >= WORTH_THREADS
        )
        return self.train.inputs.size < _LARGE and not wide


@dataclass(frozen=True, kw_only=True, eq=False)
class _Outcome:
    """A training that another process carried out: the files of its model, and how it went."""

    files: dict[str, bytes]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...]


def carry_out(trainings: Sequence[Training], *, jobs: int, progress: Progress, on_epoch: OnEpoch) -> Iterator[Trained]:
    """The trained models in the order of the trainings; the same for any number of jobs.

    Args:
        trainings: what to train, at least one.
        jobs: processes to share the trainings among, where all are small. With more than one, a script must guard its
            main part with ``if __name__ == "__main__":``.
        progress: one line per training, or one for all when they are shared.
        on_epoch: hears of every epoch, in the order of the trainings.
    """
    if min(jobs, len(trainings)) == 1 or not all(training.is_small() for training in trainings):
        for training in trainings:
            yield _train(training, progress, _titled(training, on_epoch))
        return
    with progress.task(f"{len(trainings)} trainings, {jobs} at a time", len(trainings)) as advance:
        for training, outcome in zip(trainings, in_order(_elsewhere, trainings, jobs), strict=True):
            advance(1, training.title)
            yield _back(training, outcome, _titled(training, on_epoch))


def _train(training: Training, progress: Progress, on_epoch: OnEpoch) -> Trained:
    return train_model(
        training.title,
        training.config,
        training.train,
        training.validation,
        training.settings,
        seed=training.seed,
        progress=progress,
        on_epoch=on_epoch,
    )


def _titled(training: Training, on_epoch: OnEpoch) -> Callable[[EpochRecord], None]:
    """Records under the model's own name, with the fold beside it."""
    if training.fold is None:
        return on_epoch
    named = {"model": training.name, "fold": training.fold}
    return lambda record: on_epoch(record.model_copy(update=named))


def _elsewhere(training: Training) -> _Outcome:
    """Carried out in a process of its own; the model comes back as the files that a run folder holds."""
    trained = _train(training, Silent(), lambda record: None)
    with TemporaryDirectory() as folder:
        trained.model.save(Path(folder))
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return _Outcome(
        files=files,
        history=trained.history,
        best_epoch=trained.best_epoch,
        seconds=trained.seconds,
        warnings=trained.warnings,
    )


def _back(training: Training, outcome: _Outcome, on_epoch: OnEpoch) -> Trained:
    with TemporaryDirectory() as folder:
        for name, content in outcome.files.items():
            (Path(folder) / name).write_bytes(content)
        model = load_model(training.config, Path(folder), training.train.inputs.shape[1])
    for record in outcome.history:
        on_epoch(record)
    return Trained(
        model=model,
        history=outcome.history,
        best_epoch=outcome.best_epoch,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
    )
