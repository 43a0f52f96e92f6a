"""Trainings that do not depend on each other, carried out one by one or shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hepsieve.events import Events
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, Network, TrainConfig
from hepsieve.models.load import load_model
from hepsieve.processes import in_order
from hepsieve.progress import Progress, Silent
from hepsieve.train.arithmetic import multiplications
from hepsieve.train.dispatch import train_model
from hepsieve.train.threads import WORTH_THREADS
from hepsieve.train.trained import OnEpoch, Trained
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished

# With more values (events times features) a training uses several threads, and its events are not worth copying.
_LARGE = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class _Outcome:
    """A training that another process carried out: the files of its model, and how it went."""

    files: dict[str, bytes]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...]


def is_small(config: ModelConfig, settings: TrainConfig, events: Events) -> bool:
    """Whether one core is all that a training on these events uses, and copying them costs nothing."""
    if isinstance(config, Network):
        shape = events.features.shape[1:]
        if multiplications(config, shape) * config.own(settings).batch_size >= WORTH_THREADS:
            return False
    return events.features.size < _LARGE


def carry_out(
    trainings: Iterable[Training],
    *,
    jobs: int,
    unfinished: Unfinished | None = None,
    progress: Progress,
    on_epoch: OnEpoch,
) -> Iterator[tuple[Training, Trained]]:
    """Every training with its trained model, in their order; the same for any number of jobs.

    Args:
        trainings: what to train; taken up one by one where they are not shared.
        jobs: processes to share the trainings among, which should be small. With more than one, a script must guard
            its main part with ``if __name__ == "__main__":``.
        unfinished: where finished trainings are kept, and taken from.
        progress: one line per training, or one for all when they are shared.
        on_epoch: hears of every epoch, in the order of the trainings.
    """
    if jobs == 1:
        for training in trainings:
            heard = _titled(training, on_epoch)
            trained = _taken(training, unfinished, heard)
            if trained is None:
                trained = _train(training, progress, heard, unfinished)
                _keep(training, trained, unfinished)
            yield training, trained
        return
    shared = list(trainings)
    taken = [_taken(training, unfinished, _titled(training, on_epoch)) for training in shared]
    missing = [training for training, trained in zip(shared, taken, strict=True) if trained is None]
    with progress.task(f"{len(shared)} trainings, {jobs} at a time", len(shared)) as advance:
        outcomes = in_order(_elsewhere, missing, jobs) if missing else iter(())
        for training, before in zip(shared, taken, strict=True):
            trained = before
            if trained is None:
                trained = _back(training, next(outcomes), _titled(training, on_epoch))
                _keep(training, trained, unfinished)
            advance(1, training.title)
            yield training, trained


def _taken(training: Training, unfinished: Unfinished | None, on_epoch: OnEpoch) -> Trained | None:
    """What an interrupted run left of this training; its epochs are told again."""
    trained = None if unfinished is None else unfinished.take(training)
    if trained is not None:
        for record in trained.history:
            on_epoch(record)
    return trained


def _keep(training: Training, trained: Trained, unfinished: Unfinished | None) -> None:
    if unfinished is not None:
        unfinished.keep(training, trained)


def _train(training: Training, progress: Progress, on_epoch: OnEpoch, unfinished: Unfinished | None = None) -> Trained:
    return train_model(
        training.title,
        training.config,
        training.train,
        training.validation,
        training.settings,
        seed=training.seed,
        checkpoint=None if unfinished is None else unfinished.checkpoint(training),
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
        model = load_model(training.config, Path(folder), training.train.inputs.shape[1:])
    for record in outcome.history:
        on_epoch(record)
    return Trained(
        model=model,
        history=outcome.history,
        best_epoch=outcome.best_epoch,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
    )
