"""Waveforms to findings about labels in them: a sample that holds the label, an area or an order that tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.findings import Finding
from hepsieve.audit.image_leaks import giveaway
from hepsieve.audit.leaks import separations_alone
from hepsieve.audit.look import Look, chosen_rows, halves
from hepsieve.audit.separation import separation
from hepsieve.audit.target_leaks import TargetLook, columns, held, relation, suspect_columns
from hepsieve.audit.waveform_survey import WaveformSurvey
from hepsieve.events import Events

_TELLING = ("area", "baseline", "noise")
_TELLS = 0.99
_QUICK_ROWS = 400
_QUICK = 0.97
_MOST = 16
_REMEDY = "was the label cut out of the array, or appended to it, as if it were a sample? Give the waveforms alone"
_ALIGNED = "; or, if pulses always stand at the same place, cut the window differently"


def waveform_giveaways(events: Events, seen: WaveformSurvey, keep: NDArray[np.bool_]) -> Iterator[Finding]:
    """Samples that hold the label or the target, and areas, baselines, noise or a row order that tell it.

    Args:
        events: waveforms.
        seen: what was counted in them.
        keep: shape (n,), those that may be looked at.
    """
    chosen = chosen_rows(events, keep)
    if chosen is None:
        return
    look = _SampleLook(events=events, rows=chosen[0])
    if events.scale is not None:
        yield from _of_numbers(look, seen, events.scale.name)
    else:
        yield from _of_classes(look, seen, chosen[1])
        yield from _sorted(seen)


@dataclass(frozen=True, kw_only=True, eq=False)
class _SampleLook:
    """Waveforms chosen by chance, in the order of the file."""

    events: Events
    rows: NDArray[np.int64]

    def names(self, numbers: NDArray[np.int64]) -> tuple[str, ...]:
        """What samples are called: their channel and their position, from 0."""
        channels = self.events.names
        return tuple(f"{channels[k % len(channels)]}[{k // len(channels)}]" for k in numbers.tolist())

    def samples(self, numbers: NDArray[np.int64], some: NDArray[np.int64], learn: NDArray[np.bool_]) -> Look:
        """Single samples of some of the waveforms as a table."""
        return Look(
            values=columns(self.events, self.rows[some], numbers),
            signal=np.asarray(self.events.target[self.rows[some]]) == 1,
            learn=learn[some],
            names=self.names(numbers),
            units=("",) * len(numbers),
        )


def _of_numbers(look: _SampleLook, seen: WaveformSurvey, name: str) -> Iterator[Finding]:
    suspects, unseen = suspect_columns(look.events, look.rows)
    target = np.asarray(look.events.target[look.rows], np.float64)
    samples = TargetLook(values=columns(look.events, look.rows, suspects), target=target, names=look.names(suspects))
    yield from held(samples, name, code="label-in-sample", what="sample", remedy=_REMEDY, unseen=unseen)
    for k, channel in enumerate(look.events.names):
        for quantity in _TELLING:
            found = relation(seen.quantity(quantity, k)[look.rows], target)
            if found.strength >= _TELLS:
                yield Finding(
                    code="tells-target",
                    severity="warn",
                    column=f"{channel} {quantity}",
                    message=f"the {quantity} of the waveforms alone follows the target {name} with a {found.how} of "
                    f"{found.strength:.4f}: does the measurement, or only the way in which these waveforms were made, "
                    "tell that much?",
                )


def _of_classes(look: _SampleLook, seen: WaveformSurvey, shuffled: NDArray[np.int64]) -> Iterator[Finding]:
    signal = np.asarray(look.events.target[look.rows]) == 1
    learn = np.empty_like(signal)
    learn[shuffled] = halves(signal[shuffled])
    numbers, unseen = _suspects(look, learn, signal)
    samples = look.samples(numbers, np.arange(len(look.rows)), learn)
    alone = separations_alone(samples)
    yield from giveaway(
        samples,
        alone,
        what="sample",
        codes=True,
        remedy=_REMEDY + _ALIGNED,
        unseen=unseen,
        code="label-in-sample",
        rows="waveforms",
    )
    for k, channel in enumerate(look.events.names):
        for quantity in _TELLING:
            values = np.nan_to_num(seen.quantity(quantity, k)[look.rows], nan=-np.inf)
            found = separation(values, signal)
            if found >= _TELLS:
                yield Finding(
                    code="tells-class",
                    severity="warn",
                    column=f"{channel} {quantity}",
                    message=f"the {quantity} of the waveforms alone tells the classes apart with an AUC of "
                    f"{found:.4f}: were both classes recorded, or simulated, alike?",
                )


def _suspects(look: _SampleLook, learn: NDArray[np.bool_], signal: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """The samples that a quick look at some of the waveforms calls best, and how many more looked so good."""
    rng = np.random.default_rng(0)
    half = _QUICK_ROWS // 2
    some = np.sort(np.concatenate([rng.permutation(np.flatnonzero(signal == side))[:half] for side in (0, 1)]))
    every = np.arange(int(np.prod(look.events.features.shape[1:])))
    areas = np.array(separations_alone(look.samples(every, some, learn)))
    good = np.flatnonzero(areas > _QUICK)
    best = good[np.argsort(-areas[good], kind="stable")[:_MOST]]
    return best, len(good) - len(best)


def _sorted(seen: WaveformSurvey) -> Iterator[Finding]:
    rows = np.flatnonzero(seen.labelled)
    signal = seen.signal[rows]
    found = separation(rows, signal)
    if found >= _TELLS and min(int(signal.sum()), int((~signal).sum())) >= 10:
        yield Finding(
            code="sorted-by-class",
            severity="note",
            message=f"the rows are sorted by class (the row number alone has an AUC of {found:.4f}): parts are drawn "
            "by chance here, so that does no harm; a division by position would",
        )
