"""Twelve networks of hepmass on one worker and on two; what a trial costs beside its training; memory of a worker.

``BENCH_ROWS`` and ``BENCH_EPOCHS`` make it larger than the few minutes that it takes without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter

from bench.result import Result
from bench.separable import events
from hepsieve.cache import default_cache
from hepsieve.config import PrepareConfig, TaskConfig, load_task
from hepsieve.engines import Engine, EngineOptions, in_order, open_engine
from hepsieve.engines.options import EngineName
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig
from hepsieve.prepare import Split
from hepsieve.prepare.fit import fit_preparation
from hepsieve.progress import Silent
from hepsieve.sample import divide, load_sample
from hepsieve.train.elsewhere import Order, carry_out_order
from hepsieve.train.inputs import Inputs, inputs_of
from hepsieve.train.stored_inputs import StoredInputs, store_inputs

ROWS, EPOCHS = int(os.environ.get("BENCH_ROWS", "60000")), int(os.environ.get("BENCH_EPOCHS", "3"))
ENGINES: tuple[EngineName, ...] = ("local", "dask")
EMPTY_PIECES, EMPTY_TRAININGS = 2_000, 20
SIZES = tuple(ROWS * factor for factor in (1, 4, 16))
MEBI = 2**20


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Trainings that workers of an engine shared.

    Attributes:
        engine: which one.
        workers: how many.
        start: seconds until every worker had loaded the learning library.
        wall: seconds from there to the last result.
        trainings: seconds of each training, as it measured itself.
    """

    engine: EngineName
    workers: int
    start: float
    wall: float
    trainings: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Grown:
    """One training on so many events, and the memory of its worker that is no file's, in MiB.

    Attributes:
        rows: that it learned from.
        stored: bytes of the inputs of one event.
        seconds: of one epoch.
        before: memory when the worker had loaded the learning library.
        most: the largest that was seen.
    """

    rows: int
    stored: float
    seconds: float
    before: float
    most: float


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """All that was measured.

    Attributes:
        rows: events that the twelve networks learned from.
        epochs: of each.
        scans: the twelve networks on each engine with one worker and with two.
        empty: almost empty trainings on the same.
        pieces: empty pieces of work a second, on Dask with two workers.
        grown: one network on more and more events.
    """

    rows: int
    epochs: int
    scans: tuple[Shared, ...]
    empty: tuple[Shared, ...]
    pieces: float
    grown: tuple[Grown, ...]


def measure() -> Result:
    """The smallest of the ratios that the engines reach with a second worker."""
    found = measurements()
    ratios = {engine: speed_up(found, engine) for engine in ENGINES}
    ours = {f"two workers, {engine}": ratio for engine, ratio in ratios.items()}
    for one in found.empty:
        ours[f"overhead per trial, {one.engine}, {one.workers} workers, s"] = overhead(one)
    ours["empty pieces a second, dask, 2 workers"] = found.pieces
    for size in found.grown:
        ours[f"worker's memory at {size.rows:,} events, MiB"] = size.most
    return Result(
        ratio=min(ratios.values()),
        against="one worker, twelve networks of hepmass",
        unit="times as fast, from the first submitted training to the last result",
        ours=ours,
        theirs={},
    )


def speed_up(found: Measurements, engine: EngineName) -> float:
    """How many times as fast two workers are."""
    walls = {one.workers: one.wall for one in found.scans if one.engine == engine}
    return walls[1] / walls[2]


def overhead(shared: Shared) -> float:
    """Seconds of a worker beside each training: sending it, opening its inputs, bringing the model back."""
    return (shared.workers * shared.wall - sum(shared.trainings)) / len(shared.trainings)


def measurements() -> Measurements:
    """Everything, one after the other."""
    with TemporaryDirectory() as folder:
        task = load_task("hepmass", settings=[f"simulate.rows={ROWS}", f"train.epochs={EPOCHS}", "train.patience=null"])
        parts = divide(load_sample(task, cache=default_cache(), jobs=1, progress=Silent()), task)
        scan, empty = _scan(task, parts, Path(folder)), _empty(Path(folder))
        pairs = [(engine, workers) for engine in ENGINES for workers in (1, 2)]
        shared = [_shared(engine, workers, scan, empty) for engine, workers in pairs]
        return Measurements(
            rows=len(parts.train),
            epochs=EPOCHS,
            scans=tuple(of_scan for of_scan, _, _ in shared),
            empty=tuple(of_empty for _, of_empty, _ in shared),
            pieces=shared[-1][2],
            grown=tuple(_grown(rows, Path(folder)) for rows in SIZES),
        )


def _scan(task: TaskConfig, parts: Split, folder: Path) -> list[Order]:
    """The twelve networks of the task's own scan, largest first, as they would be sent to workers."""
    orders = []
    for name, config in task.chosen(["scan"]).items():
        assert isinstance(config, MLPConfig)
        inputs = inputs_of(
            config,
            parts.train,
            parts.validation,
            prepare=task.prepare,
            settings=task.train,
            seed=task.seed,
            impute=False,
        )
        orders.append(_order(name, config, task.train, store_inputs(inputs, folder)))
    return orders


def _empty(folder: Path) -> list[Order]:
    """Trainings with next to nothing to do: what they take is what any trial costs beside its training."""
    stored = _made_up(200, folder)
    settings = TrainConfig(epochs=1, batch_size=100, patience=None, device="cpu")
    return [_order(f"empty {k}", MLPConfig(widths=(4,)), settings, stored, seed=k) for k in range(EMPTY_TRAININGS)]


def _made_up(rows: int, folder: Path) -> StoredInputs:
    train, validation = events(rows, seed=1), events(max(100, rows // 10), seed=2)
    names = tuple(f"x{k}" for k in range(train.inputs.shape[1]))
    few = Events.from_arrays(train.inputs[:100], train.target[:100] == 1, names=names)
    preparation = fit_preparation(few, PrepareConfig(scale="none"), MLPConfig())
    return store_inputs(Inputs(preparation=preparation, train=train, validation=validation), folder)


def _order(title: str, config: ModelConfig, settings: TrainConfig, stored: StoredInputs, *, seed: int = 1) -> Order:
    return Order(title=title, config=config, settings=settings, seed=seed, inputs=stored, threads=1)


def _shared(name: EngineName, workers: int, scan: list[Order], empty: list[Order]) -> tuple[Shared, Shared, float]:
    """The scan, almost empty trainings, and how many empty pieces a second, all by the same workers."""
    begin = perf_counter()
    with open_engine(EngineOptions(name=name, jobs=workers), threads=1) as engine:
        _warm(engine, empty)
        start = perf_counter() - begin
        found = []
        for orders in (scan, empty):
            begin = perf_counter()
            outcomes = list(in_order(carry_out_order, orders, engine))
            wall = perf_counter() - begin
            seconds = tuple(outcome.seconds for outcome in outcomes)
            found.append(Shared(engine=name, workers=workers, start=start, wall=wall, trainings=seconds))
        return found[0], found[1], _pieces(engine)


def _warm(engine: Engine, orders: list[Order]) -> None:
    """Let every worker load the learning library: until all of them have carried out something."""
    seen: set[int] = set()
    while len(seen) < engine.workers:
        pieces = [engine.submit(_where_carried_out, order) for order in orders[: 2 * engine.workers]]
        seen |= {piece.result() for piece in pieces}


def _where_carried_out(order: Order) -> int:
    carry_out_order(order)
    return os.getpid()


def _pieces(engine: Engine) -> float:
    """Empty pieces of work a second."""
    begin = perf_counter()
    for piece in [engine.submit(abs, number) for number in range(EMPTY_PIECES)]:
        piece.result()
    return EMPTY_PIECES / (perf_counter() - begin)


def _grown(rows: int, folder: Path) -> Grown:
    """One network on made-up events, in a worker of its own."""
    stored = _made_up(rows, folder)
    settings = TrainConfig(epochs=2, batch_size=10_000, patience=None, device="cpu")
    order = _order("grown", MLPConfig(widths=(400, 269, 138)), settings, stored)
    size = sum(path.stat().st_size for path in stored.folder.glob("*.npy"))
    with open_engine(EngineOptions(name="local", jobs=1), threads=1) as engine:
        engine.submit(carry_out_order, _empty(folder)[0]).result()
        worker = engine.submit(_own_number, 0).result()
        before = anonymous(worker)
        with _watched(worker) as seen:
            outcome = engine.submit(carry_out_order, order).result()
    seconds = median(record.seconds for record in outcome.history[1:])
    part = rows + max(100, rows // 10)
    return Grown(rows=rows, stored=size / part, seconds=seconds, before=before, most=max(seen))


def _own_number(_: int) -> int:
    return os.getpid()


def anonymous(process: int) -> float:
    """MiB of a process's memory that is no file's: what is mapped from the store does not count."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith("RssAnon"))
    return int(value) * 1024 / MEBI


@contextmanager
def _watched(process: int) -> Iterator[list[float]]:
    """The memory of a process every hundredth of a second; Linux keeps no peak of this part of it."""
    seen, over = [anonymous(process)], Event()

    def watch() -> None:
        while not over.wait(0.01):
            seen.append(anonymous(process))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
