"""kill -9 at twenty random moments of a training: it ends with the bytes of one that nobody disturbed."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import pytest
from tests.train.interruptions import CASES, Case, figures, fit, small_blocks

from hepsieve.manifest import new_folder
from hepsieve.train import Part
from hepsieve.train.checkpoint import Checkpoint

pytestmark = pytest.mark.cluster
KILLS = {"dropout": 20, "images": 8}
LONG = {"dropout": 20, "images": 10}  # epochs: some seconds, most of them spent on writing states


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a process is to do, and where."""

    case: Case
    parts: tuple[Part, Part]
    folder: Path

    @property
    def states(self) -> Path:
        """Of the training."""
        return self.folder / "state"

    @property
    def result(self) -> Path:
        """There once the training is over."""
        return self.folder / "result"


def carry_out(work: Work, began: Connection) -> None:
    """The training, from wherever it was, as the life of a process."""
    began.send(True)
    with small_blocks(work.parts[0], batches_each=1):
        trained = fit(work.case, work.parts, checkpoint=Checkpoint(folder=work.states, every=0.0))
    with new_folder(work.result) as folder:
        trained.model.save(folder)
        records = [record.model_dump() for record in figures(trained)]
        (folder / "history.json").write_text(json.dumps([records, trained.best_epoch]))


def left_to(work: Work, seconds: float | None) -> int | None:
    """The exit status of a process that may train so many seconds (None: as many as it likes) and then is killed."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.train.test_kills", "hepsieve.train.torch"])
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=carry_out, args=(work, theirs))
    process.start()
    assert ours.recv()
    if seconds is not None:
        sleep(seconds)
        process.kill()
    process.join()
    return process.exitcode


def contents(work: Work) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in work.result.iterdir() if path.name != "manifest.json"}


def places(work: Work) -> Iterator[str]:
    """Where a killed process was."""
    if list(work.states.glob(".part-*")):
        yield "writing"
    state = Checkpoint(folder=work.states).load()
    if state is not None and state[1]["epoch"]["blocks"] > 0:
        yield "inside an epoch"


@pytest.mark.parametrize("name", KILLS)
def test_it_ends_with_the_same_bytes(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    draw = request.getfixturevalue(CASES[name].events)
    case = Case(CASES[name].config, settings={**CASES[name].settings, "epochs": LONG[name], "patience": None})
    parts = draw(300, seed=1), draw(150, seed=2)
    whole = Work(case=case, parts=parts, folder=tmp_path / "whole")
    began = perf_counter()
    assert left_to(whole, None) == 0
    seconds = perf_counter() - began
    random = np.random.default_rng(20)
    killed: list[str] = []
    kills = trainings = 0
    while kills < KILLS[name]:
        work = Work(case=case, parts=parts, folder=tmp_path / f"killed{trainings}")
        while kills < KILLS[name] and not work.result.exists():
            kills += left_to(work, random.uniform(0, 4 * seconds / KILLS[name])) == -signal.SIGKILL
            killed += places(work)
        if not work.result.exists():
            assert left_to(work, None) == 0
        assert contents(work) == contents(whole)
        trainings += 1
    assert killed.count("inside an epoch") >= KILLS[name] // 3
    assert killed.count("writing") >= 1
