"""Pages in headless Chromium: they fit a phone, accuse themselves of nothing, and every button does what it says."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from tests.conftest import toy_rows
from tests.report.browser import Browser
from tests.report.conftest import make_evaluation, make_images, write_run
from tests.report.explorers import with_counts
from tests.report.regressions import CONFIG, make_history, make_regression

from hepsieve.cli import main
from hepsieve.evaluate import behind_cut
from hepsieve.evaluate.results import Evaluation
from hepsieve.report.html import write
from hepsieve.report.numbers import short

pytestmark = pytest.mark.browser

Make = Callable[..., Path]
PAGES = ("classification", "images", "regression", "inspection", "runs", "comparison")
# Weights of both signs, yields, calibration, slices, ranked features: a page with every section of tables.
TASK = """\
task: toy
title: Two overlapping clouds
classes: [noise, pulse]
data: {files: [toy.csv], label: kind, features: [a, b, c], weight: w}
models:
  trees: {kind: trees, rounds: 20, max_depth: 3}
  stumps: {kind: adaboost, estimators: 10}
evaluate:
  resamples: 100
  calibrate: isotonic
  slice_by: a
  slice_bins: 3
  yields: {luminosity: 10, signal: {cross_section: 5, efficiency: 0.5}, background: {events: 400}}
  background_uncertainty: 0.1
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind; those of tables as the commands write them."""
    folder = tmp_path_factory.mktemp("pages")
    features, label = toy_rows(600)
    weight = np.where(np.arange(600) % 9, 1.0, -0.5)
    rows = [",".join(map(str, row)) for row in zip(label, *features.T.tolist(), weight, strict=True)]
    (folder / "toy.csv").write_text("\n".join(["kind,a,b,c,w", *rows]) + "\n", encoding="utf-8")
    (folder / "toy.yaml").write_text(TASK, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HEPSIEVE_CACHE", str(folder / "cache"))
        for command in (
            "run toy.yaml --quiet --out toy",
            "inspect toy.yaml --quiet --html inspection.html",
            "runs . --html",
            "compare toy --all --quiet --html comparison.html",
        ):
            patch.setattr(sys, "argv", ["hepsieve", *command.split()])
            with pytest.raises(SystemExit) as end:
                main()
            assert not end.value.code, command
    images = make_images(make_evaluation(features=["total energy"], models=["trees"]))
    regression = make_regression()
    history = make_history(list(regression.models))
    return {
        "classification": folder / "toy" / "report.html",
        "images": write(write_run(folder / "images", images)),
        "regression": write(write_run(folder / "regression", regression, config=CONFIG, history=history)),
        "inspection": folder / "inspection.html",
        "runs": folder / "runs.html",
        "comparison": folder / "comparison.html",
    }


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [380, 1280])
def test_a_page_fits_the_window_and_loads_nothing(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    content, window = browser.widths()
    assert content <= window == width
    images = browser.run("return [...document.images].map(i => i.complete && i.naturalWidth > 0 && i.src.slice(0, 5))")
    assert set(images) <= {"data:"}
    assert len(images) == pages[name].read_text(encoding="utf-8").count("<img ")
    assert (len(images) > 0) == (name != "runs")
    assert browser.console() == []
    assert browser.requests() == [pages[name].as_uri()]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_serious_accessibility_fault(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    browser.open(pages[name], scheme=scheme)
    assert browser.faults() == []


def test_a_fault_would_be_found(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(
        "<!DOCTYPE html><html lang=en><title>x</title><main><h1>x</h1><p style='color: #bbb'>pale</p><img src=''>",
        encoding="utf-8",
    )
    browser.open(page)
    assert {fault.split(":")[0] for fault in browser.faults()} == {"color-contrast", "image-alt"}
    browser.run("fetch('http://localhost:9/').catch(() => console.error('told'))")
    time.sleep(0.2)
    assert browser.requests() == [page.as_uri(), "http://localhost:9/"]
    assert any("told" in message for message in browser.console())


def test_names_do_not_run_or_widen_the_page(
    make_run: Make, evaluate_by_hand: Callable[..., Evaluation], browser: Browser
) -> None:
    attacks = (
        "<img src=x onerror=\"document.title='run'\">",
        "</script><img src=x onerror=alert(1)>",
        "]]><svg onload=alert(1)>",
    )
    long = "m_" + "verylong" * 30
    evaluation = evaluate_by_hand(features=[*attacks, long], models=["trees"], classes=(attacks[1], long))
    finding = {"code": long, "severity": "note", "message": long + attacks[0]}
    page = write(make_run(with_counts(evaluation, n=50), findings=[finding]))
    browser.open(page, width=380)
    content, window = browser.widths()
    assert content <= window == 380
    assert browser.driver.title == "Heavy Higgs cascade against top pairs – hepsieve"
    assert browser.run("return document.querySelectorAll('img[src=x], svg[onload]').length") == 0
    assert all(attack in browser.find("#features").text for attack in attacks)
    assert browser.console() == []


def test_an_injected_script_would_not_run(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    text = pages["classification"].read_text(encoding="utf-8")
    page = tmp_path / "injected.html"
    page.write_text(text.replace("<main>", "<main><script>document.title = 'run'</script>", 1), encoding="utf-8")
    browser.open(page)
    assert browser.driver.title != "run"
    assert any("Content Security Policy" in message for message in browser.console())


def test_the_explorer_of_a_run_agrees_with_its_figures(browser: Browser, pages: dict[str, Path]) -> None:
    text = (pages["classification"].parent / "evaluation.json").read_text(encoding="utf-8")
    evaluation = Evaluation.from_json(text)
    for name, model in evaluation.models.items():
        assert model.counts is not None
        assert {point.threshold for point in evaluation.working_points[name]} <= set(model.counts.edges)
        assert np.array(behind_cut(model.counts, model.counts.edges.index(0.5)).confusion) == pytest.approx(
            np.array(model.confusion.counts), abs=1e-9
        )
    known = evaluation.physics[evaluation.best]
    browser.open(pages["classification"], at=f"#explorer={evaluation.best},{known.cut.threshold.value}")
    shown = (
        "return Number(document.querySelector(`#explorer [data-figure=${arguments[0]}][data-part=test]`).dataset.value)"
    )
    assert known.significance_with_uncertainty is not None
    for figure, value in (
        ("expected_signal", known.signal.events),
        ("expected_background", known.background.events),
        ("significance", known.significance_with_uncertainty.value),
    ):
        assert browser.run(shown, figure) == pytest.approx(value, rel=1e-6)


def _saved(folder: Path, ending: str) -> Path:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = list(folder.glob(f"*{ending}"))
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no {ending} in {list(folder.iterdir())}")


def test_a_figure_can_be_saved_with_its_numbers(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    browser.open(pages["classification"])
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    figure = browser.run("return [...document.querySelectorAll('#roc figure')][0]")
    assert browser.run("return arguments[0].querySelector('.downloads').checkVisibility()", figure)
    for kind in ("svg", "csv"):
        browser.run("arguments[0].querySelector(`.downloads .${arguments[1]}`).click()", figure, kind)
    drawing = _saved(tmp_path, ".svg").read_text(encoding="utf-8")
    assert drawing.startswith("<svg") or "<svg" in drawing[:400]
    assert "var(--" not in drawing
    rows = list(csv.DictReader(io.StringIO(_saved(tmp_path, ".csv").read_text(encoding="utf-8"))))
    evaluation = json.loads((pages["classification"].parent / "evaluation.json").read_text(encoding="utf-8"))
    names = list(rows[0])
    for name, model in evaluation["models"].items():
        points = [row for row in rows if name in row.values()]
        assert len(points) == len(model["roc"]["signal_efficiency"]), names
        values = [float(value) for row in points for value in row.values() if re.fullmatch(r"[\d.e-]+", value or "")]
        drawn = [*model["roc"]["signal_efficiency"], *model["roc"]["background_efficiency"]]
        assert {short(value) for value in drawn} <= set(values)


def test_every_figure_has_both_downloads(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["classification"])
    lacking = browser.run(
        "return [...document.querySelectorAll('figure')].filter(f => f.querySelector('img')"
        " && f.querySelectorAll('.downloads button').length < 2).map(f => f.textContent.trim().slice(0, 80))"
    )
    assert lacking == []


def test_the_colours_can_be_switched(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["classification"], scheme="light")
    paper = "return getComputedStyle(document.querySelector('section')).backgroundColor"
    light, image = browser.run(paper), browser.run("return document.images[0].src")
    browser.find("#theme").click()
    dark = browser.run(paper)
    assert dark != light
    assert browser.run("return document.images[0].src") != image
    browser.find("#theme").click()
    assert browser.run(paper) == light
    browser.look(scheme="dark")
    assert browser.run(paper) == dark


def test_the_contents_mark_the_current_section(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["classification"])
    marked = "return document.querySelector('#toc [aria-current]')?.hash"
    for section in ("#roc", "#features", "#explorer"):
        browser.run("document.querySelector(arguments[0]).scrollIntoView()", section)
        deadline = time.monotonic() + 5
        while browser.run(marked) != section:
            assert time.monotonic() < deadline, browser.run(marked)
    links = browser.run("return [...document.querySelectorAll('#toc a')].map(a => a.hash)")
    assert "#explorer" in links
    assert all(browser.run("return document.querySelector(arguments[0]) !== null", link) for link in links)


def test_the_page_prints(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["classification"])
    printed = base64.b64decode(browser.command("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 4
    assert browser.console() == []
    # Unfolded, but for the config, which alone would take pages.
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        browser.run("dispatchEvent(new Event('beforeprint'))")
        folded = browser.run(
            "return [...document.querySelectorAll('details:not([open]) > summary')].map(s => s.textContent)"
        )
        assert folded == ["config.yaml, complete"]
        assert not browser.find("details.unprinted").is_displayed()
        browser.run("dispatchEvent(new Event('afterprint'))")
        assert browser.run("return document.querySelectorAll('details[open]').length") == 0
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


def test_without_scripts_the_page_says_what_is_missing(browser: Browser, pages: dict[str, Path]) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["classification"])
        assert "needs JavaScript" in browser.find("#explorer noscript").text
        assert not browser.find("#explorer-tool").is_displayed()
        assert browser.find("#working-points table").is_displayed()
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [1280, 380])
def test_a_screenshot_shows_more_than_a_blank_page(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["classification"], width=width, height=2000)
    pixels = imread(io.BytesIO(browser.driver.get_screenshot_as_png()))
    assert pixels.shape[:2] == (2000, width)
    assert len({row.tobytes() for row in pixels}) > 500
