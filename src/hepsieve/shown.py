"""Results that show themselves in a notebook: ROC curves, slices, images, waveforms, maps of what models look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape

from matplotlib.figure import Figure

from hepsieve.errors import ConfigError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.image_results import ImageSummary, OcclusionMap
from hepsieve.evaluate.results import Evaluation
from hepsieve.evaluate.run_comparison_results import RunComparison
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.report.compared_runs import model_rows, paired_rows, said
from hepsieve.report.figures import roc_curves
from hepsieve.report.images import draw_difference, draw_drop, draw_example, draw_mean, is_shower, largest_drop, panels
from hepsieve.report.slices import slice_curves, slice_rows
from hepsieve.report.summary import chosen_after
from hepsieve.report.waveforms import mean_waveforms, raw_waveforms


@dataclass(frozen=True, kw_only=True)
class Roc:
    """The ROC curves of an evaluation."""

    evaluation: Evaluation

    def plot(self) -> Figure:
        """Signal efficiency against background efficiency, with 95 % bands, for every model."""
        return roc_curves(self.evaluation)


@dataclass(frozen=True, kw_only=True)
class SliceTable:
    """The AUC of every model in each slice of the test part, as a table and to plot."""

    evaluation: Evaluation

    def plot(self) -> Figure | None:
        """The AUC against the value or the bin, with 95 % intervals; None where nothing was sliced."""
        taken = self.evaluation.slices
        return None if taken is None else slice_curves(taken, list(self.evaluation.models))

    def _repr_html_(self) -> str:
        return html_table(slice_rows(self.evaluation))

    def __repr__(self) -> str:
        """The table as text."""
        return text_table(slice_rows(self.evaluation))


@dataclass(frozen=True, kw_only=True)
class Images:
    """What the images of some events look like: means over each class, and a few examples.

    Attributes:
        summary: the numbers.
        classes: the names of background and signal.
    """

    summary: ImageSummary
    classes: tuple[str, str]

    def __repr__(self) -> str:
        """Numbers of images, their size and their channels."""
        images, (background, signal) = self.summary, self.classes
        channels = ", ".join(mean.channel for mean in images.means)
        return (
            f"Images({images.n_background} {background}, {images.n_signal} {signal}, {images.shape[0]} × "
            f"{images.shape[1]} pixels, {channels})"
        )

    def means(self, channel: str | None = None) -> Figure:
        """The mean image of each class and their difference (signal minus background), of the first channel or this."""
        at, (background, signal) = self._number(channel), self.classes
        drawings = {
            f"{background}, mean": partial(draw_mean, images=self.summary, channel=at, signal=False),
            f"{signal}, mean": partial(draw_mean, images=self.summary, channel=at, signal=True),
            f"{signal} minus {background}": partial(draw_difference, images=self.summary, channel=at),
        }
        return panels(drawings, across=3)

    def examples(self, channel: str | None = None) -> Figure:
        """A few images of each class, the same classes side by side, of the first channel or this one."""
        at, drawn = self._number(channel), self.summary.examples
        drawings = {
            f"{label} {k}": partial(draw_example, images=self.summary, example=example, channel=at)
            for label in self.classes
            for k, example in enumerate((one for one in drawn if one.label == label), start=1)
        }
        most = max(sum(one.label == label for one in drawn) for label in self.classes)
        return panels(drawings, across=most, size=(190, 205))

    def _number(self, channel: str | None) -> int:
        names = [mean.channel for mean in self.summary.means]
        if channel is not None and channel not in names:
            raise ValueError(f"no channel {channel!r}; the images have {', '.join(names)}")
        return 0 if channel is None else names.index(channel)


@dataclass(frozen=True, kw_only=True)
class Waveforms:
    """What some waveforms look like: a few examples, and means of many; of several channels the first.

    Attributes:
        summary: the numbers.
        n: of how many waveforms.
    """

    summary: WaveformSummary
    n: int

    def __repr__(self) -> str:
        """Number of waveforms, and their length."""
        samples, step = self.summary.samples, self.summary.sample_ns
        return f"Waveforms({self.n} of {samples} samples, {samples * step / 1000:.4g} µs)"

    def examples(self) -> Figure:
        """A few of each class, or from the smallest target to the largest."""
        return raw_waveforms(self.summary)

    def means(self) -> Figure:
        """The mean of each class or of ranges of the target, each waveform moved to its centre of gravity."""
        return mean_waveforms(self.summary)


@dataclass(frozen=True, kw_only=True)
class Maps:
    """What the models look at, averaged over validation images of each class.

    Attributes:
        maps: two for each model.
        classes: the names of background and signal.
        images: of the training part.
    """

    maps: tuple[OcclusionMap, ...]
    classes: tuple[str, str]
    images: ImageSummary

    def __repr__(self) -> str:
        """The models, and how many images each map rests on."""
        counted = ", ".join(f"{one.model} on {one.images} {self.classes[one.label or 0]} images" for one in self.maps)
        return f"Maps({counted or 'none: no model looks at pixels, or there are too few images'})"

    def plot(self) -> Figure:
        """How far each model's logit falls when a square of pixels is hidden, one row a model.

        Red pixels speak for signal, blue ones for background; within two standard errors of 0 they stay blank.
        """
        if not self.maps:
            raise ConfigError("no map to draw: no model looks at pixels, or there are too few images")
        drawings = {}
        for one in self.maps:
            most = largest_drop([other for other in self.maps if other.model == one.model])
            drawings[f"{one.model}, {self.classes[one.label or 0]}"] = partial(
                draw_drop, drops=one, most=most, centred=is_shower(self.images)
            )
        return panels(drawings, across=2)


@dataclass(frozen=True, kw_only=True)
class RunsCompared:
    """Models of several runs on the test events that these share; it shows itself as two tables."""

    comparison: RunComparison

    def _repr_html_(self) -> str:
        tables = html_table(model_rows(self.comparison)) + html_table(paired_rows(self.comparison))
        return tables + "".join(f"<p>{escape(line)}</p>" for line in said(self.comparison))

    def __repr__(self) -> str:
        """The tables as text."""
        tables = text_table(model_rows(self.comparison)), text_table(paired_rows(self.comparison))
        return "\n".join([*tables, *said(self.comparison)])


def html_table(rows: list[dict[str, str]]) -> str:
    """Rows of text as a table, their keys on top; empty without rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(column)}</th>" for column in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row.values()) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def text_table(rows: list[dict[str, str]]) -> str:
    """Rows of text, one line each, every entry after its key."""
    return "\n".join("; ".join(f"{column}: {text}" for column, text in row.items()) for row in rows)


def openings(evaluation: AnyEvaluation) -> str:
    """How many test events there were, how often they were looked at, and what is best."""
    times, label = evaluation.test_openings, chosen_after(evaluation)
    warning = "" if times == 1 else "; a model that was chosen after looking is no longer judged on unseen events"
    return (
        f"{evaluation.data.n_test} test events, opened {times} time{'s' if times > 1 else ''}{warning}; "
        f"best by validation: {evaluation.best}{f' ({label})' if label else ''}"
    )
