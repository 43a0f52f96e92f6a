"""The threshold explorer of the page: counted scores as the data of its script."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from scipy.special import logit

from hepsieve.config import TaskConfig
from hepsieve.evaluate.results import Evaluation, WorkingPoint
from hepsieve.evaluate.score_counts import EQUAL, PartCounts, Passing, ScoreCounts

# Where more than half of the events score within this of 0 or 1, only the logit shows how they are spread.
_OUTER = 0.03
_NEAREST = 1e-7
# Of weighted counts: far more than the page shows. Their squares only say how wide an interval is.
_DIGITS, _DIGITS_OF_SQUARES = 8, 6

Expectation = tuple[float, float, float]
"""Background and signal events before the cut, and the relative uncertainty of the background."""


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """What the explorer's template shows.

    Attributes:
        data: for the script, JSON that can stand in a ``<script>`` element.
        held_out: what the part is called that thresholds may be chosen on.
        yields: where the yields in the fields come from, in a sentence.
    """

    data: Markup
    held_out: str
    yields: str


def explorer_section(evaluation: Evaluation, config: TaskConfig) -> Explorer | None:
    """The explorer of all models whose scores were counted; None where there are none, as in older runs."""
    models = {name: model.counts for name, model in evaluation.models.items() if model.counts is not None}
    if not models:
        return None
    (background, signal, uncertainty), said = _expected(evaluation, config, next(iter(models.values())))
    held_out = "out of fold" if evaluation.data.folds else "validation"
    content = {
        "task": evaluation.task,
        "classes": evaluation.classes,
        "heldOut": held_out,
        "best": evaluation.best,
        "yields": [background, signal],
        "uncertainty": uncertainty,
        "models": [
            _model(name, counts, evaluation.working_points.get(name, ()), named=config.evaluate.working_points)
            for name, counts in models.items()
        ],
    }
    return Explorer(data=embedded(content), held_out=held_out, yields=said)


def embedded(content: Any) -> Markup:
    """JSON that means the same inside a ``<script>`` element, whatever the names in it are.

    >>> embedded({"name": "</script><!--"})
    Markup('{"name":"\\\\u003c/script\\\\u003e\\\\u003c!--"}')
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Inside JSON these can stand only in strings.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _expected(evaluation: Evaluation, config: TaskConfig, counts: ScoreCounts) -> tuple[Expectation, str]:
    """What the analysis expects before the cut, and where that comes from."""
    known = next((physics.yields for physics in evaluation.physics.values()), None)
    if known is not None:
        expected = (known.background.events, known.signal.events, known.background_uncertainty)
        return expected, "These are the yields of the run's configuration."
    asked = config.evaluate
    if asked.signal_yield is not None and asked.background_yield is not None:
        expected = (asked.background_yield, asked.signal_yield, asked.background_uncertainty)
        return expected, "These are the yields of the run's configuration."
    background, signal = (float(f"{side.weight[0]:.10g}") for side in (counts.test.background, counts.test.signal))
    return (background, signal, asked.background_uncertainty), (
        "The run's configuration expects no yields, so these are the weighted numbers of test events: put in those of "
        "your analysis."
    )


def _model(
    name: str, counts: ScoreCounts, points: tuple[WorkingPoint, ...], *, named: Container[str]
) -> dict[str, Any]:
    """One model's counts; of points that the configuration did not name, what they want says more than their name."""
    logarithmic = _at_the_ends(counts)
    return {
        "name": name,
        "edges": counts.edges,
        "logit": logarithmic,
        "bins": _bins(counts, logarithmic=logarithmic),
        "points": [
            [point.name if point.name in named else point.wanted or point.name, f"{point.name}: {point.wanted}", at]
            for point in points
            for at, edge in enumerate(counts.edges)
            if edge == point.threshold
        ],
        "test": _part(counts.test),
        "validation": _part(counts.validation),
    }


def _part(part: PartCounts) -> list[dict[str, Any]]:
    return [_passing(side) for side in (part.background, part.signal)]


def _passing(side: Passing) -> dict[str, Any]:
    """What lies between the edges, and above the last one; where all weights are 1, the weights alone say it."""
    content: dict[str, Any] = {"weight": _between(side.weight, _DIGITS)}
    if side.weight != side.events or side.squares != side.events:
        content |= {"squares": _between(side.squares, _DIGITS_OF_SQUARES), "events": _between(side.events, _DIGITS)}
    return content


def _between(passing: tuple[float, ...], digits: int) -> list[float | int]:
    short = [float(f"{value:.{digits}g}") for value in -np.diff([*passing, 0.0])]
    return [int(value) if value.is_integer() else value for value in short]


def _at_the_ends(counts: ScoreCounts) -> bool:
    """Whether most events score near 0 or near 1."""
    low, high = counts.nearest(_OUTER), counts.nearest(1 - _OUTER)
    sides = [side.events for part in (counts.test, counts.validation) for side in (part.background, part.signal)]
    inner = sum(events[low] - events[high] for events in sides)
    return 2 * inner < sum(events[0] for events in sides)


def _bins(counts: ScoreCounts, *, logarithmic: bool) -> list[int]:
    """The edges, as indices, between which the histogram is drawn: those nearest to equal distances."""
    events = np.sum(
        [side.events for part in (counts.test, counts.validation) for side in (part.background, part.signal)], axis=0
    )
    first = int(np.flatnonzero(events == events[0])[-1])
    last = int(np.flatnonzero(events > 0)[-1]) if events[0] else len(counts.edges) - 1
    edges = np.asarray(counts.edges)
    scaled = logit(np.clip(edges, _NEAREST, 1 - _NEAREST)) if logarithmic else edges
    grid = np.linspace(scaled[first], scaled[last], EQUAL + 1)
    nearest = np.abs(scaled[None, :] - grid[:, None]).argmin(axis=1)
    return sorted({first, *np.clip(nearest, first, last).tolist(), last})
