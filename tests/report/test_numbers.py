"""What a plot shows can be had as comma-separated values: quoted, in full precision, and never run as a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from hepsieve.evaluate.results import Evaluation
from hepsieve.report.html import render
from hepsieve.report.numbers import csv_text, drawn_numbers
from hepsieve.report.picture import picture
from hepsieve.report.style import house_style, new_figure, points, steps

_FIGURE = re.compile(r"<figure>(.*?)</figure>", re.DOTALL)
_NUMBERS = re.compile(r'<script type="application/json" class="numbers">(.*?)</script>', re.DOTALL)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_values_survive_the_way_through_csv() -> None:
    values = [0.1, 1 / 3, 1e-300, 123456789.123456789, -0.0, 7.0, 1e22]
    text = csv_text({'a "quoted", name': values, "line\nbreak": ["x"] * 7})
    (head, *rows) = read(text)
    assert head == ['a "quoted", name', "line\nbreak"]
    assert [float(row[0]) for row in rows] == values
    assert text.count("\r\n") == 8


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@cmd", "\t=1", '=HYPERLINK("http://x", "y")'])
def test_no_text_is_a_formula_and_negative_numbers_stay_numbers(text: str) -> None:
    (head, row) = read(csv_text({text: [text], "number": [-1.5]}))
    assert (head[0], row[0]) == (f"'{text}", f"'{text}")
    assert row[1] == "-1.5"


def test_undefined_values_are_empty() -> None:
    assert csv_text({"x": [None, float("nan"), float("inf"), 2]}) == "x\r\n\r\n\r\n\r\n2\r\n"


def test_columns_must_be_of_equal_length() -> None:
    with pytest.raises(ValueError, match="of unequal length"):
        picture(new_figure(10, 10), "A figure.", numbers={"x": [1], "y": []})


@house_style()
def test_numbers_are_read_off_histograms_points_and_lines() -> None:
    figure = new_figure(300, 200)
    axes = figure.add_subplot()
    edges = np.array([0.0, 0.5, 1.0])
    steps(axes, [2.0, 4.0], edges, color="#000000", filled=0.3, label="train")
    points(axes, [1.0, 3.0], [0.5, 0.0], edges, color="#000000", marker="o", label="test")
    axes.plot([0, 1], [5, 6], label="_child0")
    axes.axvline(0.3)
    axes.set_xlabel("score")
    axes.set_ylabel("density")
    numbers = drawn_numbers(figure)
    assert numbers["curve"] == ["train", "train", "test", "", ""]
    assert numbers["score from"] == [0.0, 0.5, None, None, None]
    assert numbers["score to"] == [0.5, 1.0, None, None, None]
    assert numbers["density"] == [2.0, 4.0, 1.0, 5.0, 6.0]
    assert numbers["score"] == [None, None, 0.25, 0.0, 1.0]
    # An empty bin has no point.
    assert (numbers["low"][2], numbers["high"][2]) == (0.5, 1.5)


@house_style()
def test_numbers_are_read_off_images() -> None:
    figure = new_figure(300, 200)
    figure.add_subplot().imshow([[1.0, np.nan], [3.0, 4.0]])
    numbers = drawn_numbers(figure)
    assert numbers["row"] == [0, 0, 1, 1]
    assert numbers["column"] == [0, 1, 0, 1]
    assert csv_text({"value": numbers["value"]}) == "value\r\n1\r\n\r\n3\r\n4\r\n"


@house_style()
def test_pixels_stand_where_their_middles_are_drawn() -> None:
    figure = new_figure(300, 200)
    axes = figure.add_subplot()
    axes.imshow([[1.0, 2.0], [3.0, 4.0]], extent=(-2, 2, 0, 1), origin="lower")
    axes.set_xlabel("phi")
    axes.set_ylabel("eta")
    assert drawn_numbers(figure) == {
        "phi": [-1, 1, -1, 1],
        "eta": [0.25, 0.25, 0.75, 0.75],
        "value": [1, 2, 3, 4],
    }


@pytest.mark.usefixtures("undrawn")
def test_the_page_gives_the_numbers_of_every_figure(
    make_run: Callable[..., Path], evaluate_by_hand: Callable[..., Evaluation]
) -> None:
    evaluation = evaluate_by_hand(models=["trees", "mlp-torch"], features=["=cmd", "m_bb"])
    figures = _FIGURE.findall(render(make_run(evaluation)))
    tables = {}
    for figure in figures:
        (block,) = _NUMBERS.findall(figure)
        title = re.search(r"<h\d>(.*?)</h\d>", figure)
        # Only < > & and ' are escaped, the JSON way, so that the text is what JSON.parse gives the page.
        tables[unescape(title.group(1)) if title else ""] = read(json.loads(block))
        assert figure.count('class="svg"') == figure.count('class="csv"') == 1
    head, *rows = tables["Receiver operating characteristic"]
    assert head == ["model", "background efficiency", "signal efficiency", "low", "high"]
    roc = evaluation.models["trees"].roc
    trees = [row for row in rows if row[0] == "trees"]
    assert [float(row[1]) for row in trees] == pytest.approx(roc.background_efficiency, rel=1e-6)
    assert [float(row[4]) for row in trees] == pytest.approx(roc.high, rel=1e-6)
    head, *rows = tables["=cmd"]
    feature = next(one for one in evaluation.features if one.name == "=cmd")
    assert head == ["'=cmd from", "'=cmd to", "signal", "background"]
    assert [float(row[2]) for row in rows] == list(feature.signal)
