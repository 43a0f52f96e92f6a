from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from tests.evaluate.samples import shifted

from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import loss_quantities
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.warnings import class_entropy, model_warnings


def warned(sample: Ranked) -> tuple[str, ...]:
    figures = Figures(sample)
    losses = loss_quantities(sample, figures, bootstrap(sample, figures, resamples=100, seed=1))
    return model_warnings(sample, losses["auc"], losses["log_loss"])


def test_constant_scores_are_dead() -> None:
    (sentence,) = warned(Ranked.of(np.tile([0, 1], 50), np.full(100, 0.5)))
    assert sentence.startswith("dead model: every test event has the score 0.5")


def test_scores_without_information_are_dead() -> None:
    rng = np.random.default_rng(1)
    (sentence,) = warned(Ranked.of(np.tile([0, 1], 500), rng.normal(0.5, 0.001, size=1000)))
    assert sentence.startswith("dead model: its log loss 0.693")


def test_a_model_that_learned_is_not_dead() -> None:
    assert warned(shifted(np.random.default_rng(2), 500).ranked()) == ()


def test_good_order_with_bad_probabilities_is_called_uncalibrated() -> None:
    sample = shifted(np.random.default_rng(2), 500)
    (sentence,) = warned(Ranked.of(sample.target, expit(20 * logit(sample.score))))
    assert sentence.startswith("uncalibrated scores: the order is informative (AUC 0.7")


def test_swapped_classes_are_called_inverted() -> None:
    sample = shifted(np.random.default_rng(2), 500)
    (sentence,) = warned(Ranked.of(1 - sample.target, sample.score))
    assert sentence.startswith("inverted scores: the AUC 0.2")


def test_guessing_one_in_four_costs_its_entropy() -> None:
    sample = Ranked.of(np.array([0, 1]), np.array([0.1, 0.2]), np.array([3.0, 1.0]))
    # 0.75 ln(4/3) + 0.25 ln 4 = 0.5623.
    assert class_entropy(sample) == pytest.approx(0.5623, abs=5e-5)
