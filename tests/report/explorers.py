"""Evaluations with counted scores, so that their pages have a threshold explorer."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from hepsieve.evaluate import counted, working_points
from hepsieve.evaluate.results import Evaluation, Scored


def toy_scores(n: int, *, distance: float, seed: int, weighted: bool = False) -> Scored:
    """n events of each class as a network would score them: float32 probabilities."""
    rng = np.random.default_rng(seed)
    target = np.repeat([0.0, 1.0], n)
    x = rng.normal(size=2 * n) + distance * target
    score = expit(distance * (x - distance / 2)).astype(np.float32).astype(np.float64)
    weight = rng.normal(1.0, 0.8, 2 * n) if weighted else np.ones(2 * n)
    return Scored(target=target, score=score, weight=weight)


def with_counts(evaluation: Evaluation, *, n: int = 1500, weighted: bool = False) -> Evaluation:
    """The same evaluation with counted scores of every model, each a little better than the one before."""
    models, points = {}, {}
    for k, (name, model) in enumerate(evaluation.models.items()):
        validation, test = (
            toy_scores(n, distance=1.2 + 0.4 * k, seed=s, weighted=weighted) for s in (2 * k, 2 * k + 1)
        )
        points[name] = working_points(
            validation=validation, test=test, signal_efficiencies=[0.3, 0.7], background_efficiencies=[0.01]
        )
        models[name] = model.model_copy(
            update={"counts": counted(validation=validation, test=test, points=points[name])}
        )
    return evaluation.model_copy(update={"models": models, "working_points": points})
