"""Processes that search are really killed, at any moment: what they leave is gone on with."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.tune.searches import searched, space_of

from hepsieve.tune.journal import JOURNAL

_SEARCH = """
import sys, time
from pathlib import Path
from tests.tune.searches import Workers, figure_of, searched, space_of

def slowly(proposal):
    time.sleep(0.02)
    return figure_of(proposal)

space = space_of(method=sys.argv[2], trials=30, startup=8)
print(searched(space, Path(sys.argv[1]), Workers(2, figure=slowly), on_trial=lambda tried: print(tried.number)))
"""


@pytest.mark.cluster
@pytest.mark.parametrize("method", ["tpe", "halving"])
def test_a_search_ends_the_same_after_six_kills(method: str, tmp_path: Path) -> None:
    """Each process hashes its text differently, too, and waits for the disk as processes do."""
    whole = searched(space_of(method=method, trials=30, startup=8), tmp_path / "whole")
    rng = np.random.default_rng(8)
    command = [sys.executable, "-c", _SEARCH, str(tmp_path / "cut"), method]
    journal = tmp_path / "cut" / JOURNAL
    killed = 0
    for _ in range(6):
        size = journal.stat().st_size if journal.exists() else 0
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while process.poll() is None and (not journal.exists() or journal.stat().st_size == size):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.08))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 4
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(whole)
