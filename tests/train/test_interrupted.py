"""A PyTorch training that was cut inside its epochs ends with the bytes of one that nobody cut."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.train.interruptions import CASES, Cut, assert_same, cut_at, fit, fit_with_cuts, random_steps, small_blocks

from hepsieve import spill
from hepsieve.train import Part, Trained
from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint

EVENTS, WATCHED = 300, 150  # 8 batches in 4 blocks


def parts_of(name: str, request: pytest.FixtureRequest) -> tuple[Part, Part]:
    draw = request.getfixturevalue(CASES[name].events)
    return draw(EVENTS, seed=1), draw(WATCHED, seed=2)


def flipped(file: Path) -> None:
    """One bit of the file is no longer what it was."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("name", CASES)
def test_it_ends_with_the_same_bytes_wherever_it_was_cut(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    case, parts = CASES[name], parts_of(name, request)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0, told=told.append)
    with small_blocks(parts[0]):
        whole = fit(case, parts)
        resumed = fit_with_cuts(case, parts, checkpoint, random_steps(7, most=9, number=3))
        assert_same(whole, resumed, tmp_path)
        places = [tuple(map(int, found)) for found in re.findall(r"epoch (\d+), block (\d+)", "\n".join(told))]
        assert any(block > 1 for _, block in places)
        assert places == sorted(places)
        # What is finished needs no epoch more.
        with cut_at(1):
            assert_same(whole, fit(case, parts, checkpoint=checkpoint), tmp_path / "again")


def test_nothing_is_trained_twice_but_the_block_that_was_cut(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, parts = CASES["fused"], parts_of("fused", request)
    begun: list[int] = []
    original = Batches._block

    def counted(self: Batches, block: Any, inputs: Any) -> Any:
        begun.append(block.first)
        return original(self, block, inputs)

    monkeypatch.setattr(Batches, "_block", counted)
    with small_blocks(parts[0]):
        fit_with_cuts(case, parts, Checkpoint(folder=tmp_path / "state", every=0.0), [5, 8])
    # Step 5 is the first of the third block (batches 4 and 5), step 8 from there the last of the second epoch's second.
    assert begun[:3] == [0, 2, 4]
    assert begun[3:7] == [4, 6, 0, 2]
    assert begun[7:] == [2, 4, 6] + [0, 2, 4, 6] * 2


def test_a_damaged_state_is_told_and_the_one_before_serves(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case, parts = CASES["dropout"], parts_of("dropout", request)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0, told=told.append)
    with small_blocks(parts[0]):
        whole = fit(case, parts)
        with cut_at(6), pytest.raises(Cut):
            fit(case, parts, checkpoint=checkpoint)
        newest = sorted(checkpoint.folder.iterdir())[-1]
        flipped(newest / "state.safetensors")
        resumed = fit_with_cuts(case, parts, checkpoint, [3])
    assert_same(whole, resumed, tmp_path)
    # Steps 1 to 5 finished two blocks; the state after the second is damaged, so the second is done again.
    assert len(told) == 3
    assert newest.name in told[0]
    assert "damaged state is left out" in told[0]
    assert "epoch 1, block 2" in told[1]
    assert not newest.exists()


def test_half_a_state_is_none(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, parts = CASES["fused"], parts_of("fused", request)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    # What kill -9 leaves while a state is written: no cleaning up after itself.
    monkeypatch.setattr("hepsieve.manifest.write_manifest", lambda folder, facts: (_ for _ in ()).throw(Cut))
    monkeypatch.setattr("hepsieve.manifest.shutil.rmtree", lambda path, ignore_errors: None)
    with small_blocks(parts[0]), pytest.raises(Cut):
        fit(case, parts, checkpoint=checkpoint)
    monkeypatch.undo()
    (unfinished,) = checkpoint.folder.iterdir()
    assert unfinished.name.startswith(".part-")
    assert_same(fit(case, parts), fit(case, parts, checkpoint=checkpoint), tmp_path)
    assert not unfinished.exists()


def test_waveforms_on_a_file_go_on_too(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case, parts = CASES["waveforms"], parts_of("waveforms", request)
    mapped = []
    for part in parts:
        inputs = spill.empty((8 * len(part), *part.inputs.shape[1:]), np.float32)[: len(part)]
        inputs[:] = part.inputs
        mapped.append(replace(part, inputs=inputs))
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    with small_blocks(parts[0]):
        whole = fit(case, parts)
        resumed = fit_with_cuts(case, (mapped[0], mapped[1]), checkpoint, [3, 6, 8])
    assert_same(whole, resumed, tmp_path)
    size = sum(file.stat().st_size for file in checkpoint.folder.rglob("state.safetensors"))
    assert size < parts[0].inputs.nbytes / 2  # no event was copied into a state


def test_a_state_does_not_grow_with_the_training_part(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    draw, sizes = request.getfixturevalue("toy"), []
    for events in (300, 3000):
        checkpoint = Checkpoint(folder=tmp_path / str(events), every=0.0)
        fit(CASES["fused"], (draw(events, seed=1), draw(WATCHED, seed=2)), checkpoint=checkpoint)
        state = checkpoint.load()
        assert state is not None
        sizes.append(sum(values.nbytes for values in state[0].values()))
    assert sizes[0] == sizes[1]


def test_a_full_disk_costs_the_state_not_the_training(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    case, parts = CASES["fused"], parts_of("fused", request)
    whole = fit(case, parts)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))  # no file may grow beyond 2,000 bytes
    try:
        trained = fit(case, parts, checkpoint=checkpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_same(whole, trained, tmp_path)
    assert checkpoint.load() is None


def test_the_time_before_a_cut_counts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case, parts = CASES["fused"], parts_of("fused", request)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    with small_blocks(parts[0]):
        with cut_at(7), pytest.raises(Cut):
            fit(case, parts, checkpoint=checkpoint)
        state = checkpoint.load()
        assert state is not None
        trained: Trained = fit(case, parts, checkpoint=checkpoint)
    assert 0 < state[1]["epoch_seconds"] <= trained.history[0].seconds
    assert trained.seconds >= state[1]["seconds"]
