"""Trainings that do not depend on each other, carried out one by one or shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from hepsieve.engines import DaskCluster, Engine, Jobs, LocalEngine, workers_of
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, ModelConfig, Network, TrainConfig, TreesConfig
from hepsieve.progress import Progress
from hepsieve.train.arithmetic import multiplications
from hepsieve.train.dispatch import train_model
from hepsieve.train.input_stores import InputStores, passing_stores
from hepsieve.train.objective import needs_cluster
from hepsieve.train.sent import Sent
from hepsieve.train.threads import WORTH_THREADS, thread_count
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished

# With more values (events times features) a training uses several threads.
_LARGE = 2_000_000
# A new process takes seconds to load a learning library, in which a core does so many multiplications and additions.
_WORTH_A_PROCESS = 5 * 10**10
_BACKWARD = 3  # products of forward and backward pass for one of the forward pass
_VALUE = 20  # products in whose time a tree takes in one value at one depth


def is_small(config: ModelConfig, settings: TrainConfig, part: Part) -> bool:
    """Whether one core is all that a training on these events uses."""
    if settings.processes > 1 and isinstance(config, Network) and config.backend == "torch":
        return False
    if thread_count() == 1:
        return True
    if isinstance(config, Network):
        shape = part.inputs.shape[1:]
        if multiplications(config, shape) * config.own(settings).batch_size >= WORTH_THREADS:
            return False
    return part.inputs.size < _LARGE


def work(config: ModelConfig, settings: TrainConfig, part: Part) -> int:
    """Products of two numbers, very roughly, in whose time a training is over that nothing stops early."""
    match config:
        case TreesConfig():
            return config.rounds * config.max_depth * part.inputs.size * _VALUE
        case AdaBoostConfig():
            return config.estimators * config.depth * part.inputs.size * _VALUE
        case _:
            epochs = config.own(settings).epochs
            return _BACKWARD * multiplications(config, part.inputs.shape[1:]) * len(part) * epochs


def carry_out(
    trainings: Iterable[Training],
    *,
    number: int,
    jobs: Jobs,
    unfinished: Unfinished | None = None,
    progress: Progress,
    on_epoch: OnEpoch,
) -> Iterator[tuple[Training, Trained]]:
    """Every training with its trained model, in their order; the same for any jobs.

    What a training gets is written into a folder that other processes open; nothing of it is sent to them.

    Args:
        trainings: what to train; taken up one by one.
        number: how many they are.
        jobs: who shares them. An engine gets them all; of several processes of this machine those are made use of for
            folds, and for models that take longer than a process takes to begin, if one core is all that they use. A
            script must guard its main part with ``if __name__ == "__main__":`` then.
        unfinished: where finished trainings and their inputs are kept, and taken from.
        progress: one line per training, and one for all when they are shared.
        on_epoch: hears of every epoch, in the order of the trainings.

    Raises:
        TrainingError: if a training fails; of several that do, the first in their order is told.
    """
    if jobs == 1 or (isinstance(jobs, int) and number == 1):
        for training in trainings:
            yield training, _here(training, unfinished, progress, on_epoch)
        return
    with (
        _engine(jobs, number) as engine,
        _stores(unfinished) as stores,
        progress.task(f"{number} trainings, {workers_of(engine)} at a time", number) as advance,
        Sent(engine, stores, unfinished, lambda title: advance(1, title)) as sent,
    ):
        for training in trainings:
            if needs_cluster(training.config) or (isinstance(jobs, int) and not _shared(training)):
                # It uses all cores, or all workers: nobody else should be at work meanwhile.
                yield from _told(sent.finish(), on_epoch)
                cluster = jobs if isinstance(jobs, DaskCluster) else None
                yield training, _here(training, unfinished, progress, on_epoch, cluster)
                advance(1, training.title)
                continue
            sent.send(training)
            yield from _told(sent.ready(), on_epoch)
        yield from _told(sent.finish(), on_epoch)


def _shared(training: Training) -> bool:
    """Whether a process of its own is of any use to it."""
    if not is_small(training.config, training.settings, training.train):
        return False
    return training.fold is not None or work(training.config, training.settings, training.train) >= _WORTH_A_PROCESS


def _engine(jobs: Jobs, number: int) -> AbstractContextManager[Engine]:
    """Processes that begin with the first training that is sent; or an engine that is somebody else's to end."""
    if not isinstance(jobs, int):
        return nullcontext(jobs)
    return LocalEngine(min(jobs, number), threads=thread_count())


def _stores(unfinished: Unfinished | None) -> AbstractContextManager[InputStores]:
    if unfinished is None or unfinished.stores is None:
        return passing_stores()
    return nullcontext(unfinished.stores)


def _here(
    training: Training,
    unfinished: Unfinished | None,
    progress: Progress,
    on_epoch: OnEpoch,
    cluster: DaskCluster | None = None,
) -> Trained:
    """Taken over, or trained in this process."""
    heard = _titled(training, on_epoch)
    workers = 1 if cluster is None or not needs_cluster(training.config) else cluster.workers
    trained = None if unfinished is None else unfinished.take(training, workers=workers)
    if trained is not None:
        for record in trained.history:
            heard(record)
        return trained
    trained = train_model(
        training.title,
        training.config,
        training.train,
        training.validation,
        training.settings,
        seed=training.seed,
        start=training.inputs.start,
        checkpoint=None if unfinished is None else unfinished.checkpoint(training),
        cluster=cluster,
        progress=progress,
        on_epoch=heard,
    )
    if unfinished is not None:
        unfinished.keep(training, trained, workers=workers)
    return trained


def _told(done: Iterable[tuple[Training, Trained]], on_epoch: OnEpoch) -> Iterator[tuple[Training, Trained]]:
    for training, trained in done:
        heard = _titled(training, on_epoch)
        for record in trained.history:
            heard(record)
        yield training, trained


def _titled(training: Training, on_epoch: OnEpoch) -> Callable[[EpochRecord], None]:
    """Records under the model's own name, with the fold beside it; of a candidate none, until it is chosen."""
    if training.is_candidate:
        return lambda record: None
    if training.fold is None:
        return on_epoch
    named = {"model": training.name, "fold": training.fold}
    return lambda record: on_epoch(record.model_copy(update=named))
