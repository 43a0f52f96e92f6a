"""Trainings shared among workers: the same models in the same order, kept as they end, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.engines import Jobs
from hepsieve.errors import HepsieveError, TrainingError, WorkerLost
from hepsieve.events import Events
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.prepare import Split, split
from hepsieve.progress import Advance
from hepsieve.train import trainings
from hepsieve.train.elsewhere import Order, Outcome, carry_out_order
from hepsieve.train.elsewhere import trained as carried_out
from hepsieve.train.input_stores import InputStores
from hepsieve.train.run import Run, train
from hepsieve.train.threads import using_threads
from hepsieve.train.trained import Part, Trained
from hepsieve.train.unfinished import Unfinished

Work = TypeVar("Work")
Made = TypeVar("Made")

GRID: dict[str, ModelConfig] = {
    "trees": TreesConfig(rounds=4),
    "net": MLPConfig(widths=(4,), dropout=0.2),
    "wide": MLPConfig(widths=(5,)),
    "boost": AdaBoostConfig(estimators=3),
}
LARGE = MLPConfig(widths=(400, 400), batch_size=1000, epochs=1)  # above `threads.WORTH_THREADS`


class Late:
    """An engine that waits until it has so many pieces, and then carries out the last first, in this process."""

    workers = 3

    def __init__(self, pieces: int = len(GRID), *, lost: str | None = None) -> None:
        self.orders: list[Order] = []
        self.ended: list[str] = []
        self._pieces, self._lost = pieces, lost
        self._waiting: list[Callable[[], None]] = []

    def submit(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        assert isinstance(work, Order)
        title, future = work.title, Future[Made]()
        self.orders.append(work)

        def end() -> None:
            self.ended.append(title)
            try:
                if title == self._lost:
                    raise WorkerLost("the process that worked on it died, 2 times (out of memory?)")
                future.set_result(make(work))
            except HepsieveError as error:
                future.set_exception(error)

        self._waiting.append(end)
        while len(self._waiting) == self._pieces or (self._waiting and len(self.ended) % self._pieces):
            self._waiting.pop()()
        return future


class Watched:
    """A progress that says what it was told."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.notes: list[str] = []

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        self.tasks.append(description)

        def advance(amount: float = 1, note: str = "") -> None:
            if description == self.tasks[0]:
                self.notes.append(note)

        yield advance


def parts(*, folds: int | None = None, n: int = 300) -> Split:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(n, 3))
    return split(Events.from_arrays(features, features[:, 0] + rng.normal(size=n) > 0), folds=folds, seed=1)


def fit(
    divided: Split,
    jobs: Jobs,
    *,
    models: dict[str, ModelConfig] = GRID,
    unfinished: Unfinished | None = None,
    progress: Watched | None = None,
) -> tuple[Run, list[EpochRecord]]:
    """The run, and the epochs as they were told, without their times."""
    heard: list[EpochRecord] = []
    run = train(
        models,
        divided,
        prepare=PrepareConfig(),
        settings=TrainConfig(epochs=2, batch_size=50),
        seed=1,
        jobs=jobs,
        unfinished=unfinished,
        progress=progress,
        on_epoch=lambda record: heard.append(record.model_copy(update={"seconds": 0.0})),
    )
    return run, heard


def require_same(found: Run, expected: Run, divided: Split) -> None:
    assert list(found.models) == list(expected.models)
    for name, fitted in expected.models.items():
        scores = [one.scores(divided.validation) for one in (found.models[name], fitted)]
        np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("folds", [None, 3])
def test_an_engine_gives_the_same_models_and_epochs(
    folds: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    divided = parts(folds=folds)
    engine, progress = Late(), Watched()
    run, heard = fit(divided, engine, progress=progress)
    expected, told = fit(divided, 1)
    require_same(run, expected, divided)
    assert heard == told
    titles = [order.title for order in engine.orders]
    assert len(titles) == 4 * (folds or 1)
    assert engine.ended != titles  # they ended in another order than they were sent in
    assert progress.tasks == [f"{len(titles)} trainings, 3 at a time"]
    assert sorted(progress.notes) == sorted(titles)
    # All models get the same features, so there is one store for each fold; and none is left.
    assert len({order.inputs for order in engine.orders}) == (folds or 1)
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_array_is_sent(tmp_path: Path) -> None:
    engine = Late()
    fit(parts(), engine, unfinished=Unfinished(folder=tmp_path / "kept", stores=InputStores(tmp_path / "inputs")))
    for order in engine.orders:
        assert (tmp_path / "inputs").resolve() in order.inputs.folder.parents
        assert not any(isinstance(value, np.ndarray) for value in vars(order).values())
        assert order.checkpoint is not None
        assert (tmp_path / "kept").resolve() in order.checkpoint.parents


def test_what_ended_is_kept_though_an_earlier_one_failed(tmp_path: Path) -> None:
    kept = Unfinished(folder=tmp_path / "kept", stores=InputStores(tmp_path / "inputs"))
    with pytest.raises(WorkerLost, match=r"^net: the process that worked on it died"):
        fit(parts(), Late(lost="net"), unfinished=kept)
    taken: list[str] = []
    again = Unfinished(folder=tmp_path / "kept", taken=taken.append, stores=InputStores(tmp_path / "inputs"))
    engine = Late(1)
    run, heard = fit(parts(), engine, unfinished=again)
    assert taken == ["trees", "wide", "boost"]
    assert [order.title for order in engine.orders] == ["net"]
    expected, told = fit(parts(), 1)
    require_same(run, expected, parts())
    assert heard == told
    again.forget()
    del kept
    assert not any((tmp_path / "kept").iterdir())


class Killed(Late):
    """An engine in whose run the power fails, when one training is half done."""

    half: Trained

    def submit(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        assert isinstance(work, Order)
        if work.title == "net":
            self.half = carried_out(replace(work, share=0.5))
            raise KeyboardInterrupt
        return super().submit(make, work)


def test_what_a_worker_had_begun_goes_on_where_it_was(tmp_path: Path) -> None:
    def kept() -> Unfinished:
        return Unfinished(folder=tmp_path / "kept", stores=InputStores(tmp_path / "inputs"))

    killed = Killed()
    with pytest.raises(KeyboardInterrupt):
        fit(parts(), killed, unfinished=kept())
    (store,) = (path for path in (tmp_path / "inputs").iterdir() if path.is_dir())
    written = store.stat().st_ino
    again = kept()
    run, heard = fit(parts(), Late(), unfinished=again)
    assert store.stat().st_ino == written
    history = run.models["net"].members[0].trained.history
    assert [record.seconds for record in history[:1]] == [record.seconds for record in killed.half.history]
    expected, told = fit(parts(), 1)
    require_same(run, expected, parts())
    assert heard == told
    again.forget()
    assert not (tmp_path / "inputs").exists()


def test_the_first_of_several_failures_is_told() -> None:
    wild = {f"wild {k}": MLPConfig(widths=(4,), learning_rate=1e30) for k in range(3)}
    with pytest.raises(TrainingError, match=r"^wild 0: epoch 1"):
        fit(parts(), Late(), models={"trees": GRID["trees"], **wild})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of trainings that processes of this machine would carry out; here it is this one."""
    titles: list[str] = []

    class Near:
        def __init__(self, workers: int, *, threads: int | None = None) -> None:
            self.workers = workers

        def __enter__(self) -> Near:
            return self

        def __exit__(self, *exception: object) -> None:
            pass

        def submit(self, make: Callable[[Order], Outcome], work: Order) -> Future[Outcome]:
            assert make is carry_out_order
            titles.append(work.title)
            future: Future[Outcome] = Future()
            future.set_result(make(work))
            return future

    monkeypatch.setattr(trainings, "LocalEngine", Near)
    return titles


def test_processes_are_begun_where_they_are_of_use(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    divided = parts()
    fit(divided, 2)
    assert sent == []  # all of this takes less time than a process takes to begin
    fit(parts(folds=3), 2, models={"trees": GRID["trees"]})
    assert len(sent) == 3
    monkeypatch.setattr(trainings, "_WORTH_A_PROCESS", 0)
    sent.clear()
    fit(divided, 2, models={"trees": GRID["trees"]})
    assert sent == []  # nothing to share
    models = {"trees": GRID["trees"], "large": LARGE, "net": GRID["net"], "boost": GRID["boost"]}
    with using_threads(2):
        run, heard = fit(divided, 2, models=models)
        assert sent == ["trees", "net", "boost"]  # the large one uses all cores by itself
        expected, told = fit(divided, 1, models=models)
    require_same(run, expected, divided)
    assert heard == told
    sent.clear()
    with using_threads(1):
        fit(divided, 2, models=models)
    assert sent == list(models)


def test_the_work_of_a_training_is_counted_roughly() -> None:
    part = fit_part(1000)
    settings = TrainConfig(epochs=10)
    # 4 · 3 + 4 weights and biases, and 4 + 1 for the logit: 21 products an event, as many again twice backwards.
    assert trainings.work(MLPConfig(widths=(4,)), settings, part) == 3 * 21 * 1000 * 10
    trees = TreesConfig(rounds=7, max_depth=5)
    assert trainings.work(trees, settings, part) == 7 * 5 * 3000 * 20
    assert trainings.work(AdaBoostConfig(estimators=7, depth=2), settings, part) == 7 * 2 * 3000 * 20


def fit_part(n: int) -> Part:
    return Part(np.zeros((n, 3), np.float32), np.zeros(n, np.float32), np.ones(n, np.float32))
