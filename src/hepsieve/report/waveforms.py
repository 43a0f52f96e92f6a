"""What waveforms look like: single ones raw and normalised, means of many, and how targets are distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from hepsieve.audit.target_description import TargetSummary
from hepsieve.evaluate.waveform_results import MeanWaveform, WaveformExample, WaveformSummary
from hepsieve.report.style import (
    BACKGROUND,
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    PURPLE,
    RED,
    SIGNAL,
    TRAIN,
    house_style,
    new_figure,
    plain_axes,
    shorten,
    steps,
)

# In the order of the spectrum, as ranges follow each other.
_RANGES = (PURPLE, BLUE, GREEN, ORANGE, RED)
_ACROSS = 4  # examples in a row


@house_style()
def example_figure(example: WaveformExample, waveforms: WaveformSummary, *, normalised: tuple[float, float]) -> Figure:
    """One waveform as it was read and, beside it, as a network gets it.

    Args:
        example: the waveform.
        waveforms: where it is from.
        normalised: the ends of the second scale, the same for all examples.
    """
    figure = new_figure(420, 140)
    raw, made = figure.subplots(1, 2, sharex=True)
    for axes, values, colour, title in (
        (raw, example.raw, TRAIN, _raw_title(waveforms)),
        (made, example.normalised, PURPLE, "normalised"),
    ):
        axes.plot(example.time, values, color=colour, linewidth=0.8)
        axes.set_ylabel(title, fontsize=9)
        axes.set_xlabel("time [µs]", fontsize=9)
        _finish(axes)
    raw.set_xlim(0, waveforms.samples * waveforms.sample_ns / 1000)
    low, high = normalised
    made.set_ylim(low - 0.04 * (high - low), high + 0.06 * (high - low))
    return figure


@house_style()
def raw_waveforms(waveforms: WaveformSummary) -> Figure:
    """All examples as they were read, each on a scale of its own."""
    down = ceil(len(waveforms.examples) / _ACROSS)
    figure = new_figure(210 * _ACROSS, 135 * down)
    for place, example in enumerate(waveforms.examples, start=1):
        axes = figure.add_subplot(down, _ACROSS, place)
        axes.plot(example.time, example.raw, color=TRAIN, linewidth=0.8)
        axes.set_title(shorten(example.title, 30), fontsize=9)
        axes.set_xlim(0, waveforms.samples * waveforms.sample_ns / 1000)
        _finish(axes)
    figure.supxlabel("time [µs]", fontsize=9)
    figure.supylabel(_raw_title(waveforms), fontsize=9)
    return figure


def normalised_range(waveforms: WaveformSummary) -> tuple[float, float]:
    """The lowest and the highest normalised sample of all examples, but at least from 0 to something."""
    values = [value for example in waveforms.examples for value in example.normalised]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return (low, high) if high > low else (low, low + 1)


@house_style()
def mean_waveforms(waveforms: WaveformSummary) -> Figure:
    """The mean waveforms of both classes, or of ranges of the target in the order of the spectrum."""
    figure = new_figure(520, 300)
    axes = figure.add_subplot()
    for mean, colour in zip(waveforms.means, _colours(waveforms), strict=True):
        axes.plot(mean.time, mean.mean, color=colour, linewidth=1.6, label=shorten(mean.title, 30))
    axes.set_xlabel("time from the centre of gravity [µs]")
    axes.set_ylabel(f"mean above the baseline [{_per_sample(waveforms)}]")
    if waveforms.means:
        box = axes.legend(loc="upper right", handlelength=1.6)
        for text, mean in zip(box.get_texts(), waveforms.means, strict=True):
            text.set_text(shorten(mean.title, 30))
    axes.set_ylim(bottom=min(0.0, _lowest(waveforms.means)))
    _finish(axes, size=10, ticks=8)
    return figure


@house_style()
def target_figure(target: TargetSummary) -> Figure:
    """How many events there are along the target, with its own unit above the shares."""
    figure = new_figure(420, 220)
    axes = figure.add_subplot()
    edges = np.asarray(target.edges)
    steps(axes, target.counts, edges, color=BACKGROUND, filled=0.35, linewidth=1)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"{shorten(target.name, 30)}, share of {target.full:g}{f' {target.unit}' if target.unit else ''}")
    axes.set_ylabel("events")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _finish(axes, size=10, ticks=8)
    if target.unit:
        above = axes.secondary_xaxis("top", functions=(_times(target.full), _times(1 / target.full)))
        above.set_xlabel(f"{shorten(target.name, 30)} [{target.unit}]", fontsize=9.5)
        above.tick_params(labelsize=9)
        axes.tick_params(axis="x", which="both", top=False)
    return figure


def _times(factor: float) -> Callable[[ArrayLike], NDArray[np.float64]]:
    return lambda values: np.asarray(values, np.float64) * factor


def _raw_title(waveforms: WaveformSummary) -> str:
    return f"raw [{_per_sample(waveforms)}]"


def _per_sample(waveforms: WaveformSummary) -> str:
    """The unit of a sample: how much in how long."""
    return f"{waveforms.unit or 'counts'} / {waveforms.sample_ns:g} ns"


def _colours(waveforms: WaveformSummary) -> Sequence[str]:
    colours = _RANGES if waveforms.ordered else (BACKGROUND, SIGNAL)
    return [colours[k % len(colours)] for k in range(len(waveforms.means))]


def _lowest(means: Sequence[MeanWaveform]) -> float:
    return min((value for mean in means for value in mean.mean), default=0.0)


def _finish(axes: Axes, *, size: float = 8.5, ticks: int = 5) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}".replace("-", "−")))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", "−")))
    axes.tick_params(labelsize=size, labelcolor=MUTED)
    plain_axes(axes)
