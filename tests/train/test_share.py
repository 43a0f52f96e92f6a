"""A training that pauses and goes on ends as one that never paused, in every backend."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.train.interruptions import CASES, Case, assert_same, figures, fit

from hepsieve.models.config import AdaBoostConfig, MLPConfig
from hepsieve.train import Part
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.share import paused_after

NAMES = ("one cycle", "early stop", "bf16", "dropout", "images")


def parts_of(case: Case, request: pytest.FixtureRequest) -> tuple[Part, Part]:
    draw = request.getfixturevalue(case.events)
    return draw(200, seed=1), draw(100, seed=2)


@pytest.mark.parametrize("name", NAMES)
def test_pauses_change_nothing(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = CASES[name]
    parts = parts_of(case, request)
    whole = fit(case, parts)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=math.inf, told=told.append)
    paused = None
    for share in (0.3, 0.6):
        paused = fit(case, parts, checkpoint=checkpoint, share=share)
        epochs = min(math.ceil(share * case.chosen().epochs), len(whole.history))
        assert figures(paused) == figures(whole)[:epochs]
        # The best so far.
        assert paused.best_epoch == fit(case, parts, share=share).best_epoch <= epochs
    assert_same(whole, fit(case, parts, checkpoint=checkpoint), tmp_path)
    assert [sentence.split(" in ")[0] for sentence in told] == ["net: taken up"] * 2


def test_a_training_that_stopped_before_its_share_is_over(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = Case(CASES["fused"].config, settings={"epochs": 50, "patience": 1, "learning_rate": 0.5})
    parts = parts_of(case, request)
    whole = fit(case, parts)
    assert len(whole.history) < 30
    checkpoint = Checkpoint(folder=tmp_path / "state", every=math.inf)
    assert_same(whole, fit(case, parts, checkpoint=checkpoint, share=0.6), tmp_path / "paused")
    assert_same(whole, fit(case, parts, checkpoint=checkpoint), tmp_path / "gone on")


def test_a_shorter_training_takes_up_no_later_state(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = CASES["dropout"]
    parts = parts_of(case, request)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    fit(case, parts, checkpoint=checkpoint)
    assert_same(fit(case, parts, share=0.4), fit(case, parts, checkpoint=checkpoint, share=0.4), tmp_path)


def test_without_a_checkpoint_a_later_call_begins_anew(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = CASES["one cycle"]
    parts = parts_of(case, request)
    assert len(fit(case, parts, share=0.3).history) == 2
    assert_same(fit(case, parts), fit(case, parts, share=1.0), tmp_path)


def test_a_pause_keeps_the_last_epoch_whatever_was_asked(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = CASES["fused"]
    checkpoint = Checkpoint(folder=tmp_path / "state", every=math.inf)
    fit(case, parts_of(case, request), checkpoint=checkpoint, share=0.4)
    state = checkpoint.load()
    assert state is not None
    assert len(state[1]["history"]) == 2


def test_stages_of_adaboost_are_those_of_the_whole(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    case = Case(AdaBoostConfig(estimators=20))
    parts = parts_of(case, request)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    whole, half = fit(case, parts), fit(case, parts, checkpoint=checkpoint, share=0.5)
    assert figures(half) == figures(whole)[:1]
    assert half.history[-1].epoch == 10
    assert not checkpoint.folder.exists()
    assert_same(whole, fit(case, parts, checkpoint=checkpoint), tmp_path)


def test_shares_are_rounded_up_but_not_by_the_last_bit() -> None:
    assert [paused_after(share, 10) for share in (0.01, 0.1, 0.11, 0.3, 0.9, 1.0)] == [1, 1, 2, 3, 9, 10]
    assert [paused_after(3**-rung, 81) for rung in range(5)] == [81, 27, 9, 3, 1]


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, math.nan])
def test_other_shares_are_refused(share: float, request: pytest.FixtureRequest) -> None:
    case = Case(MLPConfig(widths=(4,)))
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        fit(case, parts_of(case, request), share=share)
