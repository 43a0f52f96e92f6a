"""A real Dask cluster: the same results, whoever dies on the way, and one line about a cluster that can't be used."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.engines import pieces
from tests.engines.seen import PATIENCE, is_gone, read_when_there

from hepsieve.engines import DaskCluster, Engine, EngineOptions, in_order, open_engine
from hepsieve.engines import dask as ours
from hepsieve.errors import DataError, HepsieveError, WorkerLost
from hepsieve.simulate import simulate


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(EngineOptions(name="dask", jobs=2), threads=1) as engine:
        yield engine


def test_an_address_where_nobody_answers_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_PATIENCE", 1)
    begun = time.monotonic()
    with (
        pytest.raises(
            HepsieveError, match=r"--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there within 1 s"
        ),
        open_engine(EngineOptions(name="dask", scheduler="tcp://127.0.0.1:9")),
    ):
        raise AssertionError
    assert time.monotonic() - begun < PATIENCE


def test_whoever_answers_but_is_no_scheduler_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_PATIENCE", 1)
    begun, threads = time.monotonic(), set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(HepsieveError, match=rf"--scheduler {address}: no Dask scheduler answers there within 1 s"),
            open_engine(EngineOptions(name="dask", scheduler=address)),
        ):
            raise AssertionError
    assert time.monotonic() - begun < PATIENCE
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("address", ["tls://127.0.0.1:9", "tcp://127.0.0.1", "tcp://a:b:c"])
def test_an_address_that_means_nothing_gets_one_line(address: str) -> None:
    with (
        pytest.raises(HepsieveError, match=f"--scheduler {address}: no Dask scheduler answers there"),
        open_engine(EngineOptions(name="dask", scheduler=address)),
    ):
        raise AssertionError


def test_a_network_that_is_not_there_gets_one_line() -> None:
    with (
        pytest.raises(HepsieveError, match=r"--interface eth77: .*'lo'"),
        open_engine(EngineOptions(name="dask", jobs=1, interface="eth77")),
    ):
        raise AssertionError


@pytest.mark.cluster
def test_results_come_in_order(engine: Engine) -> None:
    assert list(in_order(pieces.square, range(30), engine)) == [number * number for number in range(30)]
    told = set(in_order(pieces.threads, range(8), engine))
    assert {threads for _, threads in told} == {"1"}
    assert len({process for process, _ in told} - {os.getpid()}) == 2


@pytest.mark.cluster
def test_an_error_arrives_as_itself(engine: Engine) -> None:
    with pytest.raises(DataError, match=r"^events.csv: row 3: not a number$"):
        list(in_order(pieces.refuse, [3, 4, 5], engine))


@pytest.mark.cluster
def test_what_cannot_be_sent_is_told(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)can't be sent.*SystemExit: 0"):
        engine.submit(pieces.leave, 0).result(PATIENCE)
    with pytest.raises(TypeError, match="cannot pickle"):
        engine.submit(pieces.lock, 0).result(PATIENCE)
    with pytest.raises(Exception, match=r"events.csv: row 3"):
        engine.submit(pieces.misread, 3).result(PATIENCE)


@pytest.mark.cluster
def test_the_address_of_a_worker_is_not_that_of_its_scheduler(engine: Engine) -> None:
    assert isinstance(engine, DaskCluster)
    worker = next(iter(engine.client.scheduler_info()["workers"]))
    with (
        pytest.raises(HepsieveError, match=f"--scheduler {worker}: that is a Dask Worker; give"),
        open_engine(EngineOptions(name="dask", scheduler=worker)),
    ):
        raise AssertionError


@pytest.mark.cluster
def test_what_was_not_begun_can_be_cancelled(engine: Engine, tmp_path: Path) -> None:
    marks = [tmp_path / str(number) for number in range(9)]
    busy = [engine.submit(pieces.threads, number) for number in range(20)]
    late = [engine.submit(pieces.leave_mark, mark) for mark in marks]
    assert all(future.cancel() for future in late)
    assert {future.result(PATIENCE)[1] for future in busy} == {"1"}
    assert not any(mark.exists() for mark in marks)


@pytest.mark.cluster
def test_a_piece_whose_worker_is_killed_is_done_again(engine: Engine, tmp_path: Path) -> None:
    mark = tmp_path / "process"
    again = engine.submit(pieces.wait_first, mark)
    others = [engine.submit(pieces.square, number) for number in range(8)]
    killed = read_when_there(mark)
    os.kill(killed, signal.SIGKILL)
    assert again.result(PATIENCE) not in (killed, os.getpid())
    assert [other.result(PATIENCE) for other in others] == [number * number for number in range(8)]


@pytest.mark.cluster
def test_a_piece_that_kills_its_workers_is_lost(engine: Engine) -> None:
    with pytest.raises(WorkerLost, match="the workers that worked on it died, 4 times"):
        engine.submit(pieces.die, 1).result(PATIENCE)
    assert engine.submit(pieces.square, 5).result(PATIENCE) == 25


@pytest.mark.cluster
def test_simulated_events_are_those_of_one_process(engine: Engine) -> None:
    alone, shared = (simulate("egamma", 600, seed=5, jobs=jobs) for jobs in (1, engine))
    for name in ("features", "target", "group"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))
    assert shared.origin == alone.origin


@pytest.mark.cluster
def test_an_interruption_ends_the_workers(tmp_path: Path) -> None:
    mark = tmp_path / "process"

    def interrupted() -> None:
        with open_engine(EngineOptions(name="dask", jobs=1)) as engine:
            engine.submit(pieces.tell_and_wait, mark)
            read_when_there(mark)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert is_gone(int(mark.read_text()))


@pytest.mark.cluster
def test_nothing_is_bound_outside_this_machine(engine: Engine) -> None:
    mine = [psutil.Process(), *psutil.Process().children(recursive=True)]
    bound = [place for process in mine for place in process.net_connections("inet") if place.status == "LISTEN"]
    assert len(mine) > 2
    assert {place.laddr.ip for place in bound} == {"127.0.0.1"}


@contextmanager
def running(folder: Path, *, worker_path: str | None, workers: int = 1) -> Iterator[tuple[str, int]]:
    """A cluster that somebody else started: the address and process of its scheduler."""
    told = folder / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    begin = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)]
    started = [subprocess.Popen(begin, **quiet)]
    try:
        until = time.monotonic() + PATIENCE
        while not told.exists() or not told.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        address: str = json.loads(told.read_text())["address"]
        path = os.pathsep.join(filter(None, [worker_path, *sys.path]))
        environment = {**os.environ, "PYTHONPATH": path}
        join = [*dask, "worker", address, "--host", "127.0.0.1", "--no-dashboard", "--nthreads", "2"]
        started += [subprocess.Popen(join, env=environment, **quiet) for _ in range(workers)]
        yield address, started[0].pid
    finally:
        for process in reversed(started):
            process.kill()
        for process in started:
            process.wait()


@pytest.mark.cluster
def test_a_running_cluster_is_joined_and_left_running(tmp_path: Path) -> None:
    with running(tmp_path, worker_path=None) as (address, _):
        for _ in range(2):
            with open_engine(EngineOptions(name="dask", scheduler=address)) as engine:
                assert engine.workers == 1
                assert list(in_order(pieces.square, range(10), engine)) == [number * number for number in range(10)]


@pytest.mark.cluster
def test_other_versions_are_named(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "numpy-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\n")
    with (
        running(tmp_path, worker_path=str(other.parent)) as (address, _),
        pytest.raises(HepsieveError, match=rf"numpy 1.0 instead of {np.__version__} \(tcp://127.0.0.1:\d+\); install"),
        open_engine(EngineOptions(name="dask", scheduler=address)),
    ):
        raise AssertionError


@pytest.mark.cluster
def test_a_cluster_without_workers_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, worker_path=None, workers=0) as (address, _):
        monkeypatch.setattr(ours, "_PATIENCE", 2)
        with (
            pytest.raises(HepsieveError, match="has no worker; start some with dask worker"),
            open_engine(EngineOptions(name="dask", scheduler=address)),
        ):
            raise AssertionError


@pytest.mark.cluster
def test_a_scheduler_that_goes_away_is_said(tmp_path: Path) -> None:
    with (
        running(tmp_path, worker_path=None) as (address, scheduler),
        open_engine(EngineOptions(name="dask", scheduler=address)) as engine,
    ):
        mark = tmp_path / "process"
        waiting = engine.submit(pieces.tell_and_wait, mark)
        read_when_there(mark)
        os.kill(scheduler, signal.SIGKILL)
        with pytest.raises(HepsieveError, match="scheduler is gone"):
            waiting.result(PATIENCE)
