from __future__ import annotations

import numpy as np
import pytest

from hepsieve.evaluate.weight_results import Policy, Weighed, WeightSummary
from hepsieve.evaluate.weights import weight_summary

# Background 2, −1, 1; signal 3, −2 and four of 0.25.
TARGET = np.array([0, 1, 0, 0, 1, 1, 1, 1, 1])
WEIGHT = np.array([2, 3, -1, 1, -2, 0.25, 0.25, 0.25, 0.25])
CLASSES = ("bkg", "sig")


def summed(policy: Policy) -> WeightSummary:
    parts = {"train": (TARGET, WEIGHT), "test": (TARGET, np.ones(9))}
    summary = weight_summary(parts, classes=CLASSES, policy=policy)
    assert summary is not None
    return summary


def test_weights_by_hand() -> None:
    background, signal = summed("keep").parts["train"]
    # 2² / (4 + 1 + 1) = 2/3; 1 of 4 is negative. 2² / (9 + 4 + 4/16) = 4/13.25; 2 of 6.
    assert background == Weighed(name="bkg", events=3, total=2, effective=2 / 3, negative=1, negative_share=1 / 4)
    assert (signal.events, signal.total, signal.negative) == (6, 2, 1)
    assert signal.effective == pytest.approx(4 / 13.25)
    assert signal.negative_share == pytest.approx(2 / 6)
    assert [one.effective for one in summed("keep").parts["test"]] == [3, 6]


@pytest.mark.parametrize(
    ("policy", "events", "total", "effective"),
    # |w|: 4² / 6; dropped: 3² / 5.
    [("keep", 3, 2, 2 / 3), ("abs", 3, 4, 16 / 6), ("drop", 2, 3, 9 / 5)],
)
def test_the_effect_of_the_policy(policy: Policy, events: int, total: float, effective: float) -> None:
    summary = summed(policy)
    background = summary.trained[0]
    assert (background.events, background.total) == (events, total)
    assert background.effective == pytest.approx(effective)
    assert background.negative == (1 if policy == "keep" else 0)
    assert summary.policy == policy
    assert summary.negative


def test_weights_of_one_say_nothing() -> None:
    assert weight_summary({"train": (TARGET, np.ones(9)), "test": (TARGET, np.ones(9))}, policy="drop") is None


def test_a_regression_has_no_classes() -> None:
    target = np.array([0.1, 0.7, 0.9])
    summary = weight_summary({"train": (target, np.array([1.0, 1.0, 10.0]))}, policy="drop")
    assert summary is not None
    (one,) = summary.parts["train"]
    # 12² / 102.
    assert (one.name, one.events) == ("", 3)
    assert one.effective == pytest.approx(144 / 102)
    assert summary.few() == (("train", one),)
    assert not summary.negative
    assert WeightSummary.model_validate_json(summary.model_dump_json()) == summary
    assert weight_summary({"train": (target[:0], np.empty(0)), "test": (target, np.full(3, 2.0))}, policy="drop")
