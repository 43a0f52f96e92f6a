"""Predictions minus truth, put in order once, and the figures that are quoted about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import DataError
from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import around, hull, share_of
from hepsieve.evaluate.means import mean_interval
from hepsieve.evaluate.ranked import Floats, Rows, Scratch
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Quantity, finite

FIGURES = ("mae", "rmse", "bias", "resolution")
"""What stands in the columns of ``ResidualFigures``."""
CENTRAL_68 = (0.16, 0.84)
# A share is reached that is missed by no more than the rounding of a sum.
ROUNDING = 1e-12
# The relative precision of a float32: so far a stored target may lie from the number that it stands for.
STORED = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, kw_only=True, eq=False)
class Residuals:
    """Predictions minus truth of some events, rising.

    Attributes:
        residual: shape (n,), rising.
        weight: shape (n,), in the same order.
        order: shape (n,), which event each is.
    """

    residual: Floats
    weight: Floats
    order: Rows

    @classmethod
    def of(cls, predicted: Predicted) -> Residuals:
        """Sort a sample."""
        residual = predicted.prediction - predicted.target
        order = np.argsort(residual, kind="stable")
        return cls(residual=residual[order], weight=predicted.weight[order], order=order)

    def __len__(self) -> int:
        """The number of events."""
        return len(self.residual)


class ResidualFigures:
    """A measure for ``bootstrap_events``: turns weights of rising residuals into mae, rmse, bias and resolution.

    ``mae`` is the weighted mean of the moduli, ``rmse`` the root of that of the squares, ``bias`` the weighted mean
    itself. ``resolution`` is half the distance of the residuals at which the running sum of weights first reaches 16 %
    and 84 % of the whole. Integer weights give what so many repetitions of the event give. NaN where the total weight
    is not positive, and for the root of a negative sum, which negative weights can leave.

    Args:
        residual: shape (n,), rising.
        weight: shape (n,), the events' own weights.
    """

    def __init__(self, residual: Floats, weight: Floats) -> None:
        """Compute each event's terms once."""
        self._residual, self._weight = residual, weight
        self._absolute, self._square = np.abs(residual), np.square(residual)
        self._rises = not (weight < 0).any()
        self._scratch = Scratch()
        self.nominal = self(weight)

    def quantities(self, replicas: Floats) -> dict[str, Quantity]:
        """The figures with their intervals, from their bootstrapped replicas, shape (resamples, 4).

        Percentiles, for the means (mae, bias, and the rmse's square) joined with ``mean_interval``: in long tails of
        errors few events decide, and resampling can't tell what others there might be. A single event has no interval.
        """
        terms = {"mae": self._absolute, "rmse": self._square, "bias": self._residual}
        found = {}
        for k, name in enumerate(FIGURES):
            bounds = (-1.0 if name == "bias" else 0.0, 1.0)
            percentiles = percentile_interval(replicas[:, k], bounds=bounds) if len(self._weight) > 1 else None
            mean = mean_interval([(self._weight, terms[name])]) if name in terms and percentiles is not None else None
            if mean is not None and name != "bias":
                # Neither figure of the truth is below 0, whatever negative weights leave.
                mean = (max(mean[0], 0.0), max(mean[1], 0.0))
            if mean is not None and name == "rmse":
                mean = (float(np.sqrt(mean[0])), float(np.sqrt(mean[1])))
            found[name] = around(finite(self.nominal[k]), percentiles if mean is None else hull(percentiles, mean))
        return found

    def __call__(self, weight: Floats) -> Floats:
        """The figures for these weights, shape (4,)."""
        if not len(weight):
            return np.full(len(FIGURES), np.nan)
        sums = np.cumsum(weight, out=self._scratch("sums", len(weight)))
        total = float(sums[-1])
        if not total > 0:
            return np.full(len(FIGURES), np.nan)
        # einsum and not BLAS: the sums must not depend on the number of BLAS threads.
        terms = (self._absolute, self._square, self._residual)
        mae, square, bias = (float(np.einsum("i,i->", weight, term)) / total for term in terms)
        low, high = (self._residual[reached(sums, share, rises=self._rises)] for share in CENTRAL_68)
        return np.array([mae, np.sqrt(square) if square >= 0 else np.nan, bias, (high - low) / 2])


def reached(sums: Floats, share: float, *, rises: bool) -> int:
    """The first place at which running sums reach this share of their last one, which is positive.

    Args:
        sums: shape (n,), running sums of weights, from the first one on.
        share: at most 1.
        rises: whether no weight is negative.
    """
    wanted = share * sums[-1] * (1 - ROUNDING)
    return int(np.searchsorted(sums, wanted)) if rises else int(np.argmax(sums >= wanted))


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """The first of the rising values at which the running sum of weights reaches this share of the whole.

    NaN where the total weight is not positive.
    """
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weight[order])
    if not len(sums) or not sums[-1] > 0:
        return float("nan")
    return float(values[order][reached(sums, share, rises=False)])


def tolerance_name(tolerance: float) -> str:
    """The metric's key.

    >>> tolerance_name(0.1), tolerance_name(0.025)
    ('tolerance_accuracy@0.1', 'tolerance_accuracy@0.025')
    """
    return f"tolerance_accuracy@{tolerance:g}"


def tolerance_accuracy(predicted: Predicted, tolerance: float) -> Quantity:
    """The weighted share of events with round(y/t) = round(ŷ/t), with its Clopper–Pearson interval.

    Halves are rounded to even, as numpy rounds. A quotient that misses a half by the rounding of a float32 alone counts
    as that half: 0.35 lies half way from 0.3 to 0.4 also where a file holds it as 0.34999999.
    """
    target, prediction = (_multiple(values, tolerance) for values in (predicted.target, predicted.prediction))
    return share_of(predicted.weight, target == prediction)


def same_multiple(predicted: Predicted, tolerance: float) -> NDArray[np.bool_]:
    """Whether the prediction of each event rounds to the same multiple of the tolerance as its target, shape (n,)."""
    target, prediction = (_multiple(values, tolerance) for values in (predicted.target, predicted.prediction))
    return np.asarray(target == prediction)


def tolerance_accuracies(predicted: Predicted, tolerances: Sequence[float]) -> dict[str, Quantity]:
    """``tolerance_accuracy`` at each of these, by their keys."""
    return {tolerance_name(tolerance): tolerance_accuracy(predicted, tolerance) for tolerance in tolerances}


def _multiple(values: Floats, tolerance: float) -> Floats:
    quotient = values / tolerance
    half = np.rint(2 * quotient) / 2
    stored = np.abs(quotient - half) <= STORED * np.abs(half)
    rounded: Floats = np.rint(np.where(stored, half, quotient))
    return rounded


def require_predictions(parts: Mapping[str, Predicted]) -> None:
    """Refuse what no figure could be computed from.

    Raises:
        DataError: naming the part, the event and the value that is no share of the full scale, no weight or no width;
            or the part without positive weight.
    """
    for name, part in parts.items():
        _require_shapes(name, part)
        target, prediction = part.target, part.prediction
        checks = [
            ("target", target, (target >= 0) & (target <= 1), "a number in [0, 1]"),
            ("prediction", prediction, (prediction >= 0) & (prediction <= 1), "a number in [0, 1]"),
            ("weight", part.weight, np.isfinite(part.weight), "a finite number"),
        ]
        if (width := part.width) is not None:
            checks.append(("width", width, (width > 0) & np.isfinite(width), "a number above 0"))
        for what, values, good, need in checks:
            if not good.all():
                row = int(np.argmin(good))
                raise DataError(f"{name} part: the {what} of event {row + 1} is {values[row]:g}; it must be {need}")
        if not (total := float(part.weight.sum())) > 0:
            raise DataError(f"{name} part: {len(target)} events of total weight {total:g}; no figure can be quoted")


def _require_shapes(name: str, part: Predicted) -> None:
    arrays = {"target": part.target, "prediction": part.prediction, "weight": part.weight}
    if part.width is not None:
        arrays["width"] = part.width
    for what, values in arrays.items():
        if values.shape != (len(part.target),):
            raise DataError(f"{name} part: {what} {values.shape} for {len(part.target)} targets; give one per event")
