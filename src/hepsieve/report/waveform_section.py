"""The page's section about waveforms: a few of them as they are and as networks get them, and mean waveforms."""

from __future__ import annotations

from dataclasses import dataclass

from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.report.picture import Picture, picture
from hepsieve.report.summary import number
from hepsieve.report.waveforms import example_figure, mean_waveforms, normalised_range


@dataclass(frozen=True, kw_only=True)
class WaveformSection:
    """What the page shows of the training waveforms, and sentences on how to read it.

    Attributes:
        intro: how long the waveforms are.
        means: the mean waveforms; None where there are too few waveforms.
        how: how the examples were chosen and normalised.
        examples: one picture each.
    """

    intro: str
    means: Picture | None
    how: str
    examples: tuple[Picture, ...]


def waveform_section(waveforms: WaveformSummary | None) -> WaveformSection | None:
    """What the training waveforms look like; None where the data are no waveforms."""
    if waveforms is None:
        return None
    both = normalised_range(waveforms)
    steps = f" (normalised: {waveforms.normalised})" if waveforms.normalised else ""
    chosen = "one from each eighth of them, ordered by the target" if waveforms.ordered else "some of each class"
    return WaveformSection(
        intro=f"{number(waveforms.samples, 0)} samples of {waveforms.sample_ns:g} ns each, "
        f"{waveforms.samples * waveforms.sample_ns / 1000:.4g} µs in all.",
        means=_means(waveforms),
        how=f"Waveforms drawn by chance with the seed, {chosen}: left as they were read, right as a network gets "
        f"them{steps}, on a scale that is the same for all. Of every few samples the lowest and the highest are drawn.",
        examples=tuple(
            picture(
                example_figure(example, waveforms, normalised=both),
                f"A waveform, {example.title}: raw and normalised samples against time.",
                title=example.title,
            )
            for example in waveforms.examples
        ),
    )


def _means(waveforms: WaveformSummary) -> Picture | None:
    if not waveforms.means:
        return None
    counted = ", ".join(f"{mean.title}: {number(mean.n, 0)}" for mean in waveforms.means if mean.n)
    what = "ranges of the target" if waveforms.ordered else "either class"
    return picture(
        mean_waveforms(waveforms),
        f"Mean waveforms of {what} against time, each waveform moved to its centre of gravity.",
        note=f"Waveforms averaged: {counted}." if counted else "",
    )
