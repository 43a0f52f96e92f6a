from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from hepsieve.train.dead import dead_model
from hepsieve.train.figures import measure, weighted_auc
from hepsieve.train.trained import Part


def events(n: int, *, seed: int = 0, signal: float = 0.5) -> Part:
    random = np.random.default_rng(seed)
    target = (random.random(n) < signal).astype(np.float32)
    return Part(inputs=np.zeros((n, 1), np.float32), target=target, weight=np.ones(n, np.float32))


def pairwise_auc(scores: list[float], signal: list[bool], weight: list[float]) -> float:
    """The definition: every signal event against every background event."""
    wins = total = 0.0
    for a, is_signal, w in zip(scores, signal, weight, strict=True):
        for b, other_is_signal, v in zip(scores, signal, weight, strict=True):
            if is_signal and not other_is_signal:
                wins += w * v * (1.0 if a > b else 0.5 if a == b else 0.0)
                total += w * v
    return wins / total


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.floats(-0.5, 3)), min_size=2, max_size=25))
@settings(max_examples=60)
def test_auc_equals_its_definition_with_ties_and_negative_weights(rows: list[tuple[int, bool, float]]) -> None:
    rows = [(0, True, 2.0), (3, False, 2.0), *((s, y, round(w, 3)) for s, y, w in rows)]
    scores = [float(score) for score, _, _ in rows]
    signal = [is_signal for _, is_signal, _ in rows]
    weight = [value for _, _, value in rows]
    if min(sum(w for w, y in zip(weight, signal, strict=True) if y == side) for side in (True, False)) < 0.1:
        return
    found = weighted_auc(np.array(scores), np.array(signal), np.array(weight))
    assert found == pytest.approx(pairwise_auc(scores, signal, weight), abs=1e-10)


def test_figures_equal_scikit_learns() -> None:
    random = np.random.default_rng(3)
    part = Part(
        inputs=np.zeros((400, 1), np.float32),
        target=random.integers(0, 2, 400).astype(np.float32),
        weight=random.uniform(0.1, 3, 400).astype(np.float32),
    )
    logits = np.round(random.normal(size=400) + part.target, 1)
    found = measure(logits, part)
    assert found.loss == pytest.approx(log_loss(part.target, 1 / (1 + np.exp(-logits)), sample_weight=part.weight))
    assert found.auc == pytest.approx(roc_auc_score(part.target, logits, sample_weight=part.weight))
    right = (logits > 0) == (part.target == 1)
    assert found.accuracy == pytest.approx(part.weight[right].sum() / part.weight.sum(), rel=1e-6)


def test_the_loss_of_large_logits_is_finite_and_exact() -> None:
    part = Part(inputs=np.zeros((2, 1), np.float32), target=np.array([0, 1], np.float32), weight=np.ones(2, np.float32))
    # Surely wrong by 1000 twice: -log sigmoid(-1000) = 1000.
    assert measure(np.array([1000.0, -1000.0]), part).loss == 1000.0


def test_constant_scores_are_dead() -> None:
    sentence = dead_model(np.full(500, 0.3), events(500))
    assert sentence == "dead model: the same score for all 500 validation events"
    assert dead_model(np.full(500, 0.3), events(500), calibrated=False) == sentence


@pytest.mark.parametrize("signal", [0.5, 0.1])
def test_a_loss_stuck_at_guessing_is_dead(signal: float) -> None:
    part = events(4000, signal=signal)
    share = part.target.mean()
    noise = np.random.default_rng(1).normal(size=4000) * 1e-3
    sentence = dead_model(np.log(share / (1 - share)) + noise, part)
    guess = -share * log(share) - (1 - share) * log(1 - share)
    assert sentence is not None
    assert sentence.startswith(f"dead model: validation loss {guess:.4f}"[:-1])


def test_scores_without_relation_to_the_truth_are_dead() -> None:
    logits = np.random.default_rng(1).normal(size=4000)
    assert dead_model(logits, events(4000)) is not None
    # Where scores are no probabilities, their loss is no sign of death.
    assert dead_model(logits, events(4000), calibrated=False) is None


def test_a_weak_but_true_separation_is_alive() -> None:
    part = events(20_000)
    # Two unit Gaussians 0.2 apart: AUC 0.556. The true log-likelihood ratio is 0.2 x - 0.02.
    x = np.random.default_rng(1).normal(size=20_000) + 0.2 * part.target
    assert dead_model(0.2 * x - 0.02, part) is None


def test_figures_of_many_events_are_those_of_all_at_once() -> None:
    """Many are taken in blocks: in the last bit what numpy finds without."""
    random, n = np.random.default_rng(4), 300_000
    part = Part(
        inputs=np.zeros((n, 1), np.float32),
        target=random.integers(0, 2, n).astype(np.float32),
        weight=random.normal(1, 0.5, n).astype(np.float32),
    )
    logits, weight, signal = np.round(random.normal(size=n), 3), part.weight.astype(np.float64), part.target == 1
    found = measure(logits, part)
    assert found.loss == np.average(np.logaddexp(0.0, logits) - part.target * logits, weights=weight)
    assert found.accuracy == np.average((logits > 0) == signal, weights=weight)
    _, place = np.unique(logits, return_inverse=True)
    background = np.bincount(place, weights=np.where(signal, 0.0, weight))
    below = np.cumsum(background) - background / 2
    wins = np.sum(weight[signal] * below[place[signal]])
    assert found.auc == wins / (weight[signal].sum() * weight[~signal].sum())
