"""Engines on the command line: the same files, and one line about what can't be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.conftest import Told
from tests.engines.seen import PATIENCE

EVENTS = ("simulate", "egamma", "-n", "600", "--seed", "7", "--engine", "fast", "-o")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--engine", "local", "--scheduler", "tcp://127.0.0.1:9"], "goes with --engine dask, not with local"),
        (["--scheduler", "tcp://127.0.0.1:9"], "goes with --engine dask"),
        (["--engine", "dask", "--scheduler", "127.0.0.1:9"], "no address such as tcp://"),
        (["--engine", "dask", "--engine", "local"], "--engine dask --engine local: only one of them shares the work"),
        (["--engine", "geant4"], "--engine fast --engine geant4: only one of them makes showers"),
        (["--engine", "spark"], "--engine spark: take geant4 or fast"),
        (["--engine", "slurm"], "say with --jobs how many jobs to submit"),
    ],
)
def test_a_mistake_gets_one_line(hepsieve: Callable[..., Told], tmp_path: Path, options: list[str], line: str) -> None:
    told = hepsieve(*EVENTS, "events.npz", *options)
    assert told.status == 2
    assert line in told.err
    assert len(told.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_local_workers_make_the_same_file(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    for name, options in (("one.npz", []), ("two.npz", ["--engine", "local", "--jobs", "2"])):
        assert hepsieve(*EVENTS, name, *options).status == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.cluster
def test_a_dask_cluster_makes_the_same_file_though_a_worker_is_killed(
    hepsieve: Callable[..., Told], tmp_path: Path
) -> None:
    events = ["9600" if word == "600" else word for word in EVENTS]
    assert hepsieve(*events, "one.npz").status == 0
    words = [sys.executable, "-m", "hepsieve", *events, "two.npz", "--engine", "dask", "--jobs", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        kill_one_that_works(psutil.Process(command.pid))
        told = command.communicate(timeout=PATIENCE)
    assert (command.returncode, *told) == (0, "two.npz\n", "")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def kill_one_that_works(command: psutil.Process) -> None:
    """Kill a worker of a command; one that has used the processor for so long is beyond its start."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for process in command.children():
            if "--multiprocessing-fork" in process.cmdline() and process.cpu_times().user > 1.5:
                process.kill()
                return
        time.sleep(0.02)
    raise AssertionError
