from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hepsieve.errors import TrainingError
from hepsieve.models.config import TrainConfig
from hepsieve.train.trained import Part
from hepsieve.train.weighting import apply_weight_policy, refuse_negative, weigh


def part(target: list[float], weight: list[float]) -> Part:
    inputs = np.arange(len(target), dtype=np.float32)[:, np.newaxis]
    return Part(inputs=inputs, target=np.array(target, np.float32), weight=np.array(weight, np.float32))


EVENTS = part([0, 0, 1, 1, 1], [2.0, -1.0, 0.0, 3.0, 5.0])


def test_policies() -> None:
    assert apply_weight_policy(EVENTS, "keep").weight.tolist() == [2, -1, 0, 3, 5]
    assert apply_weight_policy(EVENTS, "abs").weight.tolist() == [2, 1, 0, 3, 5]
    dropped = apply_weight_policy(EVENTS, "drop")
    assert dropped.weight.tolist() == [2, 0, 3, 5]
    assert dropped.inputs[:, 0].tolist() == [0, 2, 3, 4]
    assert dropped.target.tolist() == [0, 1, 1, 1]
    assert EVENTS.weight.tolist() == [2, -1, 0, 3, 5]


def test_the_mean_weight_is_one_and_ratios_stay() -> None:
    weight = weigh(EVENTS, TrainConfig(negative_weights="abs"), name="train").weight
    # 2 + 1 + 0 + 3 + 5 = 11 over five events.
    assert weight == pytest.approx(np.array([2, 1, 0, 3, 5]) * 5 / 11, rel=1e-6)


def test_tiny_weights_are_trained_with_like_large_ones() -> None:
    settings = TrainConfig(negative_weights="keep")
    tiny = replace(EVENTS, weight=EVENTS.weight * np.float32(1e-6))
    assert weigh(tiny, settings, name="train").weight == pytest.approx(weigh(EVENTS, settings, name="train").weight)


def test_balanced_classes_weigh_the_same() -> None:
    weighed = weigh(EVENTS, TrainConfig(negative_weights="abs", balance="class_weights"), name="train")
    assert weighed.weight[weighed.target == 0].sum() == pytest.approx(2.5)
    assert weighed.weight[weighed.target == 1].sum() == pytest.approx(2.5)
    # Inside a class ratios stay: 2 to 1, and 0 to 3 to 5.
    assert weighed.weight[0] == pytest.approx(2 * weighed.weight[1])
    assert weighed.weight[3] * 5 == pytest.approx(weighed.weight[4] * 3)


def test_a_class_without_weight_is_refused() -> None:
    only_signal = part([1, 1], [1.0, 1.0])
    with pytest.raises(TrainingError, match=r"validation: the weights of class 0 \(0 events\) add up to 0"):
        weigh(only_signal, TrainConfig(), name="validation")
    with pytest.raises(TrainingError, match=r"train: the weights of class 0 \(2 events\) add up to -1"):
        weigh(part([0, 0, 1], [1.0, -2.0, 1.0]), TrainConfig(negative_weights="keep"), name="train")


def test_a_backend_that_refuses_negative_weights_says_what_to_do() -> None:
    with pytest.raises(
        TrainingError, match=r"1 of 5 weights are negative, which xgboost refuses; set train\.negative_w"
    ):
        refuse_negative(EVENTS, name="train", backend="xgboost")
    refuse_negative(apply_weight_policy(EVENTS, "drop"), name="train", backend="xgboost")
