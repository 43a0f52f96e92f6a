"""Networks and validation waveforms to what they look at: what hiding a window of samples does, and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.random import SeedSequence

from hepsieve.config import LEAST_MAPS, TaskConfig
from hepsieve.evaluate.image_results import WaveformMap
from hepsieve.events import Events, FloatArray, IntArray
from hepsieve.occlusion import Answers, Label, Values, cost, drawn_events
from hepsieve.prepare import WaveformPreparation
from hepsieve.progress import Progress
from hepsieve.regions import cuts_of
from hepsieve.saliency import integrated_gradients
from hepsieve.train.run import Fitted, Run
from hepsieve.waveforms import NANOSECONDS, are_waveforms, quiet

WINDOWS = 40
"""Into how many windows a waveform is cut, one of which is hidden at a time."""
MOST_SAMPLES = 8_000_000
"""Samples of waveforms with a hidden window that a small network has to look at."""
_MEAN_BINS = 200
_AT_ONCE = 256
_DIGITS = 6


def waveform_maps(run: Run, config: TaskConfig, *, progress: Progress) -> tuple[WaveformMap, ...]:
    """What every network that sees samples looks at, averaged over validation waveforms of each class.

    A window of samples is set to the waveform's own quiet level, in all channels, and the waveform scored again; this
    at forty places side by side. The gradient map adds up each sample's part (``integrated_gradients``) over the same
    windows; a model without gradients has none. Large networks and long waveforms get fewer of them; how many depends
    on these alone, never on a clock.

    Args:
        run: trained models and the parts they belong to; cross-validated waveforms are shown only to the training that
            did not see them.
        config: ``explain.maps`` says of how many waveforms of a class, at most; its seed draws them.
        progress: shows one step per model, class and method.

    Returns:
        For each network and class (background's first; in a regression all together) both maps; none where the data
        are no waveforms or none are wanted.
    """
    events = run.parts.validation
    if not are_waveforms(events) or not config.explain.maps:
        return ()
    # Shuffling, ranking and the maps of images have the first four.
    drawn = drawn_events(events, config.explain.maps, np.random.default_rng(SeedSequence(config.seed).spawn(5)[4]))
    seeing = [one for one in run.models.values() if isinstance(one.members[0].preparation, WaveformPreparation)]
    windows = cuts_of(events.features.shape[1], WINDOWS)
    answers = Answers.of(run)
    maps: list[WaveformMap] = []
    with progress.task("hiding samples", len(seeing) * len(drawn)) as advance:
        for fitted in seeing:
            samples = prod(events.features.shape[1:]) * cost(fitted)
            most = int(MOST_SAMPLES / samples / (len(windows) + 1) / len(drawn))
            for label, rows in drawn.items():
                some = rows[: min(most, *map(len, drawn.values()))]
                if len(some) >= LEAST_MAPS:
                    shown = _shown(fitted, events, some, run.parts.fold)
                    maps += _maps(fitted, label, shown, windows, answers)
                advance(1, fitted.name)
    return tuple(maps)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """Waveforms of one class as the trainings that score them get them.

    Attributes:
        member: by waveform, the number of the training that scores it.
        inputs: shape (n, samples, channels).
        empty: shape (n, 1, channels), the quiet level of each.
        raw: shape (n, samples), the first channel as it was read.
    """

    member: IntArray
    inputs: FloatArray
    empty: FloatArray
    raw: FloatArray


def _shown(fitted: Fitted, events: Events, rows: IntArray, fold: IntArray | None) -> _Shown:
    rows = np.sort(rows)
    waveforms = np.asarray(events.features[rows])
    member = np.zeros(len(rows), np.int64) if fold is None else np.asarray(fold[rows], np.int64)
    prepared = np.stack(
        [one.preparation.apply(waveforms, events.names).reshape(*waveforms.shape[:2], -1) for one in fitted.members]
    )
    inputs = prepared[member, np.arange(len(rows))]
    return _Shown(member=member, inputs=inputs, empty=_quiet_levels(inputs), raw=waveforms[..., 0])


def _quiet_levels(inputs: FloatArray) -> FloatArray:
    """The quiet level of each channel, shape (n, 1, channels); the median where none can be found."""
    levels = [quiet(np.ascontiguousarray(inputs[..., k])).level for k in range(inputs.shape[2])]
    level, median = np.stack(levels, axis=1), np.median(inputs, axis=1)
    return np.asarray(np.where(np.isfinite(level), level, median)[:, np.newaxis], np.float32)


def _maps(fitted: Fitted, label: Label, shown: _Shown, windows: list[slice], answers: Answers) -> list[WaveformMap]:
    hidden = _hidden(fitted, shown, windows, answers)
    samples = integrated_gradients(
        fitted, shown.member, shown.inputs, np.broadcast_to(shown.empty, shown.inputs.shape), answers=answers
    )
    found = [_map(fitted, label, shown, windows, hidden)]
    if samples is not None:
        parts = np.stack([samples[:, window].sum(axis=(1, 2)) for window in windows], axis=1)
        found.append(_map(fitted, label, shown, windows, parts, gradient=True))
    return found


def _hidden(fitted: Fitted, shown: _Shown, windows: list[slice], answers: Answers) -> Values:
    """How far each answer falls when a window is hidden, shape (n, windows)."""
    before = answers(fitted, shown.member, shown.inputs)
    drops = np.empty((len(before), len(windows)))
    for k, window in enumerate(windows):
        for start in range(0, len(before), _AT_ONCE):
            at = slice(start, start + _AT_ONCE)
            hidden = shown.inputs[at].copy()
            hidden[:, window] = shown.empty[at]
            drops[at, k] = before[at] - answers(fitted, shown.member[at], hidden)
    return drops


def _map(
    fitted: Fitted, label: Label, shown: _Shown, windows: list[slice], drops: Values, *, gradient: bool = False
) -> WaveformMap:
    bins = cuts_of(shown.raw.shape[1], _MEAN_BINS)
    n = len(drops)
    return WaveformMap(
        model=fitted.name,
        label=label,
        method="gradient" if gradient else "occlusion",
        edges=_rounded(np.array([window.start for window in windows] + [windows[-1].stop]) * NANOSECONDS / 1000),
        drop=_rounded(drops.mean(axis=0)),
        error=_rounded(drops.std(axis=0, ddof=1) / np.sqrt(n)),
        mean=_rounded(np.array([shown.raw[:, one].mean(dtype=np.float64) for one in bins])),
        waveforms=n,
    )


def _rounded(values: Values) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
