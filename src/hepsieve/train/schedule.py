"""Step number to learning rate: pure functions that every backend calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import assert_never

from hepsieve.models.config import Constant, Cosine, Monitor, OneCycle, ReduceOnPlateau, ScheduleConfig
from hepsieve.train.stopping import improves


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How many optimiser steps a training has, if nothing stops it early."""

    per_epoch: int
    epochs: int

    @property
    def total(self) -> int:
        """All steps."""
        return self.per_epoch * self.epochs


def learning_rate(
    schedule: ScheduleConfig, peak: float, *, step: int, steps: Steps, monitored: Sequence[float], monitor: Monitor
) -> float:
    """The learning rate of one optimiser step.

    Args:
        schedule: which curve.
        peak: the configured learning rate, which the curve scales.
        step: counted from 0; the curves end with the last step.
        steps: the planned length.
        monitored: validation figures of the epochs so far; only the plateau schedule reads them.
        monitor: which figure that is.
    """
    match schedule:
        case Constant():
            return peak
        case Cosine():
            return peak * cosine(schedule, step, steps)
        case OneCycle():
            return peak * one_cycle(schedule, step, steps)
        case ReduceOnPlateau():
            return plateau(schedule, peak, monitored, monitor)
        case _:
            assert_never(schedule)


def learning_rates(
    schedule: ScheduleConfig, peak: float, *, epoch: int, steps: Steps, monitored: Sequence[float], monitor: Monitor
) -> list[float]:
    """The learning rates of an epoch's steps; epochs are counted from 0, the rest is as in ``learning_rate``."""
    first, count = epoch * steps.per_epoch, steps.per_epoch
    # A plateau's rate moves between epochs only, and takes its time to find.
    changing = isinstance(schedule, Cosine | OneCycle)
    rates = [
        learning_rate(schedule, peak, step=first + k, steps=steps, monitored=monitored, monitor=monitor)
        for k in range(count if changing else 1)
    ]
    return rates if changing else rates * count


def cosine(schedule: Cosine, step: int, steps: Steps) -> float:
    """Linear warm-up to 1, then eq. (5) of arXiv:1608.03983 without restarts, down to ``final``."""
    warmup = round(schedule.warmup_epochs * steps.per_epoch)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return _anneal(1.0, schedule.final, (step - warmup) / max(steps.total - 1 - warmup, 1))


def one_cycle(schedule: OneCycle, step: int, steps: Steps) -> float:
    """Half a cosine up from ``start`` to 1, then half a cosine down to ``final`` (after arXiv:1708.07120)."""
    peak_step = schedule.rise * steps.total - 1
    if step < peak_step:
        return _anneal(schedule.start, 1.0, step / peak_step)
    return _anneal(1.0, schedule.final, (step - peak_step) / max(steps.total - 1 - peak_step, 1))


def plateau(schedule: ReduceOnPlateau, peak: float, monitored: Sequence[float], monitor: Monitor) -> float:
    """``peak`` times ``factor`` for each ``patience`` epochs in a row that brought nothing better."""
    rate, waited = peak, 0
    best: float | None = None
    for value in monitored:
        if best is None or improves(monitor, value, over=best):
            best, waited = value, 0
            continue
        waited += 1
        if waited == schedule.patience:
            rate, waited = max(rate * schedule.factor, min(schedule.minimum, peak)), 0
    return rate


def _anneal(start: float, end: float, progress: float) -> float:
    """From start to end along half a cosine as progress goes from 0 to 1."""
    return end + (start - end) * (1 + cos(pi * min(progress, 1.0))) / 2
