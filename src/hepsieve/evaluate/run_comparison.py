"""Models on the same test events turned into figures, paired differences of all pairs, and what picking one gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hepsieve.errors import ConfigError
from hepsieve.evaluate.choose import less_is_better
from hepsieve.evaluate.compare import holm, paired_difference
from hepsieve.evaluate.compare_regressions import resampled_difference
from hepsieve.evaluate.importance import placements_by_event
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.resampled import Resampled, resampled_predictions, resampled_scores
from hepsieve.evaluate.results import Quantity, Scored
from hepsieve.evaluate.run_comparison_results import ModelPair
from hepsieve.evaluate.selection import regression_selection, selection, selection_of
from hepsieve.evaluate.selection_results import Selection

_BY_EVENT = ("auc", "accuracy", "log_loss", "brier", "rmse", "mae")
_NO_PAIRS = ("ece", "bias")

Test = Callable[[str, str], tuple[Quantity, float | None]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """What arrays tell about several models: their figures, all pairs of them, and the choice among them."""

    models: Mapping[str, Resampled]
    pairs: tuple[ModelPair, ...]
    selection: Selection | None


def compare_scores(
    scored: Mapping[str, Scored],
    *,
    by: str = "auc",
    signal_efficiencies: Sequence[float] = (0.3, 0.5, 0.7),
    background_efficiencies: Sequence[float] = (0.01, 0.1),
    resamples: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Compared:
    """Every pair of models on the same events, in one metric.

    Differences of AUCs are paired by DeLong's covariance, as in ``compare_to_best``; those of other metrics by a
    bootstrap that draws the same events for all models, as in ``compare_regressions``. Holm's correction covers all
    pairs, k (k − 1)/2 of k models; other metrics are quoted, not tested.

    Args:
        scored: scores by model, of the same events in the same order.
        by: the metric, one of those that are quoted.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        resamples: bootstrap resamples behind intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        ConfigError: if the metric is none of theirs.
        DataError: if a class has no events, or no positive total weight.
    """
    models = resampled_scores(
        scored,
        signal_efficiencies=signal_efficiencies,
        background_efficiencies=background_efficiencies,
        resamples=resamples,
        seed=seed,
        threads=threads,
    )
    _require(by, models)
    figures = {name: one.metrics[by].value for name, one in models.items()}
    n = len(next(iter(scored.values())).target)
    test = _placed(scored) if by == "auc" else _resampled(models, by, n)
    chosen = (
        selection(scored, figures, by=by, on="test", seed=seed) if by in _BY_EVENT else _chosen(models, by, n, seed)
    )
    return Compared(models=models, pairs=_pairs(figures, test, by), selection=chosen)


def compare_predictions(
    predicted: Mapping[str, Predicted],
    *,
    by: str = "rmse",
    tolerances: Sequence[float] = (0.1,),
    resamples: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Compared:
    """The same of a regression: every pair by a bootstrap that draws the same events for all models.

    Raises:
        ConfigError: if the metric is none of theirs.
    """
    models = resampled_predictions(predicted, tolerances=tolerances, resamples=resamples, seed=seed, threads=threads)
    _require(by, models)
    figures = {name: one.metrics[by].value for name, one in models.items()}
    n = len(next(iter(predicted.values())).target)
    by_event = by in _BY_EVENT
    chosen = (
        regression_selection(predicted, figures, by=by, on="test", seed=seed)
        if by_event
        else _chosen(models, by, n, seed)
    )
    return Compared(models=models, pairs=_pairs(figures, _resampled(models, by, n), by), selection=chosen)


def _require(by: str, models: Mapping[str, Resampled]) -> None:
    first = next(iter(models.values()))
    known = [name for name in first.metrics if name in first.replicas and name not in _NO_PAIRS]
    if by not in known:
        raise ConfigError(f"--metric {by}: pairs can be compared in {', '.join(known)}")


def _placed(scored: Mapping[str, Scored]) -> Test:
    """Pairs by DeLong's covariance; the placements of every event are found once for each model."""
    placed = {name: placements_by_event(one.target, one.score, one.weight) for name, one in scored.items()}
    reference = next(iter(scored.values()))

    def test(first: str, second: str) -> tuple[Quantity, float | None]:
        return paired_difference(reference.target, reference.weight, placed[first] - placed[second])

    return test


def _resampled(models: Mapping[str, Resampled], by: str, n: int) -> Test:
    """Pairs by the resamples that all models share."""

    def test(first: str, second: str) -> tuple[Quantity, float | None]:
        one, other = models[first], models[second]
        values = one.metrics[by].value, other.metrics[by].value
        if values[0] is None or values[1] is None:
            return UNDEFINED, None
        with np.errstate(invalid="ignore"):
            change = one.replicas[by] - other.replicas[by]
        return resampled_difference(values[0] - values[1], change, n)

    return test


def _pairs(figures: Mapping[str, float | None], test: Test, by: str) -> tuple[ModelPair, ...]:
    """All pairs, those of the best model first; a model without a figure comes last."""
    sign = 1.0 if less_is_better(by) else -1.0
    order = sorted(figures, key=lambda name: np.inf if (value := figures[name]) is None else sign * value)
    tested = {pair: test(*pair) for pair in combinations(order, 2)}
    adjusted = iter(holm([p for _, p in tested.values() if p is not None]))
    return tuple(
        ModelPair(
            first=first,
            second=second,
            difference=difference,
            p_value=p,
            p_adjusted=None if p is None else next(adjusted),
        )
        for (first, second), (difference, p) in tested.items()
    )


def _chosen(models: Mapping[str, Resampled], by: str, n: int, seed: int) -> Selection | None:
    """The choice by a figure that is no mean over events: the covariance is that of the resamples."""
    figures = {name: value for name, one in models.items() if (value := one.metrics[by].value) is not None}
    if len(figures) < 2:
        return None
    drawn: Floats = np.stack([models[name].replicas[by] for name in figures])
    drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
    if drawn.shape[1] < 0.95 * len(models[next(iter(figures))].replicas[by]):
        return None
    shares = (drawn - drawn.mean(axis=1, keepdims=True)) / np.sqrt(drawn.shape[1] - 1)
    return selection_of(shares, figures, by=by, on="test", fewest=n, seed=seed)
