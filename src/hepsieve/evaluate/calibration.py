"""Held-out scores and truth to a calibration of the scores, and whether it helps: never a test event."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from hepsieve.evaluate.intervals import around
from hepsieve.evaluate.isotonic import fit_isotonic
from hepsieve.evaluate.metrics import CLIP
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Scored
from hepsieve.score_map import Isotonic, ScoreCalibration, Temperature

MOST = 100.0
"""The highest temperature that is looked for; the lowest is its inverse."""
FOLDS = 5
_TWO_SIDED = 1.959964  # of a normal distribution, 95 %
_WIDEST = 100.0  # an interval of the logarithm that is wider to either side tells nothing

Fitted = Temperature | Isotonic


def calibrate(
    sample: Scored,
    method: Literal["temperature", "isotonic"],
    *,
    only_if_it_helps: bool,
    seed: int,
    events: str = "validation events",
) -> ScoreCalibration:
    """Fit a calibration, and decide whether the scores go through it.

    A temperature helps significantly if its 95 % interval leaves out 1, the score test rejects 1 at 5 % as well (with
    few events or uneven weights the interval alone is too eager), and the log loss falls when it is cross-fitted.
    Isotonic regression helps if the 95 % interval of the cross-fitted change of the log loss is below 0. Negative
    weights stay negative, as in every figure.

    Args:
        sample: held-out events: validation, or out-of-fold; never test.
        method: what to fit.
        only_if_it_helps: leave the scores as they are unless it helps significantly; else they are calibrated anyway.
        seed: deals the events into the folds of the cross-fitting.
        events: what the events are called in the sentence that says why.
    """
    fitted = fit(sample, method)
    n = len(sample.score)
    if fitted is None:
        why = f"the {n:,} {events} don't determine {_TITLES[method]}, so the scores stay as they are."
        return ScoreCalibration(method=method, applied=False, why=_upper(why), n_events=n)
    change = cross_fitted_change(sample, method, seed=seed)
    helps = _helps(fitted, change, sample)
    applied = helps or not only_if_it_helps
    return ScoreCalibration(
        method=method,
        applied=applied,
        why=_why(fitted, change, helps=helps, applied=applied, n=n, events=events),
        fitted=fitted,
        n_events=n,
    )


def fit(sample: Scored, method: Literal["temperature", "isotonic"]) -> Fitted | None:
    """The calibration of this kind that minimises the log loss; None if the events don't determine it."""
    if not float(sample.weight.sum()) > 0:
        return None
    return fit_temperature(sample) if method == "temperature" else fit_isotonic(sample)


def fit_temperature(sample: Scored) -> Temperature | None:
    """The temperature that minimises the weighted log loss, with the 95 % interval of its logarithm.

    The standard error is the observed information's, with the sandwich that weights need: White, Econometrica 50 (1982)
    1. Logits count up to those of 1e-7 and 1 − 1e-7, as in the log loss itself.

    None if no temperature from 0.01 to 100 is a minimum: of scores that are constant, the wrong way round, or all on
    the right side.

    Args:
        sample: held-out events; weights may be negative.
    """
    logits, truth, weight = _logits(sample.score), sample.target, sample.weight

    def slope(log_inverse: float) -> float:
        inverse = np.exp(log_inverse)
        return float(np.sum(weight * (expit(inverse * logits) - truth) * logits))

    ends = -np.log(MOST), np.log(MOST)
    if not (slope(ends[0]) < 0 < slope(ends[1])):
        return None
    found = float(brentq(slope, *ends, xtol=1e-13))
    scaled = np.exp(found) * logits
    score = expit(scaled)
    information = float(np.sum(weight * score * (1 - score) * scaled**2))
    if not information > 0:
        return None
    error = float(np.sqrt(np.sum((weight * (score - truth) * scaled) ** 2))) / information
    if not _TWO_SIDED * error < _WIDEST:
        return None
    low, value, high = np.exp([-found - _TWO_SIDED * error, -found, -found + _TWO_SIDED * error])
    return Temperature(temperature=float(value), low=float(low), high=float(high))


def cross_fitted(sample: Scored, method: Literal["temperature", "isotonic"], *, seed: int) -> Floats | None:
    """Calibrated scores, shape (n,), each by a calibration that was fitted on other events of the sample.

    Args:
        sample: held-out events, dealt into five folds, class by class.
        method: what is fitted on four of them and applied to the fifth.
        seed: deals the events.

    Returns:
        None if the events of some four folds don't determine the calibration.
    """
    fold = _folds(sample.target, seed)
    score = np.empty(len(sample.score))
    for number in range(FOLDS):
        here = fold == number
        others = Scored(target=sample.target[~here], score=sample.score[~here], weight=sample.weight[~here])
        fitted = fit(others, method) if len(others.score) else None
        if fitted is None:
            return None
        score[here] = fitted(sample.score[here])
    return score


def cross_fitted_change(sample: Scored, method: Literal["temperature", "isotonic"], *, seed: int) -> Quantity:
    """By how much the log loss changes on events that the calibration was not fitted on, with its paired interval."""
    score = cross_fitted(sample, method, seed=seed)
    if score is None:
        return around(None, None)
    after = Scored(target=sample.target, score=score, weight=sample.weight)
    difference = losses(after) - losses(sample)
    total = float(sample.weight.sum())
    mean = float(np.sum(sample.weight * difference)) / total
    error = float(np.sqrt(np.sum((sample.weight * (difference - mean)) ** 2))) / abs(total)
    return around(mean, (mean - _TWO_SIDED * error, mean + _TWO_SIDED * error))


def losses(sample: Scored) -> Floats:
    """What each event contributes to the log loss, per unit of weight, shape (n,)."""
    clipped = np.clip(sample.score, CLIP, 1 - CLIP)
    return np.asarray(-np.log(np.where(sample.target > 0.5, clipped, 1 - clipped)))


def _logits(score: Floats) -> Floats:
    return np.asarray(logit(np.clip(score, CLIP, 1 - CLIP)))


def _folds(target: Floats, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    fold = np.empty(len(target), np.int64)
    for label in (False, True):
        rows = rng.permutation(np.flatnonzero((target > 0.5) == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _score_test(sample: Scored) -> float:
    """How many standard deviations the slope of the log loss in the temperature is from 0, where that is 1.

    Rao's score test, as in Boos, American Statistician 46 (1992) 327. The variance is that of calibrated scores, or the
    events' own where that is larger: few events hide how rare and heavy confident mistakes are.
    """
    logits = _logits(sample.score)
    score = expit(logits)
    slopes = sample.weight * (score - sample.target) * logits
    expected = np.sum(sample.weight**2 * score * (1 - score) * logits**2)
    return float(slopes.sum() / np.sqrt(max(expected, np.sum(slopes**2))))


def _helps(fitted: Fitted, change: Quantity, sample: Scored) -> bool:
    if change.value is None or change.high is None:
        return False
    match fitted:
        case Temperature():
            return change.value < 0 and not fitted.low <= 1 <= fitted.high and abs(_score_test(sample)) > _TWO_SIDED
        case Isotonic():
            return change.high < 0


_TITLES = {"temperature": "a temperature", "isotonic": "an isotonic calibration"}


def _why(fitted: Fitted, change: Quantity, *, helps: bool, applied: bool, n: int, events: str) -> str:
    match fitted:
        case Temperature():
            what = f"a temperature of {fitted.temperature:.3f} ({fitted.low:.3f}–{fitted.high:.3f})"
            verdict = (
                "it differs significantly from 1" if helps else "it does not differ significantly from 1 for the better"
            )
        case Isotonic():
            what = "isotonic regression"
            verdict = "that helps significantly" if helps else "that does not help significantly"
    cross = f"fitted on {n:,} {events}"
    if change.value is not None:
        value, low, high = (f"{number:+.5f}".replace("-", "−") for number in (change.value, change.low, change.high))
        cross = f"fitted on {n:,} {events}, changes their log loss by {value} ({low} to {high}) when it is cross-fitted"
    match applied, helps:
        case True, False:
            end = "it is applied because the configuration asks for it."
        case True, True:
            end = "the scores are calibrated by it."
        case _:
            end = "the scores stay as they are."
    return _upper(f"{what}, {cross}; {verdict}, {'and' if applied == helps else 'but'} {end}")


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
