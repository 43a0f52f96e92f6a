"""Processes of this machine: the same results in the same order, whoever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from tests.engines import pieces
from tests.engines.seen import PATIENCE, is_gone, read_when_there

from hepsieve.engines import EngineOptions, LocalEngine, in_order, open_engine, workers_of
from hepsieve.errors import DataError, HepsieveError, WorkerLost


def test_results_come_in_order_from_any_number_of_processes() -> None:
    expected = [number * number for number in range(20)]
    for jobs in (1, 2):
        assert list(in_order(pieces.square, range(20), jobs)) == expected
    with open_engine(EngineOptions(name="local", jobs=2)) as engine:
        assert list(in_order(pieces.square, range(20), engine)) == expected
        assert list(in_order(pieces.square, [7], engine)) == [49]
        assert workers_of(engine) == 2


def test_every_process_is_told_its_threads() -> None:
    with open_engine(EngineOptions(name="local", jobs=2), threads=3) as engine:
        told = set(in_order(pieces.threads, range(6), engine))
    assert {threads for _, threads in told} == {"3"}
    assert len({process for process, _ in told}) == 2


def test_an_error_arrives_as_itself() -> None:
    with pytest.raises(DataError, match=r"^events.csv: row 3: not a number$"):
        list(in_order(pieces.refuse, [3, 4, 5], 2))


@pytest.mark.parametrize(
    ("piece", "told"),
    [
        (pieces.misread, r"(?s)can't be sent.*in misread.*Misread: events.csv: row 0"),
        (pieces.leave, "(?s)can't be sent.*SystemExit: 0"),
    ],
)
def test_an_error_that_cannot_be_sent_is_told_with_its_traceback(piece: Callable[[int], int], told: str) -> None:
    with LocalEngine(1, threads=1) as engine:
        with pytest.raises(RuntimeError, match=told):
            engine.submit(piece, 0).result(PATIENCE)
        with pytest.raises(TypeError, match="cannot pickle"):
            engine.submit(pieces.lock, 0).result(PATIENCE)
        assert engine.submit(pieces.square, 3).result(PATIENCE) == 9


def test_no_workers_are_refused() -> None:
    with pytest.raises(HepsieveError, match="0 workers: take at least 1"):
        list(in_order(pieces.square, range(3), 0))


def test_a_piece_whose_process_died_is_done_again(tmp_path: Path) -> None:
    with LocalEngine(2, threads=1) as engine:
        again = engine.submit(pieces.die_first, tmp_path / "begun")
        others = [engine.submit(pieces.square, number) for number in range(8)]
        assert again.result(PATIENCE) != os.getpid()
        assert [other.result(PATIENCE) for other in others] == [number * number for number in range(8)]


def test_a_piece_of_which_two_processes_died_is_lost_alone() -> None:
    with LocalEngine(1, threads=1) as engine:
        lost = engine.submit(pieces.die, 1)
        after = engine.submit(pieces.square, 5)
        with pytest.raises(WorkerLost, match="died, 2 times"):
            lost.result(PATIENCE)
        assert after.result(PATIENCE) == 25


def test_an_interruption_does_not_wait_for_what_was_begun(tmp_path: Path) -> None:
    marks = [tmp_path / str(number) for number in range(6)]
    submitted: list[Future[None]] = []

    def interrupted() -> None:
        with LocalEngine(2, threads=1) as engine:
            submitted.extend(engine.submit(pieces.tell_and_wait, mark) for mark in marks)
            read_when_there(marks[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert is_gone(int(marks[0].read_text()))
    assert all(future.done() for future in submitted)
    assert not marks[-1].exists()


def test_an_error_in_one_piece_ends_the_others(tmp_path: Path) -> None:
    mark = tmp_path / "process"

    def fail() -> None:
        with LocalEngine(2, threads=1) as engine:
            engine.submit(pieces.tell_and_wait, mark)
            read_when_there(mark)
            engine.submit(pieces.refuse, 3).result(PATIENCE)

    with pytest.raises(DataError, match="row 3"):
        fail()
    assert is_gone(int(mark.read_text()))


@pytest.mark.parametrize("engine", ["local", pytest.param("dask", marks=pytest.mark.cluster)])
def test_workers_end_with_a_parent_that_was_killed(engine: str, tmp_path: Path) -> None:
    mark = tmp_path / "process"
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from hepsieve.engines import EngineOptions, open_engine\n"
        "from tests.engines import pieces\n"
        "if __name__ == '__main__':\n"
        "    with open_engine(EngineOptions(name=sys.argv[1], jobs=1)) as engine:\n"
        "        engine.submit(pieces.tell_and_wait, Path(sys.argv[2])).result()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, script, engine, mark], env=environment) as parent:
        worker = read_when_there(mark)
        parent.send_signal(signal.SIGKILL)
    assert is_gone(worker)
