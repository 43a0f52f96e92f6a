"""Figures of several models on the same events turned into what choosing the best of them gives by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

from hepsieve.evaluate.choose import less_is_better, metric_word
from hepsieve.evaluate.compare import LEAST_FREEDOM, ROUNDING
from hepsieve.evaluate.event_shares import classification_shares, regression_shares
from hepsieve.evaluate.intervals import around
from hepsieve.evaluate.means import TAIL
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.selection_results import On, Selection, selection_sentence

DRAWS = 20_000
NORMAL_TAIL = 1.959963984540054


def selection(
    scored: Mapping[str, Scored], figures: Mapping[str, float | None], *, by: str, on: On, seed: int = 0
) -> Selection | None:
    """What choosing by one figure gives, from scores of the same events.

    Under the hypothesis that all models are equally good their figures are a draw from a normal distribution of mean 0
    with the covariance matrix of the figures: DeLong's of AUCs (Biometrics 44 (1988) 837, weighted), that of weighted
    means for log loss, Brier score and accuracy (each class keeping its number of events). The lead of the best is then
    the gap of the two largest of a correlated sample: exact for two models, else from 20,000 seeded draws. Many equally
    good models make the lead over the next smaller, not larger; so ``p_value`` alone tells that not all are equal, and
    ``p_ahead``, whose least favourable case is two equal models at the top (Gutmann and Maymin, Ann. Statist. 15 (1987)
    456), whether the winner is ahead.

    Args:
        scored: scores by model, of the same events in the same order.
        figures: the figure of each model on these events, which chose; None is undefined.
        by: ``auc``, ``accuracy``, ``log_loss`` or ``brier``.
        on: what the events are.
        seed: of the draws, and of the events that stand for very many.

    Returns:
        None with fewer than two figures, or too few events of a class.
    """
    known = {name: value for name, value in figures.items() if value is not None and name in scored}
    if len(known) < 2:
        return None
    shares = classification_shares({name: scored[name] for name in known}, by, seed=seed)
    if shares is None:
        return None
    signal = int(np.count_nonzero(next(iter(scored.values())).target))
    fewest = min(signal, len(next(iter(scored.values())).target) - signal)
    return selection_of(shares, known, by=by, on=on, fewest=fewest, seed=seed)


def regression_selection(
    predicted: Mapping[str, Predicted], figures: Mapping[str, float | None], *, by: str, on: On, seed: int = 0
) -> Selection | None:
    """What choosing by ``rmse`` or ``mae`` gives; the covariance of RMSEs by the delta method. See ``selection``."""
    known = {name: value for name, value in figures.items() if value is not None and name in predicted}
    if len(known) < 2:
        return None
    shares = regression_shares({name: predicted[name] for name in known}, by, seed=seed)
    if shares is None:
        return None
    n = len(next(iter(predicted.values())).target)
    return selection_of(shares, known, by=by, on=on, fewest=n, seed=seed)


def selection_of(
    shares: Floats, figures: Mapping[str, float], *, by: str, on: On, fewest: int, seed: int = 0
) -> Selection:
    """What choosing gives, from what each event adds to the error of each figure.

    Args:
        shares: shape (models, n), in the order of ``figures``; the products of two rows sum up to the covariance of two
            figures. Resampled figures, less their mean and divided by √(n − 1), are such shares too.
        figures: at least two.
        by: the metric, which tells whether more or less is better.
        on: what the events are.
        fewest: how many events there are, of two classes in the smaller.
        seed: of the draws.
    """
    sign = -1.0 if less_is_better(by) else 1.0
    names, values = list(figures), sign * np.array(list(figures.values()))
    order = np.argsort(-values, kind="stable")  # of equals the first wins, as in ``choose_best``
    first, second = int(order[0]), int(order[1])
    lead, over_mean = float(values[first] - values[second]), float(values[first] - values.mean())
    # What all models share has no part in any lead.
    contrasts = shares - shares.mean(axis=0)
    # einsum and not BLAS: the sums must not depend on the number of BLAS threads.
    covariance = np.einsum("in,jn->ij", contrasts, contrasts)
    gaps, above = _leads(covariance, seed)
    tests = [_paired(contrasts[first] - contrasts[k], float(values[first] - values[k]), fewest) for k in order[1:]]
    error, tail = tests[0].error, tests[0].tail
    half = NORMAL_TAIL * sqrt(max(float(covariance[first, first]), 0.0))
    if len(names) == 2:  # the draws only come near what is known
        expected, high = error * sqrt(2 / pi), NORMAL_TAIL * error
        p = tests[0].p_value
        expected_above, high_above = expected / 2, high / 2
    else:
        expected, high = float(gaps.mean()), float(np.quantile(gaps, 0.95))
        expected_above, high_above = float(above.mean()), float(np.quantile(above, 0.95))
        p = (1 + int((gaps >= lead * (1 - ROUNDING)).sum())) / (1 + len(gaps))
    found = Selection(
        on=on,
        by=by,
        winner=names[first],
        runner_up=names[second],
        lead=around(lead, (lead - tail * error, lead + tail * error)),
        lead_over_mean=around(over_mean, (over_mean - half, over_mean + half)),
        expected_lead=expected,
        expected_high=high,
        expected_over_mean=expected_above,
        expected_over_mean_high=high_above,
        p_value=min(p, 1.0),
        p_ahead=max(test.p_value for test in tests),
        n_models=len(names),
        says="",
    )
    return found.model_copy(update={"says": selection_sentence(found, word=metric_word(by))})


def _leads(covariance: Floats, seed: int) -> tuple[Floats, Floats]:
    """Draws of the lead of the best over the next, and over the mean of all, where all are equally good."""
    k = len(covariance)
    normal = np.random.default_rng(seed).standard_normal((DRAWS, k))
    figures = np.einsum("ij,dj->di", _root(covariance), normal)
    top = np.partition(figures, k - 2, axis=1)[:, k - 2 :]
    best = top.max(axis=1)
    return best - top.min(axis=1), best - figures.mean(axis=1)


def _root(covariance: Floats) -> Floats:
    """Cholesky's root of a covariance matrix that may be singular: what depends on the rows before adds nothing."""
    root = np.zeros_like(covariance)
    least = ROUNDING * float(np.max(np.diag(covariance), initial=0.0))
    for k in range(len(covariance)):
        column = covariance[k:, k] - np.einsum("ij,j->i", root[k:, :k], root[k, :k])
        if column[0] > least:
            root[k:, k] = column / np.sqrt(column[0])
    return root


@dataclass(frozen=True, kw_only=True)
class _Paired:
    """The standard error of a lead, its two-sided p-value, and the quantile behind its interval."""

    error: float
    p_value: float
    tail: float


def _paired(change: Floats, lead: float, fewest: int) -> _Paired:
    """A lead against none, as in ``compare_to_best``.

    Student's, with Kish's number of the events that make up the variance, less one, as degrees of freedom; where every
    event changes alike, a sign test.
    """
    squares = np.square(change)
    variance = float(squares.sum())
    error = sqrt(variance)
    if lead <= ROUNDING:
        return _Paired(error=error, p_value=1.0, tail=NORMAL_TAIL)
    if error <= ROUNDING * lead:
        return _Paired(error=0.0, p_value=min(1.0, 2.0 ** (1 - fewest)), tail=0.0)
    freedom = max(variance**2 / float(np.square(squares).sum()) - 1, LEAST_FREEDOM)
    return _Paired(error=error, p_value=float(2 * stdtr(freedom, -lead / error)), tail=float(stdtrit(freedom, TAIL)))
