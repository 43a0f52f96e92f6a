"""The look of the figures: an experiment's frame, small SVG, and a style sheet that the page can tell the scheme."""

from __future__ import annotations

import re

from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator

from hepsieve.report.scripts import script
from hepsieve.report.style import BLUE, experiment_label, house_style, new_figure, plain_axes, points, steps, to_svg


@house_style()
def histogram(width: float = 400, *, simulated: bool = True) -> Figure:
    figure = new_figure(width, 200)
    axes = figure.add_subplot()
    steps(axes, [1, 3, 2], [0, 1, 2, 3], color=BLUE, filled=0.3, label="train")
    points(axes, [1.1, 2.8, 2], [0.2, 0.3, 0], [0, 1, 2, 3], color=BLUE, marker="o", label="test")
    axes.legend()
    experiment_label(axes, simulated=simulated)
    plain_axes(axes)
    return figure


def test_ticks_point_inwards_on_all_four_sides_with_minor_ones_where_there_is_room() -> None:
    svg = to_svg(histogram())
    # Up from the lower side, down from the upper one, right from the left, left from the right; minor ones are shorter.
    drawn = set(re.findall(r'd="(M0 0L[-\d. ]*?)\s*"', svg))
    assert drawn == {f"M0 0L{end}" for end in ("0 -5", "0 5", "5 0", "-5 0", "0 -2.5", "0 2.5", "2.5 0", "-2.5 0")}
    (axes,) = histogram().axes
    for axis in (axes.xaxis, axes.yaxis):
        (tick, *_) = axis.get_major_ticks()
        assert tick.tick1line.get_visible()
        assert tick.tick2line.get_visible()
        assert isinstance(axis.get_minor_locator(), AutoMinorLocator)
    (small,) = histogram(150).axes
    assert not isinstance(small.xaxis.get_minor_locator(), AutoMinorLocator)


def test_the_label_says_whose_plot_it_is_and_what_was_simulated() -> None:
    assert [text.get_text() for text in histogram().axes[0].texts] == ["hepsieve", "Simulation"]
    assert [text.get_text() for text in histogram(simulated=False).axes[0].texts] == ["hepsieve"]


def test_the_legend_has_one_entry_a_histogram() -> None:
    (axes,) = histogram().axes
    box = axes.get_legend()
    assert box is not None
    assert [text.get_text() for text in box.get_texts()] == ["train", "test"]


def test_every_reference_in_an_svg_leads_to_something_and_equal_figures_are_equal() -> None:
    svg = to_svg(histogram())
    used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg))
    known = set(re.findall(r' id="([^"]*)"', svg))
    assert {one or other for one, other in used} == known
    assert to_svg(histogram()) == svg
    assert "<g id=" not in svg


def test_the_page_finds_the_place_where_a_figure_asks_for_the_scheme() -> None:
    (place,) = re.findall(r'const DARK = "([^"]*)"', script("page.js"))
    assert to_svg(histogram()).count(place) == 1
