"""The threshold explorer in headless Chromium: what it shows is what Python computes, however the cut was moved."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from tests.report.browser import Browser
from tests.report.conftest import make_evaluation, write_run
from tests.report.explorers import with_counts

from hepsieve.evaluate import behind_cut
from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.evaluate.score_counts import ScoreCounts
from hepsieve.report.html import write
from hepsieve.report.summary import cell

pytestmark = pytest.mark.browser

PARTS: tuple[Literal["validation", "test"], ...] = ("validation", "test")
FIGURES = (
    "signal_efficiency",
    "background_efficiency",
    "background_rejection",
    "expected_signal",
    "expected_background",
    "purity",
    "significance",
)
# What the page shows, by part.
_SHOWN = """
const parts = {};
for (const cell of document.querySelectorAll("#explorer [data-part]")) {
  const part = parts[cell.dataset.part] ??= {figures: {}, confusion: [[0, 0], [0, 0]], events: [0, 0]};
  const {figure, truth, called, events, value, low, high} = cell.dataset;
  if (figure) part.figures[figure] = [value, low, high, cell.textContent.trim()];
  if (truth) part.confusion[truth][called] = Number(value);
  if (events) part.events[events] = cell.textContent;
}
return JSON.stringify({parts, threshold: Number(document.getElementById("explorer-threshold").value)});
"""
_CENTRE = """
const svg = document.getElementById(arguments[0]), box = svg.getBoundingClientRect();
const scale = box.width / svg.viewBox.baseVal.width;
return [box.left + arguments[1] * scale, box.top + arguments[2] * scale];
"""


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return with_counts(make_evaluation(features=["a"], models=["adaboost", "trees"]))


@pytest.fixture(scope="module")
def page(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(write_run(tmp_path_factory.mktemp("explorer") / "run", evaluation))


def counts_of(evaluation: Evaluation, model: str) -> ScoreCounts:
    counts = evaluation.models[model].counts
    assert counts is not None
    return counts


def shown_equals_computed(browser: Browser, counts: ScoreCounts, *, to: float = 1e-8, **expected: float) -> int:
    """Compare all that the page shows with Python; the index of the edge that it is at."""
    shown = json.loads(browser.run(_SHOWN))
    edge = counts.edges.index(shown["threshold"])
    for part in PARTS:
        computed = behind_cut(counts, edge, part=part, **expected)
        found = shown["parts"][part]
        assert set(found["figures"]) == set(FIGURES)
        for name in FIGURES:
            quantity: Quantity = getattr(computed, name)
            *ends, text = found["figures"][name]
            for end, wanted in zip(ends, (quantity.value, quantity.low, quantity.high), strict=True):
                assert (end == "") == (wanted is None), name
                assert wanted is None or float(end) == pytest.approx(wanted, rel=to, abs=1e-12), name
            assert " ".join(text.split()) == str(cell(quantity, digits=2)), name
        assert np.array(found["confusion"]) == pytest.approx(np.array(computed.confusion), rel=to, abs=to)
        assert tuple(int(n.replace(",", "")) for n in found["events"]) == computed.events
    return edge


def type_into(browser: Browser, field: str, value: str) -> None:
    element = browser.find(f"#explorer-{field}")
    element.send_keys(Keys.CONTROL, "a")
    element.send_keys(value, Keys.TAB)


def press_at(browser: Browser, chart: str, x: float, y: float, *, then: tuple[float, float] | None = None) -> None:
    """Press the pointer at a place of a chart, and drag it to another."""
    browser.run("arguments[0].scrollIntoView({block: 'center'})", browser.find(f"#{chart}"))
    for k, (place, kind) in enumerate(
        (((x, y), "mousePressed"), (then or (x, y), "mouseMoved"), (then or (x, y), "mouseReleased"))
    ):
        left, top = browser.run(_CENTRE, chart, *place)
        browser.command(
            "Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", buttons=1 if k < 2 else 0, clickCount=1
        )


def test_ten_typed_thresholds_give_the_numbers_of_python(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page)
    seen = set()
    for model in evaluation.models:
        Select(browser.find("#explorer-model")).select_by_visible_text(model)
        counts = counts_of(evaluation, model)
        last = len(counts.edges) - 1
        for edge in (0, last // 4, last // 2, 3 * last // 4, last):
            type_into(browser, "threshold", repr(counts.edges[edge]))
            assert shown_equals_computed(browser, counts) == edge
            seen.add((model, edge))
    assert len(seen) == 10
    assert browser.console() == []
    assert browser.requests() == [page.as_uri()]


def test_typed_yields_give_the_significance_and_purity_of_python(
    browser: Browser, evaluation: Evaluation, page: Path
) -> None:
    browser.open(page)
    counts = counts_of(evaluation, evaluation.best)
    for signal, background, percent in ((30, 5000, 0), (3, 2_000_000, 5), (500, 20, 0.1), (0, 100, 20)):
        for field, value in (("signal", signal), ("background", background), ("uncertainty", percent)):
            type_into(browser, field, str(value))
        expected = {
            "signal_yield": float(signal),
            "background_yield": float(background),
            "background_uncertainty": percent / 100,
        }
        for threshold in ("0.2", "0.9"):
            type_into(browser, "threshold", threshold)
            shown_equals_computed(browser, counts, **expected)
    type_into(browser, "signal", "-1")
    assert browser.find("#explorer-signal").get_attribute("aria-invalid") == "true"
    shown_equals_computed(browser, counts, **expected)


def test_negative_weights_give_the_numbers_of_python(browser: Browser, tmp_path: Path) -> None:
    weighted = with_counts(make_evaluation(features=["a"], models=["trees"]), n=300, weighted=True)
    browser.open(write(write_run(tmp_path / "run", weighted)))
    counts = counts_of(weighted, "trees")
    n = len(counts.edges)
    rejections = [behind_cut(counts, edge).background_rejection for edge in range(n)]
    # A last background event of small weight: no upper limit.
    open_end = next(k for k, one in enumerate(rejections) if one.value is not None and one.high is None)
    for edge in (3, n // 2, 9 * n // 10, open_end):
        type_into(browser, "threshold", repr(counts.edges[edge]))
        # Weights are in the page to eight digits, their squares to six.
        assert shown_equals_computed(browser, counts, to=1e-5) == edge


def test_dragging_along_the_roc_curve_moves_the_cut(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page)
    counts = counts_of(evaluation, evaluation.best)
    side = counts.validation.signal.weight
    points = browser.run("return document.querySelector('#explorer-roc polyline').getAttribute('points')").split(" ")
    assert len(points) == len(counts.edges) + 1
    start, end = len(points) // 3, 2 * len(points) // 3
    (x, y), then = (tuple(map(float, points[k].split(","))) for k in (start, end))
    press_at(browser, "explorer-roc", x, y, then=(then[0], then[1]))
    edge = shown_equals_computed(browser, counts)
    assert side[edge] == pytest.approx(side[end], abs=0.01 * side[0])
    assert browser.run("return location.hash") == f"#explorer={evaluation.best},{counts.edges[edge]}"
    circle = browser.find("#explorer-roc .cut")
    assert float(circle.get_attribute("cx") or "nan") == pytest.approx(float(points[edge].split(",")[0]))


def test_dragging_along_the_histogram_moves_the_cut(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page)
    counts = counts_of(evaluation, evaluation.best)
    press_at(browser, "explorer-histogram", 100, 60, then=(300, 90))
    edge = shown_equals_computed(browser, counts)
    line = browser.find("#explorer-histogram line.cut")
    assert float(line.get_attribute("x1") or "nan") == pytest.approx(300, abs=4)
    press_at(browser, "explorer-histogram", 200, 60)
    assert shown_equals_computed(browser, counts) < edge


def test_touching_a_chart_moves_the_cut(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page, width=380, height=800)
    browser.run("arguments[0].scrollIntoView({block: 'center'})", browser.find("#explorer-histogram"))
    counts = counts_of(evaluation, evaluation.best)
    edges = []
    for x in (90, 250):
        left, top = browser.run(_CENTRE, "explorer-histogram", x, 60)
        browser.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": left, "y": top}])
        browser.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        edges.append(shown_equals_computed(browser, counts))
    assert edges[0] < edges[1]


def test_the_keyboard_moves_the_cut(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page)
    counts = counts_of(evaluation, evaluation.best)
    slider = browser.find("#explorer-range")
    start = shown_equals_computed(browser, counts)
    assert counts.edges[start] == 0.5
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert shown_equals_computed(browser, counts) == start + 1
    slider.send_keys(Keys.PAGE_DOWN)
    assert shown_equals_computed(browser, counts) < start - 5
    slider.send_keys(Keys.END)
    assert shown_equals_computed(browser, counts) == len(counts.edges) - 1
    slider.send_keys(Keys.HOME)
    assert shown_equals_computed(browser, counts) == 0
    assert (
        slider.get_attribute("aria-valuetext") == "score at least 0: 100.0 % of signal and 100.00 % of background pass"
    )
    time.sleep(0.4)
    assert "on test 100.0 % of signal" in browser.find("#explorer-says").text


def test_a_place_can_be_shared_by_its_address(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    counts = counts_of(evaluation, "adaboost")
    browser.open(page, at="#explorer=adaboost,0.81")
    assert Select(browser.find("#explorer-model")).first_selected_option.text == "adaboost"
    assert shown_equals_computed(browser, counts) == counts.nearest(0.81)
    assert browser.run("return document.getElementById('explorer').getBoundingClientRect().top") < 200
    browser.run("location.hash = '#explorer=trees,0.3'")
    deadline = time.monotonic() + 5
    while Select(browser.find("#explorer-model")).first_selected_option.text != "trees":
        assert time.monotonic() < deadline
    assert shown_equals_computed(browser, counts_of(evaluation, "trees")) == counts_of(evaluation, "trees").nearest(0.3)
    for bad in ("#explorer=nobody,0.3", "#explorer=trees,x", "#explorer=%E0%A4%A,0.1", "#explorer="):
        browser.open(page, at=bad)
        assert (
            counts_of(evaluation, evaluation.best).edges[
                shown_equals_computed(browser, counts_of(evaluation, evaluation.best))
            ]
            == 0.5
        )
        assert browser.console() == []


def test_buttons_jump_to_working_points(browser: Browser, evaluation: Evaluation, page: Path) -> None:
    browser.open(page)
    counts = counts_of(evaluation, evaluation.best)
    for point in evaluation.working_points[evaluation.best]:
        button = next(
            b for b in browser.driver.find_elements("css selector", "#explorer-points button") if b.text == point.wanted
        )
        browser.run("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        assert counts.edges[shown_equals_computed(browser, counts)] == point.threshold
        assert button.get_attribute("aria-pressed") == "true"


def test_another_model_keeps_the_signal_efficiency_on_validation(
    browser: Browser, evaluation: Evaluation, page: Path
) -> None:
    browser.open(page, at="#explorer=adaboost,0.6")
    before = counts_of(evaluation, "adaboost")
    kept = before.validation.signal.weight[shown_equals_computed(browser, before)]
    Select(browser.find("#explorer-model")).select_by_visible_text("trees")
    after = counts_of(evaluation, "trees")
    assert after.validation.signal.weight[shown_equals_computed(browser, after)] == pytest.approx(kept, rel=0.03)


def test_the_test_part_is_shown_with_a_warning(browser: Browser, page: Path) -> None:
    browser.open(page)
    before = browser.run("return document.querySelector('#explorer-roc polyline').getAttribute('points')")
    assert not browser.find("#explorer-warning").is_displayed()
    browser.run("document.querySelector('#explorer input[value=test]').click()")
    assert browser.find("#explorer-warning").is_displayed()
    assert browser.run("return document.querySelector('#explorer-roc polyline').getAttribute('points')") != before
    browser.run("document.getElementById('explorer-logarithmic').click()")
    assert "0.001" in browser.find("#explorer-roc").text
    assert browser.console() == []


def test_all_cuts_can_be_saved(browser: Browser, evaluation: Evaluation, page: Path, tmp_path: Path) -> None:
    browser.open(page)
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    names = ("explorer.csv", "explorer-roc.svg", "explorer-histogram.svg")
    for press in ("#explorer-csv", "[data-save=roc]", "[data-save=histogram]"):
        browser.run("document.querySelector(arguments[0]).click()", press)
    deadline = time.monotonic() + 10
    while not all((tmp_path / name).exists() for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for name in names[1:]:
        drawing = ElementTree.parse(tmp_path / name).getroot()
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        assert {element.get("fill") for element in drawing} - {"none", ""}
        assert "var(" not in (tmp_path / name).read_text(encoding="utf-8")
    saved = tmp_path / names[0]
    rows = list(csv.DictReader(saved.read_text(encoding="utf-8").splitlines()))
    counts = counts_of(evaluation, evaluation.best)
    assert len(rows) == 2 * len(counts.edges)
    for row in rows[:: len(rows) // 7]:
        computed = behind_cut(counts, counts.edges.index(float(row["threshold"])), part=row["part"])  # type: ignore[arg-type]
        assert float(row["signal_efficiency low"]) == pytest.approx(computed.signal_efficiency.low, rel=1e-8, abs=1e-12)
        assert float(row["background_efficiency"]) == pytest.approx(computed.background_efficiency.value)


def test_the_paper_shows_the_cut(browser: Browser, page: Path) -> None:
    browser.open(page, at="#explorer=trees,0.7")
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.find("#explorer .behind").is_displayed()
        assert browser.find("#explorer-histogram").is_displayed()
        assert browser.find("#explorer-threshold").get_attribute("value") == "0.7"
        assert not browser.find("#explorer-range").is_displayed()
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("name", ["</script><img src=x onerror=\"document.title='run'\">", "$x&amp;\u2028,é"])
def test_names_do_not_run(
    browser: Browser, tmp_path: Path, name: str, evaluate_by_hand: Callable[..., Evaluation]
) -> None:
    plain = with_counts(evaluate_by_hand(features=["a"], models=["trees"], classes=(name, "signal")), n=100)
    hostile = plain.model_copy(
        update={
            "models": {name: plain.models["trees"]},
            "working_points": {name: plain.working_points["trees"]},
            "best": name,
            "data": plain.data.model_copy(update={"folds": 5}),
        }
    )
    browser.open(write(write_run(tmp_path / "run", hostile, history=[])))
    assert Select(browser.find("#explorer-model")).first_selected_option.text == name.replace("\u2028", " ").replace(
        "  ", " "
    )
    assert browser.driver.title == "Heavy Higgs cascade against top pairs – hepsieve"
    assert browser.run("return document.querySelectorAll('img[src=x]').length") == 0
    shown_equals_computed(browser, counts_of(hostile, name))
    browser.find("#explorer-range").send_keys(Keys.ARROW_RIGHT)
    WebDriverWait(browser.driver, 5).until(lambda _: ": out of fold " in browser.find("#explorer-says").text)
    address = browser.run("return location.hash")
    browser.open(tmp_path / "run" / "report.html", at=address)
    assert shown_equals_computed(browser, counts_of(hostile, name)) == counts_of(hostile, name).edges.index(0.5) + 1
    assert browser.console() == []
