"""A description of waveforms and of targets into words, a table of quantities and histograms."""

from __future__ import annotations

from hepsieve.audit.spreads import ShapeSummary
from hepsieve.audit.target_description import TargetSummary
from hepsieve.audit.target_grid import step_words
from hepsieve.audit.waveform_description import WaveformDescription
from hepsieve.report.image_description import shape_histogram, spread_rows
from hepsieve.report.picture import Picture, picture
from hepsieve.report.rounding import figure
from hepsieve.report.summary import number, percent
from hepsieve.report.waveforms import target_figure

Row = dict[str, str]
Classes = tuple[str, str]

CAPTION = (
    "Waveforms that change at all: area (the sum of all samples above the baseline), highest sample, baseline (the "
    "median of quiet samples), noise (standard deviation of single quiet samples), centre of gravity and standard "
    "deviation of the light along time; quartiles to 0.2 % of their values or better"
)


def waveform_remarks(waveforms: WaveformDescription, classes: Classes, counts: tuple[int, int]) -> tuple[str, ...]:
    """How long the waveforms are, what their samples hold, and how many of them are odd."""
    channels = " and ".join(
        f"{one.name}{f' [{one.unit}]' if one.unit else ''}"
        + (f" from {figure(one.min)} to {figure(one.max)}" if one.min is not None else "")
        for one in waveforms.channels
    )
    length = waveforms.samples * waveforms.sample_ns / 1000
    found = [
        f"Waveforms of {number(waveforms.samples, 0)} samples with {channels}; at {waveforms.sample_ns:g} ns a sample "
        f"they last {length:.4g} µs.".replace(" -", " −")
    ]
    odd = {
        "never change": waveforms.empty,
        "show no pulse above the noise": waveforms.dark,
        "are clipped": waveforms.clipped,
        "are cut off at an edge": waveforms.cut,
    }
    told = [f"{_counted(marked, classes, counts)} {what}" for what, marked in odd.items() if sum(marked)]
    found.append(f"{'; '.join(told)}." if told else "None of them is flat, without a pulse, clipped or cut off.")
    return tuple(found)


def _counted(marked: tuple[int, int], classes: Classes, counts: tuple[int, int]) -> str:
    total = f"{number(sum(marked), 0)} ({percent(sum(marked) / max(sum(counts), 1))})"
    if not any(classes):
        return total
    return f"{total}, {number(marked[1], 0)} {classes[1]} and {number(marked[0], 0)} {classes[0]},"


def quantity_rows(waveforms: WaveformDescription, classes: Classes) -> list[Row]:
    """The describe table: two rows a quantity, signal first; in a regression one."""
    return spread_rows(waveforms.quantities, classes)


def quantity_pictures(waveforms: WaveformDescription, classes: Classes) -> list[Picture]:
    """A histogram of each quantity."""
    return [picture(shape_histogram(one), _alt(one, classes), title=one.name) for one in waveforms.quantities]


def _alt(one: ShapeSummary, classes: Classes) -> str:
    whose = f"for {classes[1]} and {classes[0]}" if any(classes) else "over all events"
    return f"Distribution of the {one.name} of the waveforms {whose}."


def target_sentence(target: TargetSummary) -> str:
    """What is regressed, and between which values it lies.

    The first part of what is said of a regression, where classes have their numbers.
    """
    if target.spread.min is None or target.spread.max is None:
        return f"{target.name} to regress, known of none"
    low, high = (end * (target.full if target.unit else 1) for end in (target.spread.min, target.spread.max))
    return f"{target.name} from {low:.4g} to {high:.4g}{f' {target.unit}' if target.unit else ''}"


def target_remarks(target: TargetSummary) -> tuple[str, ...]:
    """On which scale the target is given, how it spreads, whether it lies on a grid."""
    found = []
    if target.unit or target.full != 1:
        full = f"{target.full:g}{f' {target.unit}' if target.unit else ''}"
        found.append(f"What is regressed is {target.name}; targets are shares of its full scale, {full}.")
    else:
        found.append(f"What is regressed is {target.name}, in [0, 1].")
    spread = target.spread
    if spread.mean is not None and spread.median is not None:
        on = f", all multiples of {step_words(target.step)}" if target.step is not None else ""
        found.append(
            f"Its mean is {figure(spread.mean)}, its standard deviation {figure(spread.std)}; half of the targets lie "
            f"between {figure(spread.q25)} and {figure(spread.q75)}. There are {number(target.distinct, 0)} distinct "
            f"ones{on}."
        )
    return tuple(found)


def target_picture(target: TargetSummary) -> Picture:
    """How many events there are along the target."""
    return picture(target_figure(target), f"Number of events along the target {target.name}.")
