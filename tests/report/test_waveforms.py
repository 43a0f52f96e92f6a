"""The page's section about waveforms: what is drawn is what was found, with units on every axis."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.audit.pulses import counts, separations
from tests.report.page import without_own_scripts

from hepsieve.audit.target_description import describe_target
from hepsieve.evaluate import waveforms as drawn
from hepsieve.evaluate.results import Evaluation
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.evaluate.waveforms import waveform_summary
from hepsieve.events import Events
from hepsieve.report.html import render
from hepsieve.report.style import BACKGROUND, SIGNAL, to_svg
from hepsieve.report.waveform_section import waveform_section
from hepsieve.report.waveforms import example_figure, mean_waveforms, normalised_range, target_figure

Make = Callable[..., Path]
Evaluate = Callable[..., Evaluation]
EVIL = "<script>alert(1)</script> & {{ 7 * 191 }} $x$"


@pytest.fixture(autouse=True)
def _few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time."""
    monkeypatch.setattr(drawn, "EXAMPLES", 1)


def summary(events: Events, classes: tuple[str, str] = ("1S2", "2S2")) -> WaveformSummary:
    return waveform_summary(
        events.features,
        events.target,
        unit=events.units[0],
        normalise=lambda raw: raw * np.float32(0.1),
        classes=classes,
        scale=events.scale,
        seed=1,
        normalised="a tenth",
    )


def lines(figure: Figure, axes: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in figure.get_axes()[axes].get_lines()
    ]


def test_an_example_is_drawn_raw_beside_normalised() -> None:
    made = summary(separations(60))
    example = made.examples[1]
    figure = example_figure(example, made, normalised=normalised_range(made))
    for axes, values in enumerate((example.raw, example.normalised)):
        ((time, shown),) = lines(figure, axes)
        np.testing.assert_array_equal(time, example.time)
        np.testing.assert_array_equal(shown, values)
    left, right = figure.get_axes()
    assert (left.get_xlabel(), left.get_ylabel()) == ("time [µs]", "raw [phd / 10 ns]")
    assert (right.get_xlabel(), right.get_ylabel()) == ("time [µs]", "normalised")
    assert left.get_xlim() == (0, 3)
    low, high = normalised_range(made)
    assert (low, high) == (min(min(e.normalised) for e in made.examples), max(max(e.normalised) for e in made.examples))
    bottom, top = right.get_ylim()
    assert bottom < low
    assert high < top


def test_means_have_the_colours_of_their_classes_or_of_the_spectrum() -> None:
    classes, ranges = summary(counts(60)), summary(separations(200))
    figure = mean_waveforms(classes)
    for (time, values), mean in zip(lines(figure), classes.means, strict=True):
        np.testing.assert_array_equal(time, mean.time)
        np.testing.assert_array_equal(values, mean.mean)
    axes = figure.get_axes()[0]
    assert [line.get_color() for line in axes.get_lines()] == [BACKGROUND, SIGNAL]
    assert axes.get_xlabel() == "time from the centre of gravity [µs]"
    assert axes.get_ylabel() == "mean above the baseline [phd / 10 ns]"
    five = mean_waveforms(ranges).get_axes()[0]
    assert len({line.get_color() for line in five.get_lines()}) == 5
    legend = five.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [mean.title for mean in ranges.means]


def test_the_target_is_drawn_as_a_share_and_in_its_unit() -> None:
    target = describe_target(separations(200))
    assert target is not None
    axes = target_figure(target).get_axes()[0]
    assert axes.get_xlabel() == "d, share of 30 mm"
    (above,) = axes.child_axes
    assert above.get_xlabel() == "d [mm]"
    assert "mm" not in to_svg(target_figure(target.model_copy(update={"unit": "", "full": 1.0})))


def test_nothing_to_draw_can_be_drawn() -> None:
    flat = summary(Events.from_arrays(np.zeros((20, 300, 1)), np.arange(20) % 2))
    section = waveform_section(flat)
    assert section is not None
    assert (section.means, len(section.examples)) == (None, 2)
    nothing = summary(counts(60)[:0])
    assert "time from" in to_svg(mean_waveforms(nothing))
    assert waveform_section(None) is None


def test_the_section_says_how_the_waveforms_were_chosen_and_normalised() -> None:
    section = waveform_section(summary(separations(200)))
    assert section is not None
    assert section.intro == "300 samples of 10 ns each, 3 µs in all."
    assert "one from each eighth of them, ordered by the target" in section.how
    assert "right as a network gets them (normalised: a tenth)" in section.how
    assert section.means is not None
    assert re.fullmatch(r"Waveforms averaged: d 0–6 mm: \d+, .*, d 24–30 mm: \d+\.", section.means.note)
    classes = waveform_section(summary(counts(60)))
    assert classes is not None
    assert "some of each class" in classes.how
    assert [one.title for one in classes.examples] == ["1S2", "2S2"]


@pytest.fixture
def page(make_run: Make, evaluate_by_hand: Evaluate) -> str:
    evaluation = evaluate_by_hand(features=["pulse area"], models=["trees"])
    return render(make_run(evaluation.model_copy(update={"waveforms": summary(counts(60), (EVIL, "2S2"))})))


def test_the_page_of_a_run_shows_them_and_obeys_no_name(page: str) -> None:
    assert '<a href="#waveforms">Waveforms</a>' in page
    section = page.partition('<section id="waveforms">')[2].partition("</section>")[0]
    sources = re.findall(r'<img src="([^"]*)"', section)
    assert len(sources) == 1 + 2
    assert max(map(len, sources)) < 40_000
    assert "<h2>Pulse shapes</h2>" in page
    assert "waveforms: the smallest sample of all becomes 0 and the largest 1" in page
    assert "<script" not in without_own_scripts(page)
    assert "1337" not in without_own_scripts(page)
    picture = base64.b64decode(sources[0].partition(",")[2]).decode()
    assert "time from the centre of gravity [µs]" in picture


@pytest.mark.usefixtures("undrawn")
def test_a_page_about_tables_has_no_word_of_waveforms(make_run: Make, evaluate_by_hand: Evaluate) -> None:
    page = render(make_run(evaluate_by_hand(features=["a"], models=["trees"])))
    for word in ("aveform", "pulse_shapes", "Pulse shapes"):
        assert word not in page.partition("config.yaml, complete")[0], word
