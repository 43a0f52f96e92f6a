"""A task's expected yields and the scores of its events to what an analysis may expect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hepsieve.config import EvaluateConfig, TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate.best_cut import best_cut
from hepsieve.evaluate.physics import physics
from hepsieve.evaluate.physics_results import BestCut, ClassYield, Physics, Yields
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.score_bins import BinRule
from hepsieve.evaluate_config import ClassYieldConfig
from hepsieve.events import Events
from hepsieve.prepare import Split

Sums = tuple[float, float]
"""Σw of background and of signal."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The yields of a task, and how cuts and bins are found for them.

    Attributes:
        yields: what is expected before the cut.
        yields_for_cut: the same as far as it is known without the test events, for choosing the cut.
        rule: of the bins.
        set_on: which events the cut and the bins are found on.
        resamples: bootstrap resamples behind intervals.
        seed: of all resampling.
    """

    yields: Yields
    yields_for_cut: Yields
    rule: BinRule
    set_on: Literal["validation", "out-of-fold"]
    resamples: int
    seed: int

    def cut(self, held_out: Scored) -> BestCut:
        """The cut of a model, from its scores of the events that are not test."""
        ranked = Ranked.of(held_out.target, held_out.score, held_out.weight, what=self.set_on)
        return best_cut(
            ranked,
            signal_yield=self.yields_for_cut.signal.events,
            background_yield=self.yields_for_cut.background.events,
            background_uncertainty=self.yields_for_cut.background_uncertainty,
            set_on=self.set_on,
            seed=self.seed,
        )

    def physics(self, held_out: Scored, test: Scored, cut: BestCut) -> Physics:
        """What may be expected from a model, from its scores of test events."""
        return physics(
            validation=held_out,
            test=test,
            yields=self.yields,
            cut=cut,
            rule=self.rule,
            resamples=self.resamples,
            seed=self.seed,
        )


def expectation(parts: Split, test: Events, config: TaskConfig) -> Expectation | None:
    """The task's yields; None where it gives none.

    Of weights that are scaled to yields the sums over all parts count. The cut must not know the test events: for it
    the sums over the other parts are scaled up by the numbers of events of each class. Test events from elsewhere
    stand for the yields by themselves.

    Raises:
        ConfigError: if the weights of a class sum to nothing positive.
    """
    known = weight_sums((parts.train,) if parts.fold is not None else (parts.train, parts.validation))
    if test.origin.fingerprint == parts.train.origin.fingerprint:
        tested = weight_sums((test,))
        whole = (known[0] + tested[0], known[1] + tested[1])
        counted = _counts((parts.train,) if parts.fold is not None else (parts.train, parts.validation))
        in_test = _counts((test,))
        for_cut = tuple(w * (n + m) / n if n else w for w, n, m in zip(known, counted, in_test, strict=True))
        return expectation_of(config, whole, (for_cut[0], for_cut[1]), folds=parts.fold is not None)
    return expectation_of(config, weight_sums((test,)), known, folds=parts.fold is not None)


def expectation_of(config: TaskConfig, sums: Sums, sums_for_cut: Sums, *, folds: bool) -> Expectation | None:
    """The task's yields from what the weights come to, with and without the test events; None where it gives none."""
    quoted = config.evaluate
    yields, for_cut = _yields(quoted, sums), _yields(quoted, sums_for_cut)
    if yields is None or for_cut is None:
        return None
    return Expectation(
        yields=yields,
        yields_for_cut=for_cut,
        rule=BinRule(**quoted.score_bins.model_dump()),
        set_on="out-of-fold" if folds else "validation",
        resamples=quoted.resamples,
        seed=config.seed,
    )


def _yields(quoted: EvaluateConfig, sums: Sums) -> Yields | None:
    relative = quoted.background_uncertainty
    if quoted.yields is not None:
        given, luminosity = quoted.yields, quoted.yields.luminosity
        return Yields(
            signal=_class_yield(given.signal, luminosity, sums[1], "signal"),
            background=_class_yield(given.background, luminosity, sums[0], "background"),
            luminosity=luminosity,
            background_uncertainty=relative,
        )
    if quoted.signal_yield is None or quoted.background_yield is None:
        return None
    return Yields(
        signal=ClassYield(events=quoted.signal_yield),
        background=ClassYield(events=quoted.background_yield),
        background_uncertainty=relative,
    )


def _class_yield(given: ClassYieldConfig, luminosity: float | None, total: float, name: str) -> ClassYield:
    if given.cross_section is not None and luminosity is not None:
        efficiency = 1.0 if given.efficiency is None else given.efficiency
        return ClassYield(
            events=given.cross_section * luminosity * efficiency,
            given_as="cross_section",
            cross_section=given.cross_section,
            efficiency=efficiency,
        )
    if given.events is not None:
        return ClassYield(events=given.events)
    if not total > 0:
        raise ConfigError(
            f"evaluate.yields.{name}.weights: the weights of the {name} events sum to {total:g}; give events instead"
        )
    return ClassYield(events=total, given_as="weights")


def weight_sums(parts: Iterable[Events]) -> Sums:
    """Σw of background and of signal over these events."""
    totals = np.zeros(2)
    for events in parts:
        weight, signal = events.weight.astype(np.float64), events.target > 0.5
        totals += [float(weight[~signal].sum()), float(weight[signal].sum())]
    return float(totals[0]), float(totals[1])


def _counts(parts: Iterable[Events]) -> tuple[int, int]:
    targets = [events.target > 0.5 for events in parts]
    signal = sum(int(target.sum()) for target in targets)
    return sum(map(len, targets)) - signal, signal
