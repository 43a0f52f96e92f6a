"""Toy samples whose true figures are known, with the intervals that hepsieve puts around what it finds in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, assert_never

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from scipy.stats import norm, t

from bench.replicas import drawn_classes, drawn_events, residual_figures, score_figures
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.compare_regressions import compare_regressions
from hepsieve.evaluate.confusion import confusion
from hepsieve.evaluate.intervals import auc_quantity, delong_interval, share_of
from hepsieve.evaluate.metrics import BINS, Figures
from hepsieve.evaluate.quantities import efficiency_quantities, loss_quantities, significance_quantity
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.residuals import ResidualFigures, Residuals, tolerance_accuracy
from hepsieve.evaluate.results import Quantity, Scored
from hepsieve.evaluate.significance import asimov

Floats = NDArray[np.float64]
Weights = Literal["1", "varying", "rising", "negative"]
Family = Literal["scores", "proportion", "regression", "two scores", "two regressions"]

# A run makes 1,000: percentiles of fewer are noisier, and can only cover less.
RESAMPLES = 400
SIGNAL_EFFICIENCY, BACKGROUND_EFFICIENCY = 0.5, 0.1
SIGNAL_YIELD, BACKGROUND_YIELD = 50.0, 1000.0
NOISE, TOLERANCE = 0.05, 0.1
# By how much weights that rise with the feature move its mean.
TILT = 0.5
# Errors of a regression: normal ones, and Student's with five degrees of freedom, whose tails are long.
LAWS: dict[str, Any] = {"normal": norm, "long tails": t(5)}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One kind of toy sample.

    Attributes:
        family: what is measured.
        events: in all; of two classes, half each, or by chance.
        weights: all 1; of a gamma distribution with n_eff = 2n/3; exp(x/2), rising with the feature (n_eff = 0.78 n);
            or 15 % of them negative (n_eff = 0.45 n).
        truth: the true AUC, or the true share of a proportion.
        stretch: what the logits of true probabilities are multiplied with: not 1 is badly calibrated.
        law: of the errors of a regression.
        by_chance: whether each event's class is drawn, so that the numbers of events of each class vary.
    """

    family: Family
    events: int
    weights: Weights = "1"
    truth: float = 0.0
    stretch: float = 1.0
    law: str = "normal"
    by_chance: bool = False

    @property
    def sample(self) -> str:
        """The kind of sample in words."""
        match self.family:
            case "scores" | "two scores":
                calibration = "" if self.stretch == 1 else ", overconfident"
                classes = ", classes by chance" if self.by_chance else ""
                return f"AUC {self.truth:g}{calibration}{classes}"
            case "proportion":
                return f"share {self.truth:g}"
            case "regression" | "two regressions":
                return f"{self.law} errors"
            case _:
                assert_never(self.family)

    @property
    def distance(self) -> float:
        """Of the classes' unit normal features: the AUC is Φ(d/√2)."""
        return float(np.sqrt(2) * norm.ppf(self.truth))


def found(cell: Cell, rng: Generator, seed: int) -> dict[str, Quantity]:
    """The figures of one toy sample with their intervals."""
    match cell.family:
        case "scores":
            return _scores(cell, rng, seed)
        case "proportion":
            return _proportion(cell, rng)
        case "regression":
            return _regression(cell, rng, seed)
        case "two scores":
            return _two_scores(cell, rng)
        case "two regressions":
            return _two_regressions(cell, rng, seed)
        case _:
            assert_never(cell.family)


@cache
def truths(cell: Cell) -> dict[str, float]:
    """The true figures of a cell's law: closed forms, or integrals over a fine grid."""
    match cell.family:
        case "scores":
            return _true_scores(cell)
        case "proportion":
            odds = 3.0 if cell.weights == "rising" else 1.0
            return {"proportion": odds * cell.truth / (odds * cell.truth + 1 - cell.truth)}
        case "regression":
            return _true_residuals(cell)
        case "two scores":
            return {"AUC difference (DeLong, paired)": float(ndtr(cell.distance / np.sqrt(2 * 1.2)) - cell.truth)}
        case "two regressions":
            return {"RMSE difference (paired)": NOISE * (np.sqrt(1.2) - 1) * float(LAWS[cell.law].std())}
        case _:
            assert_never(cell.family)


def _weights(kind: Weights, rng: Generator, deviation: Floats) -> Floats:
    """Event weights; ``deviation`` is how far each event's feature lies from its class's mean."""
    n = len(deviation)
    match kind:
        case "1":
            return np.ones(n)
        case "varying":
            return rng.gamma(2.0, 0.5, n)
        case "rising":
            return np.exp(TILT * deviation)
        case "negative":
            return np.where(rng.uniform(size=n) < 0.15, -1.0, 1.0) * rng.uniform(0.5, 1.5, n)
        case _:
            assert_never(kind)


def _classes(cell: Cell, rng: Generator) -> tuple[Floats, Floats, Floats]:
    half = np.repeat([0.0, 1.0], cell.events // 2)
    target = rng.integers(2, size=cell.events).astype(np.float64) if cell.by_chance else half
    deviation = rng.normal(size=len(target))
    return target, deviation + cell.distance * target, _weights(cell.weights, rng, deviation)


def _score(cell: Cell, x: Floats) -> Floats:
    score: Floats = expit(cell.stretch * cell.distance * (x - cell.distance / 2))
    return score


def _scores(cell: Cell, rng: Generator, seed: int) -> dict[str, Quantity]:
    target, x, weight = _classes(cell, rng)
    sample = Ranked.of(target, _score(cell, x), weight)
    wanted: dict[str, Any] = {
        "signal_efficiencies": [SIGNAL_EFFICIENCY],
        "background_efficiencies": [BACKGROUND_EFFICIENCY],
    }
    cut = float(_score(cell, _cut(cell)))
    figures = Figures(sample, **wanted, cut=cut)
    drawn = drawn_classes(sample, resamples=RESAMPLES, seed=seed)
    replicas = score_figures(sample, *drawn, **wanted, cut=cut)
    losses = loss_quantities(sample, figures, replicas)
    rejection, efficiency = efficiency_quantities(sample, figures, replicas, **wanted).values()
    called = confusion(sample, ("background", "signal"))[1]
    return {
        "AUC (bootstrap)": auc_quantity(sample, figures.nominal["auc"], replicas[:, 0]),
        "AUC (DeLong)": delong_interval(sample),
        "log loss": losses["log_loss"],
        "Brier": losses["brier"],
        "ECE": losses["ece"],
        "accuracy": called.accuracy,
        "precision": called.per_class[1].precision,
        "recall": called.per_class[1].recall,
        "F1": called.per_class[1].f1,
        "rejection at 50 % signal": rejection,
        "signal efficiency at 10 % background": efficiency,
        "significance": significance_quantity(
            sample, figures, replicas, signal_yield=SIGNAL_YIELD, background_yield=BACKGROUND_YIELD
        ),
    }


def _cut(cell: Cell) -> Floats:
    """The feature at which the significance is measured: a third of the signal lies above."""
    return np.array(cell.distance + 0.43)


def _true_scores(cell: Cell) -> dict[str, float]:
    d, tilt = cell.distance, TILT if cell.weights == "rising" else 0.0
    x = np.linspace(-9, 9 + d, 200_001)
    step = x[1] - x[0]
    b, s = norm.pdf(x - tilt) * step, norm.pdf(x - tilt - d) * step
    p = _score(cell, x)
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    # The sample's bins hold equal numbers of events, whatever these weigh.
    events = np.cumsum(norm.pdf(x) + norm.pdf(x - d)) * step / 2
    edges = np.searchsorted(events, np.arange(1, BINS) / BINS)
    gaps = [part.sum() for part in np.split((s * (1 - p) - b * p) / 2, edges)]
    called = p >= 0.5
    right, wrong = float(s[called].sum()), float(b[called].sum())
    at_half = float(ndtr(-d))
    kept = float(ndtr(d - norm.isf(BACKGROUND_EFFICIENCY)))
    efficiencies = [float(ndtr(mean + tilt - _cut(cell))) for mean in (d, 0.0)]
    return {
        "AUC (bootstrap)": cell.truth,
        "AUC (DeLong)": cell.truth,
        "log loss": float(-(b @ np.log(1 - clipped) + s @ np.log(clipped)) / 2),
        "Brier": float((b @ p**2 + s @ (1 - p) ** 2) / 2),
        "ECE": float(np.abs(gaps).sum()) if tilt or cell.stretch != 1 else 0.0,
        "accuracy": (right + 1 - wrong) / 2,
        "precision": right / (right + wrong),
        "recall": right,
        "F1": 2 * right / (1 + right + wrong),
        "rejection at 50 % signal": 1 / at_half,
        "signal efficiency at 10 % background": kept,
        "significance": float(
            asimov(np.array(SIGNAL_YIELD * efficiencies[0]), np.array(BACKGROUND_YIELD * efficiencies[1]))
        ),
    }


def _proportion(cell: Cell, rng: Generator) -> dict[str, Quantity]:
    passed = rng.uniform(size=cell.events) < cell.truth
    # Here what rises is the weight of those that pass, threefold.
    kind = cell.weights
    weight = np.where(passed, 3.0, 1.0) if kind == "rising" else _weights(kind, rng, np.zeros(cell.events))
    return {"proportion": share_of(weight, passed)}


def _predictions(cell: Cell, rng: Generator) -> Predicted:
    target = rng.uniform(0.3, 0.7, cell.events)
    error = LAWS[cell.law].rvs(size=cell.events, random_state=rng)
    weight = _weights(cell.weights, rng, error)
    return Predicted(target=target, prediction=target + NOISE * error, weight=weight)


def _regression(cell: Cell, rng: Generator, seed: int) -> dict[str, Quantity]:
    predicted = _predictions(cell, rng)
    ranked = Residuals.of(predicted)
    drawn = drawn_events(ranked.weight, resamples=RESAMPLES, seed=seed)
    replicas = residual_figures(ranked.residual, drawn)
    quantities = ResidualFigures(ranked.residual, ranked.weight).quantities(replicas)
    titles = {"rmse": "RMSE", "mae": "MAE", "bias": "bias", "resolution": "resolution"}
    named = {titles[name]: quantity for name, quantity in quantities.items()}
    return {**named, "tolerance accuracy": tolerance_accuracy(predicted, TOLERANCE)}


def _true_residuals(cell: Cell) -> dict[str, float]:
    law = LAWS[cell.law]
    error = np.linspace(-60, 60, 600_001)
    density = law.pdf(error) * (error[1] - error[0])
    # A target is rounded to the multiple of the tolerance that its prediction has to be rounded to as well.
    target = np.linspace(0.3, 0.7, 40_001)[1:-1]
    ends = (np.rint(target / TOLERANCE)[:, None] + np.array([-0.5, 0.5])) * TOLERANCE
    share = np.diff(law.cdf((ends - target[:, None]) / NOISE), axis=1)
    return {
        "RMSE": NOISE * float(law.std()),
        "MAE": NOISE * float(np.abs(error) @ density),
        "bias": 0.0,
        "resolution": NOISE * float(law.ppf(0.84)),
        "tolerance accuracy": float(share.mean()),
    }


def _two_scores(cell: Cell, rng: Generator) -> dict[str, Quantity]:
    target, x, weight = _classes(cell, rng)
    # The other model sees the feature blurred: its normal distributions are √1.2 times as wide.
    blurred = x + np.sqrt(0.2) * rng.normal(size=len(x))
    scored = {
        name: Scored(target=target, score=score, weight=weight) for name, score in (("best", x), ("other", blurred))
    }
    return {"AUC difference (DeLong, paired)": compare_to_best(scored, "best")[0].difference}


def _two_regressions(cell: Cell, rng: Generator, seed: int) -> dict[str, Quantity]:
    best = _predictions(cell, rng)
    noise = LAWS[cell.law].rvs(size=cell.events, random_state=rng)
    # Both errors have parts in common; the other's variance is 1.2 times as large.
    error = np.sqrt(0.6) * (best.prediction - best.target) + NOISE * np.sqrt(0.6) * noise
    other = replace(best, prediction=best.target + error)
    predicted: Mapping[str, Predicted] = {"best": best, "other": other}
    compared = compare_regressions(predicted, "best", resamples=RESAMPLES, seed=seed, threads=1)
    return {"RMSE difference (paired)": compared[0].difference}
