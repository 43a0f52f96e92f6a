"""A figure that chose a model, beside the same figure on test, turned into how much of it was luck."""

from __future__ import annotations

from functools import cache
from math import floor, hypot, log10

import numpy as np
from scipy.special import ndtr

from hepsieve.evaluate.choose import less_is_better, metric_word
from hepsieve.evaluate.intervals import NORMAL, around
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import Optimism


def optimism(
    chosen: float,
    *,
    validation: Quantity,
    test: Quantity,
    metric: str,
    trials: int,
    folds: int | None = None,
) -> Optimism | None:
    """How much better the best trial looked where it was chosen than it is on events that chose nothing.

    The figure that chose is of the largest of several draws, and so too good on average; the one on test is not. Their
    events are independent, so that the interval of the difference d of two figures a in (a₁, a₂) and b in (b₁, b₂) is
    (d − √((a − a₁)² + (b₂ − b)²), d + √((a₂ − a)² + (b − b₁)²)): each side of an interval in quadrature with the other
    side of the other, Zou and Donner, Stat. Med. 27 (2008) 1693; method 10 of Newcombe, Stat. Med. 17 (1998)
    873. It holds the mean difference in more than 95 % of cases, as the best of several draws fluctuates less than one.

    Args:
        chosen: the figure of the best trial, by which it was chosen: on validation, or the mean of held-out folds. It
            is taken to be as uncertain as the figure on validation; held-out folds are more events, of which this is
            rather too much.
        validation: of the winner, trained again, on the validation part.
        test: of the same model on the test part.
        metric: which figure; it tells whether more or less is better.
        trials: how many had a figure, among which was chosen.
        folds: how many judged every trial; None where the validation part did.

    Returns:
        None where the figure is undefined on the test part.
    """
    if test.value is None:
        return None
    difference, sides, judged = chosen - test.value, _sides(validation), _sides(test)
    if less_is_better(metric):
        difference, sides, judged = -difference, sides and sides[::-1], judged and judged[::-1]
    interval = None
    if sides is not None and judged is not None:
        interval = (difference - hypot(sides[0], judged[1]), difference + hypot(sides[1], judged[0]))
    found = Optimism(
        chosen=chosen,
        validation=validation,
        test=test,
        difference=around(difference, interval),
        at_most=_at_most(sides, trials),
    )
    return found.model_copy(update={"says": optimism_sentence(found, metric=metric, trials=trials, folds=folds)})


@cache
def expected_largest(n: int) -> float:
    """The mean of the largest of n independent draws from a normal distribution of mean 0 and width 1.

    ∫₀^∞ (1 − Φ(x)ⁿ) dx − ∫₋∞^0 Φ(x)ⁿ dx, by the trapezoidal rule.

    >>> round(expected_largest(2), 6)  # 1/√π
    0.56419
    >>> expected_largest(1)
    0.0
    """
    if n < 2:
        return 0.0
    x = np.linspace(0, 12, 4801)
    return float(np.trapezoid(1 - ndtr(x) ** n - ndtr(-x) ** n, x))


def optimism_sentence(found: Optimism, *, metric: str, trials: int, folds: int | None) -> str:
    """What chose, what test says of it, and whether the difference is more than chance.

    Args:
        found: the figures.
        metric: which figure.
        trials: among how many was chosen.
        folds: how many judged every trial; None where the validation part did.
    """
    word = metric_word(metric)
    where = "validation" if folds is None else f"mean held-out (of {folds} folds)"
    difference, test = found.difference.value or 0.0, found.test.value or 0.0
    places = _places(found)
    first = f"Chosen {_among(trials)} by a {where} {word} of {_number(found.chosen, places)}; on the test events "
    first += f"it has {_number(test, places)}"
    interval = _interval(found.difference, places)
    if difference <= 0:
        size = f", {_number(-difference, places)} better" if difference < 0 else ""
        second = f"{size}{_interval(_turned(found.difference), places)}: no sign that the choice was luck."
        return first + second
    first += f": it looked better by {_number(difference, places)}{interval} where it was chosen"
    if found.difference.low is not None and found.difference.low > 0:
        return f"{first}, more than chance explains: part of that was the luck of the choice."
    return f"{first}, by the luck of the choice or by chance."


def _sides(one: Quantity) -> tuple[float, float] | None:
    """How far an interval reaches below and above its figure."""
    if one.value is None or one.low is None or one.high is None:
        return None
    return one.value - one.low, one.high - one.value


def _at_most(sides: tuple[float, float] | None, trials: int) -> float | None:
    """What choosing gives on average at most: of equally good trials whose figures have nothing in common."""
    return None if sides is None else expected_largest(trials) * sum(sides) / (2 * NORMAL)


def _turned(one: Quantity) -> Quantity:
    low, high = (None if end is None else -end for end in (one.high, one.low))
    return Quantity(value=None if one.value is None else -one.value, low=low, high=high)


def _among(trials: int) -> str:
    return "as the only trial" if trials == 1 else f"among {trials} trials"


def _places(found: Optimism) -> int:
    """Decimals that show one digit of the difference's half width, and at least three of figures below 1."""
    low, high = found.difference.low, found.difference.high
    half = (high - low) / 2 if low is not None and high is not None else abs(found.difference.value or 0.0)
    least = 3 if abs(found.chosen) < 1 else 0
    return min(max(-floor(log10(half)), least), 6) if half > 0 else max(least, 4)


def _interval(one: Quantity, places: int) -> str:
    if one.low is None or one.high is None:
        return ""
    return f" ({_number(one.low, places)} to {_number(one.high, places)})"


def _number(value: float, places: int) -> str:
    """With a true minus, and none before zero."""
    text = f"{value:.{places}f}"
    return (text.lstrip("-") if not text.strip("-0.") else text).replace("-", "−")
