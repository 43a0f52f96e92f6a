"""Greedy selection of an ensemble: as its slow definition, the same for any order of finishing, and no worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.roc import auc
from hepsieve.tune.ensemble_selection import Scores, cross_fitted, select_ensemble


def sample(n: int, models: int, seed: int) -> tuple[np.ndarray, dict[str, Scores]]:
    """Targets, and scores of models of which each sees a noise of its own."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n).astype(float)
    noise = rng.uniform(1, 3, models)
    scores = {f"m{k}": 1 / (1 + np.exp(-(target - 0.5 + noise[k] * rng.normal(size=n)))) for k in range(models)}
    return target, scores


def by_auc(target: np.ndarray) -> Callable[[Scores], float]:
    def figure(scores: Scores) -> float:
        value = auc(Ranked.of(target, scores))
        assert value is not None
        return value

    return figure


def slow_selection(models: Mapping[str, Scores], figure: Callable[[Scores], float], steps: int) -> dict[str, float]:
    """The definition, word by word, with every mean taken anew."""

    def of(bag: list[str]) -> float:
        return figure(np.mean([models[name] for name in bag], axis=0))

    order = sorted(models, key=lambda name: -of([name]))[:5]
    bags = [order[:k] for k in range(1, len(order) + 1)]
    bag = max(bags, key=of)
    seen = [bag]
    for _ in range(steps):
        bag = [*bag, max(models, key=lambda name: of([*bag, name]))]
        seen.append(bag)
    best = max(seen, key=of)
    return {name: float(Fraction(Counter(best)[name], len(best))) for name in models if name in best}


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_its_definition_says(seed: int) -> None:
    target, models = sample(400, 6, seed)
    found = select_ensemble(models, by_auc(target), steps=12)
    assert found == pytest.approx(slow_selection(models, by_auc(target), 12))
    assert sum(found.values()) == pytest.approx(1)


def test_the_ensemble_is_at_least_as_good_as_the_best_model_where_it_was_chosen() -> None:
    target, models = sample(300, 8, 5)
    figure = by_auc(target)
    weights = select_ensemble(models, figure, steps=20)
    together = figure(np.sum([weight * models[name] for name, weight in weights.items()], axis=0))
    assert together >= max(map(figure, models.values()))
    assert len(weights) > 1


def test_more_steps_are_never_worse() -> None:
    target, models = sample(300, 6, 6)
    figure = by_auc(target)
    found = [
        figure(np.sum([w * models[name] for name, w in select_ensemble(models, figure, steps=n).items()], axis=0))
        for n in (0, 3, 10, 30)
    ]
    assert all(after >= before - 1e-12 for before, after in pairwise(found))


def test_of_equal_models_the_first_is_taken() -> None:
    target, models = sample(300, 1, 7)
    same = {"second": models["m0"], "first": models["m0"].copy()}
    assert select_ensemble(same, by_auc(target), steps=10) == {"second": 1.0}


def test_a_loss_counts_with_a_minus() -> None:
    rng = np.random.default_rng(8)
    truth = rng.uniform(size=500)
    models = {name: truth + rng.normal(scale=0.1, size=500) + shift for name, shift in (("up", 0.1), ("down", -0.1))}
    weights = select_ensemble(models, lambda scores: -float(np.sqrt(np.mean((scores - truth) ** 2))), steps=20)
    # Equal and opposite shifts cancel where both count half.
    assert weights["up"] == pytest.approx(0.5, abs=0.1)


def test_a_fair_score_has_no_part_in_its_own_weights() -> None:
    """Of models that know nothing, a selection finds some that look good; the fair scores don't."""
    flattered, fair = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        target = rng.integers(0, 2, 200).astype(float)
        models = {f"m{k}": rng.uniform(size=200) for k in range(12)}
        weights = select_ensemble(models, by_auc(target), steps=15)
        flattered.append(by_auc(target)(np.sum([w * models[name] for name, w in weights.items()], axis=0)))
        scores = cross_fitted(
            models,
            lambda s, rows, target=target: by_auc(target[rows])(s),  # type: ignore[misc]
            steps=15,
            parts=4,
            rng=np.random.default_rng(seed),
        )
        fair.append(by_auc(target)(scores))
    # One AUC of 200 events has a standard deviation of 0.04, the mean of twelve one of 0.012.
    assert np.mean(flattered) > 0.56
    assert abs(np.mean(fair) - 0.5) < 0.05
