"""What a cut keeps, and what an analysis behind it would see, from counted scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import hypot
from typing import Literal

import numpy as np

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.intervals import UNDEFINED, clopper_pearson, deciding_events
from hepsieve.evaluate.quantities import rejection
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity, Scored, WorkingPoint, finite
from hepsieve.evaluate.score_counts import Passing, ScoreCounts, score_counts
from hepsieve.evaluate.significance import asimov


class BehindCut(Result):
    """The figures of ``score >= threshold`` on one part of the data, with 95 % intervals.

    Attributes:
        threshold: the cut.
        signal_efficiency: weighted share of signal that passes.
        background_efficiency: weighted share of background that passes.
        background_rejection: 1/ε_b; with no background left a lower limit only.
        expected_signal: the signal yield times its efficiency.
        expected_background: the background yield times its efficiency.
        purity: s/(s + b) of the expected events; the precision at these yields.
        significance: Asimov significance of the expected events; with no background left a lower limit only.
        confusion: Σw as ``confusion[truth][prediction]``, background before signal.
        events: how many background and how many signal events pass.
    """

    threshold: float
    signal_efficiency: Quantity
    background_efficiency: Quantity
    background_rejection: Quantity
    expected_signal: Quantity
    expected_background: Quantity
    purity: Quantity
    significance: Quantity
    confusion: tuple[tuple[float, float], tuple[float, float]]
    events: tuple[int, int]


def counted(*, validation: Scored, test: Scored, points: Iterable[WorkingPoint] = ()) -> ScoreCounts:
    """The scores of two parts counted behind cuts, among them those of the working points (see ``score_counts``).

    Raises:
        DataError: naming the first row that is neither class, or that is not finite.
    """
    return score_counts(
        validation=Ranked.of(validation.target, validation.score, validation.weight, what="validation part"),
        test=Ranked.of(test.target, test.score, test.weight, what="test part"),
        thresholds=[point.threshold for point in points],
    )


def behind_cut(
    counts: ScoreCounts,
    edge: int,
    *,
    part: Literal["test", "validation"] = "test",
    signal_yield: float | None = None,
    background_yield: float | None = None,
    background_uncertainty: float = 0.0,
) -> BehindCut:
    """The figures behind one edge of counted scores.

    Efficiencies have Clopper–Pearson intervals for the effective number of events. Those of purity and significance
    combine the two efficiencies' intervals: the distances to the figure with one of them at its end, added in
    quadrature (Zou and Donner, Stat. Med. 27 (2008) 1693); yields count as known.

    Args:
        counts: the counted scores.
        edge: index of the edge.
        part: whose events.
        signal_yield: expected signal events before the cut; the test part's Σw if not given.
        background_yield: expected background events likewise.
        background_uncertainty: standard deviation of the expected background, as a share of it.
    """
    chosen = counts.test if part == "test" else counts.validation
    background, signal = chosen.background, chosen.signal
    signal_total = counts.test.signal.weight[0] if signal_yield is None else signal_yield
    background_total = counts.test.background.weight[0] if background_yield is None else background_yield
    kept, passed = _efficiency(signal, edge), _efficiency(background, edge)
    s, b = _scaled(kept, signal_total), _scaled(passed, background_total)
    return BehindCut(
        threshold=counts.edges[edge],
        signal_efficiency=kept,
        background_efficiency=passed,
        background_rejection=rejection(passed),
        expected_signal=s,
        expected_background=b,
        purity=_combined(s, b, _purity, most=1.0),
        significance=_combined(s, b, lambda x, y: float(asimov(x, y, background_uncertainty * max(y, 0.0)))),
        confusion=(
            (background.weight[0] - background.weight[edge], background.weight[edge]),
            (signal.weight[0] - signal.weight[edge], signal.weight[edge]),
        ),
        events=(background.events[edge], signal.events[edge]),
    )


def _efficiency(passing: Passing, edge: int) -> Quantity:
    total = passing.weight[0]
    if not total > 0:
        return UNDEFINED
    share = passing.weight[edge] / total
    low, high = clopper_pearson(share, deciding_events(share, total, passing.squares[0], passing.squares[edge]))
    return Quantity(value=share, low=min(low, share), high=max(high, share))


def _scaled(efficiency: Quantity, total: float) -> Quantity:
    if efficiency.value is None or efficiency.low is None or efficiency.high is None:
        return UNDEFINED
    return Quantity(value=total * efficiency.value, low=total * efficiency.low, high=total * efficiency.high)


def _purity(signal: float, background: float) -> float:
    s, b = max(signal, 0.0), max(background, 0.0)
    return s / (s + b) if s + b > 0 else np.nan


def _combined(s: Quantity, b: Quantity, figure: Callable[[float, float], float], most: float = np.inf) -> Quantity:
    """A figure that rises with s and falls with b, up to ``most``; where b is 0 it is a lower limit only."""
    if s.value is None or s.low is None or s.high is None or b.value is None or b.low is None or b.high is None:
        return UNDEFINED
    value = finite(figure(s.value, b.value))
    if value is None or not b.value > 0:
        return Quantity(value=None, low=finite(figure(s.low, b.high)), high=None)
    low = value - hypot(value - figure(s.low, b.value), value - figure(s.value, b.high))
    high = value + hypot(figure(s.high, b.value) - value, figure(s.value, b.low) - value)
    return Quantity(value=value, low=max(low, 0.0), high=finite(min(high, most)))
