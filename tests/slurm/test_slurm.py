"""Jobs of a real Slurm as workers: submitted through dask-jobqueue, with the results of local processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import dask
import numpy as np
import psutil
import pyarrow.parquet
import pytest
from tests.conftest import Told, toy_rows

from hepsieve.config import PrepareConfig
from hepsieve.engines import Engine, EngineOptions, in_order, open_engine
from hepsieve.engines.slurm import job_script
from hepsieve.errors import HepsieveError
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, TrainConfig, TreesConfig
from hepsieve.prepare import split
from hepsieve.train.elsewhere import Order, Outcome, carry_out_order
from hepsieve.train.inputs import inputs_of
from hepsieve.train.stored_inputs import store_inputs

Command = Callable[..., Told]
pytestmark = pytest.mark.slurm
CONFIGURATION = Path("/run/hepsieve-slurm/slurm.conf")
NUMBER = "SLURM_JOB_ID"
JOBS = EngineOptions(name="slurm", jobs=2)


def queue() -> dict[str, str]:
    """The jobs that Slurm knows: number to state."""
    told = subprocess.run(
        ["squeue", "--noheader", "--format=%i %T"], capture_output=True, text=True, check=True, timeout=10
    )
    return dict(line.split() for line in told.stdout.splitlines())


def queue_when(holds: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The queue as soon as something holds of it, or as it is after half a minute."""
    end = time.monotonic() + 30
    while not holds(seen := queue()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


@pytest.fixture(autouse=True)
def nothing_queued(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The Slurm that `make test-slurm` started; each test leaves its queue empty."""
    assert CONFIGURATION.is_file(), "start it with tests/slurm/start_slurm.sh"
    # Slurm's default is a file that this machine may have of its own.
    monkeypatch.setenv("SLURM_CONF", str(CONFIGURATION))
    monkeypatch.chdir(tmp_path)
    assert queue_when(lambda jobs: not jobs) == {}
    yield
    assert queue_when(lambda jobs: not jobs) == {}


def orders(folder: Path) -> list[Order]:
    """Trainings of two kinds with two seeds each, on 400 toy events."""
    features, label = toy_rows(400)
    parts = split(Events.from_arrays(features.astype(np.float32), label == 1, names=("a", "b", "c")), seed=1)
    settings = TrainConfig(epochs=2, batch_size=64)
    made = []
    for config in (TreesConfig(rounds=5, subsample=0.5), MLPConfig(widths=(8,), dropout=0.2)):
        inputs = inputs_of(
            config, parts.train, parts.validation, prepare=PrepareConfig(), settings=settings, seed=1, impute=False
        )
        stored = store_inputs(inputs, folder)
        made += [
            Order(title=f"{config.kind} {seed}", config=config, settings=settings, seed=seed, inputs=stored)
            for seed in (1, 2)
        ]
    return made


def without_times(outcome: Outcome) -> tuple[dict[str, bytes], list[float | None], int]:
    return outcome.files, [record.validation_loss for record in outcome.history], outcome.best_epoch


def busy_in(engine: Engine, jobs: Collection[str]) -> set[str | None]:
    """The numbers of the jobs that pieces are carried out in, once all of them have taken some; within a minute."""
    seen: set[str | None] = set()
    end = time.monotonic() + 60
    while seen < set(jobs) and time.monotonic() < end:
        work = [pair for _ in jobs for pair in (engine.submit(time.sleep, 0.3), engine.submit(os.getenv, NUMBER))]
        seen |= {number.result(timeout=60) for number in work[1::2]}
    return seen


def of_jobs() -> list[int]:
    """The workers of all jobs, and what looks after them."""
    return [
        process.pid
        for process in psutil.process_iter()
        if process.name().startswith("slurmstepd")
        for process in process.children(recursive=True)
    ]


def listening(process: int) -> set[str]:
    bound = psutil.Process(process).net_connections("inet")
    return {place.laddr.ip for place in bound if place.status == "LISTEN"}


def test_pieces_are_carried_out_in_jobs_that_squeue_shows() -> None:
    with open_engine(JOBS) as engine:
        assert engine.workers == 2
        running = queue_when(lambda jobs: list(jobs.values()) == ["RUNNING", "RUNNING"])
        assert list(running.values()) == ["RUNNING", "RUNNING"]
        assert busy_in(engine, running) == set(running)
        assert os.getenv(NUMBER) is None
        # The environment that submitted them.
        assert engine.submit(shutil.which, sys.executable).result(timeout=60) == sys.executable
        assert engine.submit(os.getenv, "OMP_NUM_THREADS").result(timeout=60) == "1"
        assert {place for process in (os.getpid(), *of_jobs()) for place in listening(process)} == {"127.0.0.1"}
    assert queue_when(lambda jobs: not jobs) == {}


def test_trainings_give_the_bytes_of_this_machines_processes(tmp_path: Path) -> None:
    work = orders(tmp_path / "inputs")
    with open_engine(EngineOptions(name="local", jobs=2)) as engine:
        here = [without_times(outcome) for outcome in in_order(carry_out_order, work, engine)]
    with open_engine(JOBS) as engine:
        there = [without_times(outcome) for outcome in in_order(carry_out_order, work, engine)]
    assert there == here
    assert here[0] != here[1]  # the seeds make a difference
    assert here[2] != here[3]


def test_a_piece_whose_job_was_cancelled_is_carried_out_by_the_other() -> None:
    with open_engine(JOBS) as engine:
        jobs = queue_when(lambda jobs: list(jobs.values()) == ["RUNNING", "RUNNING"])
        assert busy_in(engine, jobs) == set(jobs)
        waiting = [engine.submit(time.sleep, 2) for _ in range(2)]
        number, other = jobs
        time.sleep(0.5)
        subprocess.run(["scancel", "--signal=KILL", "--full", number], check=True, timeout=10)
        assert [slept.result(timeout=60) for slept in waiting] == [None, None]
        queue_when(lambda jobs: number not in jobs)
        assert engine.submit(os.getenv, NUMBER).result(timeout=60) == other


def test_simulate_writes_the_same_events(hepsieve: Command, tmp_path: Path) -> None:
    assert hepsieve("simulate", "higgs", "-n", "64", "-o", "here.parquet").status == 0
    told = hepsieve("simulate", "higgs", "-n", "64", "-o", "jobs.parquet", "--engine", "slurm", "--jobs", "2")
    assert told.status == 0, told.err
    assert pyarrow.parquet.read_table("jobs.parquet").equals(pyarrow.parquet.read_table("here.parquet"))


def test_a_job_script_says_what_a_worker_needs() -> None:
    script = job_script(JOBS, threads=1)
    lines = script.splitlines()
    assert lines[0].startswith("#!")
    assert "#SBATCH -n 1" in lines
    assert "#SBATCH --cpus-per-task=1" in lines
    assert "export OMP_NUM_THREADS=1" in lines
    (started,) = (line for line in lines if "dask_worker" in line)
    assert started.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://127.0.0.1:")
    assert started.endswith("--interface lo")
    assert queue() == {}  # nothing was submitted


def test_a_refused_job_is_told_in_one_line() -> None:
    with (
        dask.config.set({"jobqueue.slurm.queue": "no-such-partition"}),
        pytest.raises(HepsieveError, match=r"^--engine slurm: sbatch refuses .*no-such-partition") as told,
        open_engine(JOBS),
    ):
        pass
    assert len(str(told.value).splitlines()) == 1


SPACE = """\
tune:
  trials: 4
  at_once: 2
  startup: 2
  space:
    models.trees.max_depth: {int: [1, 4]}
    models.net.widths: {choice: [[4], [8]]}
"""


def test_a_search_tries_what_it_tries_on_this_machine(hepsieve: Command, toy: Path) -> None:
    toy.write_text(toy.read_text(encoding="utf-8") + SPACE, encoding="utf-8")
    found = []
    for out, engine in (("here", ("local",)), ("jobs", ("slurm", "--jobs", "2"))):
        told = hepsieve("tune", toy, "--out", out, "--quiet", "--engine", *engine)
        assert (told.status, told.err) == (0, "")
        tuning = json.loads(Path(out, "evaluation.json").read_text(encoding="utf-8"))["tuning"]
        assert len(tuning["trials"]) == 4
        found.append([{**trial, "seconds": 0} for trial in tuning["trials"]])
        # Else the second search would take over what the first one found.
        shutil.rmtree("cache")
    assert found[1] == found[0]


def test_a_dry_run_prints_the_script_and_submits_nothing(hepsieve: Command, toy: Path) -> None:
    toy.write_text(toy.read_text(encoding="utf-8") + SPACE, encoding="utf-8")
    told = hepsieve("tune", toy, "--out", "run", "--engine", "slurm", "--jobs", "2", "--dry-run")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("#!")
    assert "#SBATCH" in told.out
    assert f"{sys.executable} -m distributed.cli.dask_worker" in told.out
    assert queue() == {}
    assert not Path("run").exists()


def test_when_all_jobs_have_ended_it_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hepsieve.engines.slurm._LOOK_EVERY", 0.5)
    with open_engine(JOBS) as engine:
        jobs = queue_when(lambda jobs: list(jobs.values()) == ["RUNNING", "RUNNING"])
        assert busy_in(engine, jobs) == set(jobs)
        waiting = engine.submit(time.sleep, 300)
        # As at the end of the time that Slurm gives a job.
        subprocess.run(["scancel", *jobs], check=True, timeout=10)
        with pytest.raises(HepsieveError, match=r"^--engine slurm: no job is left in the queue") as told:
            waiting.result(timeout=60)
    assert len(str(told.value).splitlines()) == 1
