"""Raw features to what a trained model says of them: prepared, scored, averaged over their symmetric copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import FloatArray
from hepsieve.models.predictor import Predictor
from hepsieve.prepare import AnyPreparation
from hepsieve.prepare.copies import MirroredImages, TurnedTables
from hepsieve.spill import blocks, let_go

Floats = NDArray[np.float64]
# Values of raw features whose copies are scored together: enough to share among threads, and little memory.
_VALUES_AT_ONCE = 1 << 22


def scores_of(
    model: Predictor,
    preparation: AnyPreparation,
    features: FloatArray,
    names: tuple[str, ...],
    *,
    copies: MirroredImages | TurnedTables | None = None,
) -> Floats:
    """A model's scores of raw features, shape (n,); the means over symmetric copies, where there are any.

    Args:
        model: the trained model.
        preparation: how its inputs are made.
        features: shape (n, …, p).
        names: of the columns or channels.
        copies: what the scores are averaged over; the events alone if None.
    """
    if copies is None:
        return model.scores(preparation.apply(features, names))
    scores: Floats = np.empty(len(features))
    for rows in _blocks(features):
        some = copies.of(np.asarray(features[rows]), names)
        scores[rows] = mean_score([model.scores(preparation.apply(copy, names)) for copy in some])
        let_go(features)
    return scores


def mean_answers(
    model: Predictor,
    preparation: AnyPreparation,
    features: FloatArray,
    names: tuple[str, ...],
    *,
    copies: MirroredImages | TurnedTables | None = None,
) -> tuple[Floats, Floats | None]:
    """The same with the standard deviation of each score, where the model predicts it: over copies of their mixture."""
    if copies is None:
        inputs = preparation.apply(features, names)
        return model.scores(inputs), model.widths(inputs)
    scores: Floats = np.empty(len(features))
    widths: Floats | None = None
    for rows in _blocks(features):
        inputs_of_copies = [preparation.apply(copy, names) for copy in copies.of(np.asarray(features[rows]), names)]
        means = [model.scores(inputs) for inputs in inputs_of_copies]
        found = [width for inputs in inputs_of_copies if (width := model.widths(inputs)) is not None]
        scores[rows] = mean_score(means)
        if found:
            widths = np.empty(len(features)) if widths is None else widths
            widths[rows] = mixture_width(means, found)
        let_go(features)
    return scores, widths


def _blocks(features: FloatArray) -> Iterator[slice]:
    return blocks(features, rows=max(1, _VALUES_AT_ONCE // max(1, prod(features.shape[1:]))))


def mean_score(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The score of an ensemble: the mean of its members' scores."""
    return scores[0] if len(scores) == 1 else np.asarray(np.mean(scores, axis=0))


def weighted_mean(scores: Sequence[NDArray[np.float64]], weights: Sequence[float]) -> NDArray[np.float64]:
    """The score of an ensemble of models with weights that add up to 1: between its smallest and its largest."""
    total = weights[0] * scores[0]
    for weight, score in zip(weights[1:], scores[1:], strict=True):
        total = total + weight * score
    return np.asarray(np.clip(total, np.min(scores, axis=0), np.max(scores, axis=0)))


def mixture_width(
    scores: Sequence[NDArray[np.float64]],
    widths: Sequence[NDArray[np.float64]],
    weights: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """The standard deviation of an ensemble's prediction, shape (n,): that of the mixture of its members' normals.

    Its variance is the mean of the members' variances plus the variance of their means: section 2.4 of
    arXiv:1612.01474.

    >>> mixture_width([np.array([0.2]), np.array([0.4])], [np.array([0.1]), np.array([0.1])]).round(4).tolist()
    [0.1414]
    """
    centre = np.average(scores, axis=0, weights=weights)
    spread = np.average(np.square(np.asarray(scores) - centre), axis=0, weights=weights)
    return np.asarray(np.sqrt(np.average(np.square(widths), axis=0, weights=weights) + spread))
