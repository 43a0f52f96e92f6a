"""Validation scores of a portfolio's models to the weights of their ensemble, by the task's selection figure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from statistics import median
from time import monotonic

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve.evaluate.choose import less_is_better, metric_word
from hepsieve.prepare import Split
from hepsieve.train.run import Fitted
from hepsieve.train.trained import Part
from hepsieve.tune.ensemble_selection import Scores, cross_fitted, select_ensemble
from hepsieve.tune.figure import figure
from hepsieve.tune_config import TuneMetric

# Scores that are put in order in all steps of a selection: seconds, of which a budget has few.
_MOST_SCORES = 12_000_000
_FEWEST_EVENTS = 10_000
_PARTS = 3
# How often an event has a part in selections on all events, and on all but each of the parts.
_TIMES = _PARTS
# Of each is found out what it looks at, which for many models takes longer than some trainings.
_MOST_TELLING = 3
_PER_SCORE = 3e-7  # seconds that a figure takes for each event, before any was taken
_MARGIN = 1.3


@dataclass(frozen=True, kw_only=True)
class _Took:
    """Seconds that scoring the validation events with a model took, and its figure."""

    scoring: float
    figure: float


class Selecting:
    """Scores of validation events (with folds of all training events, out of fold) and what is selected by them."""

    def __init__(
        self, parts: Split, *, by: TuneMetric, steps: int, seed: int, clock: Callable[[], float] = monotonic
    ) -> None:
        """Begin without models.

        Args:
            parts: the divided events; test stays sealed.
            by: the figure, with event weights as the evaluation has it.
            steps: of the greedy selection.
            seed: draws events where there are too many for a figure that is taken hundreds of times.
            clock: tells seconds.
        """
        self._clock = clock
        self._parts, self._by, self._steps, self._seed = parts, by, steps, seed
        events = parts.validation
        self._judged = Part(
            inputs=np.empty((len(events), 0), np.float32),
            target=np.asarray(events.target),
            weight=np.asarray(events.weight),
            kind=events.kind,
        )
        self._scores: dict[str, Scores] = {}
        self._figures: dict[str, float] = {}
        self._order: list[str] = []
        self._took: list[_Took] = []

    def add(self, fitted: Fitted) -> float:
        """Score the validation events with a model, each by a training that did not learn from it; its figure."""
        begin = self._clock()
        scores = fitted.held_out_scores(self._parts.validation, self._parts.fold)
        scored = self._clock()
        self._scores[fitted.name] = scores
        self._figures[fitted.name] = good = self._good(scores, None)
        self._took.append(_Took(scoring=scored - begin, figure=self._clock() - scored))
        return good

    def seconds(self, *, more: int) -> float:
        """What scoring so many more models and then selecting will take, by what it took so far."""
        took = self._took[1:] or self._took  # the first may have loaded a library
        n, models = len(self._judged), len(self._scores) + more
        each = median(one.figure for one in took) / n if took else _PER_SCORE
        scores = _TIMES * models * (self._steps + 1) * self._most_rows(models)
        return _MARGIN * (each * scores + more * max((one.scoring for one in took), default=0.0))

    def ordered(self, names: list[str]) -> None:
        """The order of the models, of which equally good ones are taken; not that in which they happened to end."""
        self._order = names

    def weights(self) -> dict[str, float]:
        """Of the models in the ensemble; they add up to 1."""
        rows = self._rows()
        models = {name: scores[rows] for name, scores in self._models().items()}
        return select_ensemble(models, lambda scores: self._good(scores, rows), steps=self._steps)

    def most_telling(self, weights: Mapping[str, float], kept: Collection[str]) -> tuple[str, ...]:
        """The best of the kept models, and the heaviest members of the ensemble, which looks at what they look at."""
        best = max((name for name in self._models() if name in kept), key=self._figures.__getitem__)
        heaviest = sorted(weights, key=lambda name: -weights[name])
        return tuple(dict.fromkeys((best, *heaviest)))[:_MOST_TELLING]

    def fair_sentence(self, ensemble: str) -> str:
        """What the ensemble is worth on validation if no event has a part in the weights that it is scored with.

        Empty with a single model, of which there are no weights to choose.
        """
        if len(self._scores) == 1:
            return ""
        rows = self._rows()
        models = {name: scores[rows] for name, scores in self._models().items()}
        found = cross_fitted(
            models,
            lambda scores, some: self._good(scores, rows[some]),
            steps=self._steps,
            parts=_PARTS,
            rng=np.random.default_rng(SeedSequence([self._seed, 0xE5])),
        )
        value = self._good(found, rows) * (-1 if less_is_better(self._by) else 1)
        on = "validation" if self._parts.fold is None else "out-of-fold"
        return (
            f"The weights of {ensemble} were chosen on the events of its {on} {metric_word(self._by)}; with weights "
            f"that were chosen without the events that they score it is {value:.4f}."
        )

    def _models(self) -> dict[str, Scores]:
        return {name: self._scores[name] for name in self._order or sorted(self._scores) if name in self._scores}

    def _rows(self) -> NDArray[np.int64]:
        """All events, or so many by chance that a selection takes seconds."""
        n, most = len(self._judged), self._most_rows(len(self._scores))
        if n == most:
            return np.arange(n)
        rng = np.random.default_rng(SeedSequence([self._seed, 0xE4]))
        return np.sort(rng.choice(n, size=most, replace=False))

    def _most_rows(self, models: int) -> int:
        most = max(_FEWEST_EVENTS, _MOST_SCORES // (self._steps * max(1, models)))
        return min(len(self._judged), most)

    def _good(self, scores: Scores, rows: NDArray[np.int64] | None) -> float:
        """The figure on these rows (all if None), the larger the better."""
        events = self._judged
        if rows is not None:
            events = replace(events, inputs=events.inputs[rows], target=events.target[rows], weight=events.weight[rows])
        value = figure(self._by, scores, events)
        return -value if less_is_better(self._by) else value
