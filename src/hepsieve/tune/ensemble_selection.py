"""Scores of several models to the weights of their best mean: greedy selection with replacement.

Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004,
doi 10.1145/1015330.1015432.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Figure = Callable[[Scores], float]
"""How good the scores are; the larger the better."""

MOST_FIRST = 5
"""Of how many models the ensemble may consist before any is added greedily."""
_EQUAL = 1e-12


def select_ensemble(models: Mapping[str, Scores], figure: Figure, *, steps: int) -> dict[str, float]:
    """The weights of the models in the best mean that greedy steps lead to; they add up to 1.

    The ensemble begins with the best few models, as many as have the best mean. Each step then adds the model that
    makes the mean best, which may be one that is there already. The best ensemble on the way is kept, of equal ones the
    first; of equal models the first in the order of ``models`` is taken. So the result depends on the scores alone.

    Args:
        models: by name, scores of the same events that none of them learned from, shape (n,).
        figure: what is to be large.
        steps: how many models are added, at most.

    Returns:
        The weights of the models that were chosen, in the order of ``models``.
    """
    figures = {name: figure(scores) for name, scores in models.items()}
    chosen = _best_few(models, figures, figure)
    total = np.sum([models[name] for name in chosen], axis=0)
    best, best_figure = list(chosen), figure(total / len(chosen))
    for _ in range(steps):
        found = {name: figure((total + scores) / (len(chosen) + 1)) for name, scores in models.items()}
        added = _first_best(found)
        chosen.append(added)
        total = total + models[added]
        if found[added] > best_figure + _EQUAL:
            best, best_figure = list(chosen), found[added]
    return {name: float(Fraction(best.count(name), len(best))) for name in models if name in best}


def cross_fitted(
    models: Mapping[str, Scores],
    figure_on: Callable[[Scores, NDArray[np.int64]], float],
    *,
    steps: int,
    parts: int,
    rng: np.random.Generator,
) -> Scores:
    """Scores of ensembles that were each selected without the events that they score, shape (n,).

    What the selection makes of the validation events by chance has no part in them.

    Args:
        models: as of `select_ensemble`.
        figure_on: how good scores of these rows are, shape (m,) each.
        steps: likewise.
        parts: into how many parts the events are divided.
        rng: divides them.
    """
    n = len(next(iter(models.values())))
    part = rng.permutation(n) % parts
    found = np.empty(n)
    for number in range(parts):
        rows, others = np.flatnonzero(part == number), np.flatnonzero(part != number)
        weights = select_ensemble(
            {name: scores[others] for name, scores in models.items()},
            lambda scores, others=others: figure_on(scores, others),  # type: ignore[misc]
            steps=steps,
        )
        found[rows] = np.sum([weight * models[name][rows] for name, weight in weights.items()], axis=0)
    return found


def _best_few(models: Mapping[str, Scores], figures: Mapping[str, float], figure: Figure) -> list[str]:
    """The best models, as many (up to five) as have the best mean."""
    order = sorted(models, key=lambda name: -figures[name])[:MOST_FIRST]
    # Named by its last model, each mean is that of all up to it.
    means = {name: figure(np.mean([models[one] for one in order[: k + 1]], axis=0)) for k, name in enumerate(order)}
    return order[: order.index(_first_best(means)) + 1]


def _first_best(figures: Mapping[str, float]) -> str:
    """Of equal ones, to the rounding of a sum, the first."""
    best = next(iter(figures))
    for name, value in figures.items():
        if value > figures[best] + _EQUAL:
            best = name
    return best
