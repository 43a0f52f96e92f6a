"""A Keras training on PyTorch that was cut, or paused, ends with the bytes of one that nobody cut."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from tests.train.interruptions import CASES, Case, Cut, assert_same, fit

from hepsieve.history import EpochRecord
from hepsieve.train.checkpoint import Checkpoint

NAMES = ("dropout", "early stop", "bf16 dropout", "images", "residual members")


def keras(name: str) -> Case:
    case = CASES[name]
    return replace(case, config=case.config.model_copy(update={"backend": "keras"}))


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_with_the_same_bytes_wherever_it_was_cut(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    case, draw = keras(name), request.getfixturevalue(CASES[name].events)
    parts = draw(200, seed=1), draw(100, seed=2)
    whole = fit(case, parts)

    def cut(record: EpochRecord) -> None:
        if record.epoch == 3:
            raise Cut

    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0, told=told.append)
    with pytest.raises(Cut):
        fit(case, parts, checkpoint=checkpoint, on_epoch=cut)
    resumed = fit(case, parts, checkpoint=checkpoint)
    assert told == ["net: taken up in epoch 3"]
    assert_same(whole, resumed, tmp_path)
    # What is finished needs no epoch more.
    assert_same(whole, fit(case, parts, checkpoint=checkpoint), tmp_path / "again")


def test_a_pause_changes_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case, draw = keras("one cycle"), request.getfixturevalue("toy")
    parts = draw(200, seed=1), draw(100, seed=2)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=math.inf, told=told.append)
    for share, epochs in ((0.2, 1), (0.75, 3)):
        assert len(fit(case, parts, checkpoint=checkpoint, share=share).history) == epochs
    assert_same(fit(case, parts), fit(case, parts, checkpoint=checkpoint), tmp_path)
    assert told == ["net: taken up in epoch 2", "net: taken up in epoch 4"]
