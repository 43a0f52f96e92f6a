"""How far the residuals in each bin of a column lie from those of all other events, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hepsieve.evaluate.apart import Place, departures, means
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.residuals import CENTRAL_68, reached, same_multiple, tolerance_name
from hepsieve.evaluate.slice_departures import Found, Part

# How far to either side of a quantile the density of the residuals is taken, as a share of all events.
_SIDEWAYS = 0.04


def profile_departures(predicted: Predicted, place: Place, groups: int, *, tolerances: Sequence[float] = ()) -> Found:
    """Each bin against all events outside of it, which are independent of it, for every figure of the residuals.

    Bias, mean absolute error and tolerance accuracy are means, the RMSE is the root of one; the resolution has the
    variance of the two quantiles that it is half the distance of, from the density of all residuals there.

    Args:
        predicted: shape (n,), all events.
        place: shape (n,), the bin of each event, negative for none.
        groups: how many bins there are.
        tolerances: at which the tolerance accuracy is compared.

    Returns:
        For each figure one entry per bin.
    """
    residual, part = predicted.prediction - predicted.target, Part(weight=predicted.weight, place=place, groups=groups)
    if not float(predicted.weight.sum()) > 0:
        return {}
    square = np.square(residual)
    found: Found = {
        "bias": part.mean(residual),
        "rmse": departures(
            means(square, part.weight, place, groups), part.spread(square), transform=lambda x: max(x, 0.0) ** 0.5
        ),
        "mae": part.mean(np.abs(residual)),
        **{tolerance_name(t): part.mean(same_multiple(predicted, t).astype(np.float64)) for t in tolerances},
    }
    order = np.argsort(residual, kind="stable")
    figures = np.array(
        [
            [_resolution(residual[order], np.where(inside[order], part.weight[order], 0.0)) for inside in (own, ~own)]
            for own in (place == k for k in range(groups))
        ]
    )
    terms = _resolution_terms(residual, residual[order], part.weight[order])
    if terms is not None:
        found["resolution"] = departures(figures.reshape(groups, 2), part.spread(terms))
    return found


def _resolution(rising: Floats, weight: Floats) -> float:
    """Half the central 68 % of the residuals that have weight; NaN without any."""
    sums = np.cumsum(weight)
    if not len(sums) or not sums[-1] > 0:
        return float("nan")
    low, high = (rising[reached(sums, share, rises=not (weight < 0).any())] for share in CENTRAL_68)
    return float(high - low) / 2


def _resolution_terms(residual: Floats, rising: Floats, weight: Floats) -> Floats | None:
    """What each event adds to the resolution, to first order; None where residuals heap up at few values."""
    sums = np.cumsum(weight)
    rises = not (weight < 0).any()
    terms = np.zeros(len(residual))
    for share, sign in zip(CENTRAL_68, (0.5, -0.5), strict=True):
        places = [reached(sums, share + aside, rises=rises) for aside in (-_SIDEWAYS, 0.0, _SIDEWAYS)]
        low, middle, high = (float(rising[place]) for place in places)
        near = rising[places[0] : places[2] + 1]
        # Among few distinct residuals a quantile jumps, and no density tells how far.
        if not high > low or 2 * len(np.unique(near)) < len(near):
            return None
        terms += sign * (residual <= middle) * (high - low) / (2 * _SIDEWAYS)
    return terms
