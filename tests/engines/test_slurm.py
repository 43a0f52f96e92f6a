"""What would be submitted to Slurm; that it is, and works, is seen where there is one (tests/slurm)."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import dask
import pytest
from tests.engines import pieces
from tests.engines.seen import PATIENCE

from hepsieve.engines import EngineOptions, open_engine, slurm
from hepsieve.engines.slurm import job_script
from hepsieve.errors import HepsieveError


def test_the_script_of_a_job() -> None:
    script = job_script(EngineOptions(name="slurm", jobs=20), threads=3).splitlines()
    assert script[0] == "#!/usr/bin/env bash"
    assert {"#SBATCH -n 1", "#SBATCH --cpus-per-task=3", "#SBATCH --mem=4G", "export OMP_NUM_THREADS=3"} <= set(script)
    worker = script[-1].split()
    assert worker[1:3] == ["-m", "distributed.cli.dask_worker"]
    assert worker[3].startswith("tcp://127.0.0.1:")
    assert worker[worker.index("--interface") + 1] == "lo"
    # The last of an option counts.
    assert [value for name, value in pairwise(worker) if name == "--memory-limit"][-1] == "0"
    assert [value for name, value in pairwise(worker) if name == "--nthreads"][-1] == "1"
    assert [value for name, value in pairwise(worker) if name == "--dashboard-address"][-1] == "127.0.0.1:0"
    assert "--no-dashboard" in worker


def test_a_site_says_its_own_in_dasks_configuration() -> None:
    site = {"queue": "short", "account": "atlas", "walltime": "02:00:00", "memory": "8GB", "cores": 4}
    with dask.config.set({f"jobqueue.slurm.{name}": value for name, value in site.items()}):
        script = job_script(EngineOptions(name="slurm", jobs=1)).splitlines()
    wanted = {"-p short", "-A atlas", "-t 02:00:00", "--mem=8G", "--cpus-per-task=4"}
    assert {f"#SBATCH {words}" for words in wanted} <= set(script)


def test_a_network_that_is_not_there_gets_one_line() -> None:
    with pytest.raises(HepsieveError, match=r"--interface eth77: .*'lo'"):
        job_script(EngineOptions(name="slurm", jobs=1, interface="eth77"))


def test_jobs_that_are_gone_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"sbatch": "echo Submitted batch job 17", "squeue": "echo 16", "scancel": "true"}
    for name, command in told.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{command}\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(slurm, "_LOOK_EVERY", 0.1)
    with open_engine(EngineOptions(name="slurm", jobs=1)) as engine:
        waiting = engine.submit(pieces.square, 3)
        with pytest.raises(HepsieveError, match=r"no job is left in the queue.*tcp://127.0.0.1:\d+.*--interface"):
            waiting.result(PATIENCE)
        with pytest.raises(HepsieveError, match="no job is left in the queue"):
            engine.submit(pieces.square, 4).result(PATIENCE)


def test_jobs_that_slurm_refuses_after_all_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sbatch").write_text('#!/bin/sh\ncase "$*" in *--test-only*) exit 0;; esac\nexit 1\n')
    (tmp_path / "sbatch").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(slurm, "_LOOK_EVERY", 0.1)
    with (
        pytest.raises(HepsieveError, match=r"no job is left in the queue.*sbatch refused them"),
        open_engine(EngineOptions(name="slurm", jobs=2)) as engine,
    ):
        engine.submit(pieces.square, 3).result(PATIENCE)


def test_a_machine_without_slurm_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with (
        pytest.raises(HepsieveError, match="--engine slurm: no sbatch on this machine"),
        open_engine(EngineOptions(name="slurm", jobs=1)),
    ):
        raise AssertionError
