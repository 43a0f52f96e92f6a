"""Blocks of an interrupted simulation: taken again, never made twice, removed once the events are written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from hepsieve.events import Events
from hepsieve.simulate import kept as kept_module
from hepsieve.simulate import simulate
from hepsieve.simulate.kept import forget, in_order_kept, place_of_blocks
from hepsieve.simulate.particles import Floats

CALLS: list[int] = []


@dataclass(frozen=True, kw_only=True)
class Block:
    number: int


def made(block: Block) -> Floats:
    CALLS.append(block.number)
    return np.full((2, 3), float(block.number))


def paired(block: Block) -> tuple[Floats, Floats]:
    CALLS.append(block.number)
    return np.full(2, float(block.number)), np.arange(3.0)


BLOCKS = [Block(number=number) for number in range(5)]


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def numbers(folder: Path | None) -> list[float]:
    return [float(block[0, 0]) for block in in_order_kept(made, BLOCKS, 1, folder)]


def test_an_interrupted_simulation_goes_on_where_it_was(tmp_path: Path) -> None:
    begun = in_order_kept(made, BLOCKS, 1, tmp_path / "kept")
    assert [float(block[0, 0]) for block in islice(begun, 3)] == [0, 1, 2]
    begun.close()
    assert CALLS == [0, 1, 2]
    assert numbers(tmp_path / "kept") == [0, 1, 2, 3, 4]
    assert CALLS == [0, 1, 2, 3, 4]
    assert numbers(tmp_path / "kept") == [0, 1, 2, 3, 4]
    assert CALLS == [0, 1, 2, 3, 4]
    forget(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    assert numbers(None) == numbers(None) == [0, 1, 2, 3, 4]
    assert CALLS == [0, 1, 2, 3, 4] * 2


def test_a_damaged_block_is_made_again(tmp_path: Path) -> None:
    numbers(tmp_path)
    damaged, shortened, *_ = sorted(tmp_path.glob("*/arrays.npz"))
    content = bytearray(damaged.read_bytes())
    content[-30] ^= 1
    damaged.write_bytes(content)
    shortened.write_bytes(shortened.read_bytes()[:-1])
    CALLS.clear()
    assert numbers(tmp_path) == [0, 1, 2, 3, 4]
    assert len(CALLS) == 2


def test_several_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    first, again = (list(in_order_kept(paired, BLOCKS, 1, tmp_path)) for _ in range(2))
    assert CALLS == [0, 1, 2, 3, 4]
    for one, other in zip(first, again, strict=True):
        assert isinstance(other, tuple)
        assert [array.tolist() for array in one] == [array.tolist() for array in other]
    # What another function made of the same blocks is something else.
    assert numbers(tmp_path) == [0, 1, 2, 3, 4]


def test_blocks_that_vanish_meanwhile_are_made_again(tmp_path: Path) -> None:
    numbers(tmp_path / "kept")
    CALLS.clear()
    begun = in_order_kept(made, BLOCKS, 1, tmp_path / "kept")
    first = next(begun)
    forget(tmp_path / "kept")
    assert [float(block[0, 0]) for block in (first, *begun)] == [0, 1, 2, 3, 4]
    assert CALLS == [1, 2, 3, 4]


def test_the_place_changes_with_request_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of_blocks(tmp_path, "higgs", 100, 1)
    assert place == place_of_blocks(tmp_path, "higgs", 100, 1)
    assert place != place_of_blocks(tmp_path, "higgs", 100, 2)
    assert place != place_of_blocks(tmp_path, "higgs", 101, 1)
    monkeypatch.setattr(kept_module, "our_code", lambda: "other code")
    assert place != place_of_blocks(tmp_path, "higgs", 100, 1)


def test_all_code_that_rows_depend_on_is_in_the_key() -> None:
    package = Path(kept_module.__file__).parents[1]
    imported: set[str] = set()
    for source in (package / "simulate").glob("*.py"):
        imported |= set(re.findall(r"^from hepsieve\.(\w+)", source.read_text(encoding="utf-8"), re.MULTILINE))
    # These carry rows about and change none of them.
    carriers = {"simulate", "cache", "engines", "errors", "events", "manifest", "progress"}
    assert imported - carriers == set(kept_module._SHARED)


def test_what_nobody_comes_back_to_is_removed(tmp_path: Path) -> None:
    old, young = tmp_path / "simulating" / "old", tmp_path / "simulating" / "young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    place_of_blocks(tmp_path, "higgs")
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("process", ["higgs", "egamma"])
def test_events_from_kept_blocks_are_the_same(process: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if process != "egamma":
        pytest.importorskip("pythia8mc")

    def events() -> Events:
        return simulate(process, 8, seed=3, kept=tmp_path)  # type: ignore[arg-type]  # one of the names

    first = events()
    assert len(list(tmp_path.glob("*/manifest.json"))) >= 2
    monkeypatch.setattr(kept_module, "in_order", None)  # nothing is made any more
    again = events()
    assert again.features.tobytes() == first.features.tobytes()
    assert again.target.tobytes() == first.target.tobytes()
    assert again.origin == first.origin


@pytest.mark.cluster
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_simulation_resumes_and_writes_the_same_bytes(jobs: int, tmp_path: Path) -> None:
    pytest.importorskip("pythia8mc")
    cache = tmp_path / "cache"
    command = [
        sys.executable,
        "-m",
        "hepsieve",
        "simulate",
        "higgs",
        "-n",
        "2100",
        "-j",
        str(jobs),
        "--seed",
        "4",
        "-o",
    ]
    setting = {**os.environ, "HEPSIEVE_CACHE": str(cache)}
    running = subprocess.Popen([*command, "rows.parquet"], cwd=tmp_path, env=setting, start_new_session=True)
    try:
        limit = time.monotonic() + 300
        while len(list(cache.glob("simulating/*/[!.]*/manifest.json"))) < 1 and time.monotonic() < limit:
            assert running.poll() is None
            time.sleep(0.02)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    before = list(cache.glob("simulating/*/[!.]*/manifest.json"))
    assert 1 <= len(before) < 4
    assert not (tmp_path / "rows.parquet").exists()
    subprocess.run([*command, "rows.parquet"], cwd=tmp_path, env=setting, check=True, stdout=subprocess.DEVNULL)
    assert not list(cache.glob("simulating/*"))
    alone = {**setting, "HEPSIEVE_CACHE": str(tmp_path / "other")}
    subprocess.run([*command, "whole.parquet"], cwd=tmp_path, env=alone, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
