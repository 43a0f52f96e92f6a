"""Waveforms to a description of them: channels, how many are flat, clipped or cut off, areas, baselines, noise."""

from __future__ import annotations

import numpy as np

from hepsieve import spill
from hepsieve.audit.gather import Gathered
from hepsieve.audit.spreads import ChannelSummary, Part, ShapeSummary, channel_summaries, pair, summaries
from hepsieve.audit.waveform_survey import QUANTITIES, WaveformSurvey, survey_waveforms
from hepsieve.events import Events
from hepsieve.progress import Advance
from hepsieve.waveforms import NANOSECONDS

_IN_MICROSECONDS = ("centre", "width")
_NEEDS_PULSE = [QUANTITIES.index(name) for name in _IN_MICROSECONDS]


class WaveformDescription(Part):
    """What is in a sample of waveforms; pairs are by class, background first. A regression has all in the first.

    Attributes:
        samples: of each waveform.
        sample_ns: from one sample to the next, in ns.
        channels: a row for each.
        complete: waveforms whose values are all finite.
        empty: waveforms that never change, which ``quantities`` leave out.
        clipped: waveforms that end at the top of a scale, in any channel.
        cut: waveforms with much light in their first or last samples.
        dark: waveforms in which nothing rises above the noise.
        quantities: area above the baseline, highest sample, baseline, noise (of single samples, rms), the centre of
            gravity and the standard deviation of the light along time.
    """

    samples: int
    sample_ns: float
    channels: tuple[ChannelSummary, ...]
    complete: int
    empty: tuple[int, int]
    clipped: tuple[int, int]
    cut: tuple[int, int]
    dark: tuple[int, int]
    quantities: tuple[ShapeSummary, ...]


def describe_waveforms(events: Events, advance: Advance) -> WaveformDescription:
    """Describe waveforms in one walk through them, in memory that does not grow but for a few bytes for each.

    Args:
        events: waveforms; those that are labelled as neither class, or have no target, are left out.
        advance: hears of waveforms that were measured.
    """
    seen = survey_waveforms(events)
    names, units = _named(events)
    channels = channel_summaries(
        events.names, events.units, ends=(seen.low, seen.high), missing=seen.missing, infinite=seen.infinite
    )
    clipped, cut, dark = (np.asarray(marks.any(axis=1)) for marks in (seen.clipped, seen.cut, seen.dark))
    return WaveformDescription(
        samples=seen.samples,
        sample_ns=NANOSECONDS,
        channels=tuple(channels),
        complete=int(seen.by_class(seen.complete).sum()),
        empty=pair(seen.by_class(seen.empty)),
        clipped=pair(seen.by_class(clipped)),
        cut=pair(seen.by_class(cut)),
        dark=pair(seen.by_class(dark)),
        quantities=tuple(summaries(names, units, _gathered(seen, advance))),
    )


def _named(events: Events) -> tuple[list[str], list[str]]:
    """Each quantity of each channel, called by its channel where there are several."""
    several = len(events.names) > 1
    names, units = [], []
    for channel, unit in zip(events.names, events.units, strict=True):
        names += [f"{channel} {name}" if several else name for name in QUANTITIES]
        units += ["µs" if name in _IN_MICROSECONDS else unit for name in QUANTITIES]
    return names, units


def _gathered(seen: WaveformSurvey, advance: Advance) -> Gathered:
    """The quantities of the waveforms that change; where a pulse is means nothing without one."""
    gathered = Gathered.empty(seen.quantities.shape[1] * len(QUANTITIES))
    usable = seen.complete & seen.labelled & ~seen.empty
    for rows in spill.blocks(seen.quantities):
        kept = usable[rows]
        values = np.array(seen.quantities[rows][kept])
        without = seen.dark[rows][kept]
        values[..., _NEEDS_PULSE] = np.where(without[..., np.newaxis], np.nan, values[..., _NEEDS_PULSE])
        gathered.add(values.reshape(len(values), gathered.p), seen.signal[rows][kept])
        advance(len(kept))
    return gathered
