"""The page in headless Chromium: it fits a desktop and a phone, and no name runs as a script."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread
from tests.report.regressions import CONFIG, make_history, make_regression

from hepsieve.evaluate.results import Evaluation
from hepsieve.report.html import write

pytestmark = pytest.mark.browser

Make = Callable[..., Path]
Open = Callable[..., str]

# The frame's document is the page as it is, with its own policy; only the page around it runs a script.
_FRAME = """<!DOCTYPE html><meta charset="utf-8"><title>not measured</title><style>body {{ margin: 0 }}</style>
<iframe id="f" style="border: 0; display: block" width="{width}" height="{height}" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const d = document.getElementById("f").contentDocument, root = d.documentElement;
  const broken = [...d.images].filter(i => !i.complete || i.naturalWidth === 0).length;
  const figures = [root.scrollWidth, root.clientWidth, d.images.length, broken, d.title.length];
  document.title = `measured ${{figures.join(" ")}}`;
}});
</script>
"""


@pytest.fixture
def browser(tmp_path: Path) -> Open:
    """Run headless Chromium on a file with these options and return its standard output."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        message = f"no browser: install one of {', '.join(names)}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)

    def run(page: Path, *options: str) -> str:
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri(),
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return run


def _framed(page: Path, width: int, height: int = 1200) -> Path:
    """The page in a frame of this width: Chromium's own window can't be as narrow as a phone."""
    frame = page.with_name(f"frame-{width}.html")
    text = html.escape(page.read_text(encoding="utf-8"))
    frame.write_text(_FRAME.format(width=width, height=height, page=text), encoding="utf-8")
    return frame


def _measure(browser: Open, frame: Path) -> list[int]:
    page = browser(frame, "--virtual-time-budget=10000", "--dump-dom")
    title = re.search(r"<title>measured ([\d ]+)</title>", page)
    assert title is not None, page[:200]
    return [int(number) for number in title.group(1).split()]


def _pixels(picture: Path) -> tuple[tuple[int, int], int]:
    """Width and height of a PNG, and how many different rows of pixels it holds."""
    pixels = imread(picture)
    return (pixels.shape[1], pixels.shape[0]), len({row.tobytes() for row in pixels})


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_fits_the_window(
    make_run: Make, evaluate_by_hand: Callable[..., Evaluation], browser: Open, width: int
) -> None:
    frame = _framed(write(make_run(evaluate_by_hand())), width)
    content, window, images, broken, _ = _measure(browser, frame)
    assert window == width
    assert content <= window
    assert images == 45
    assert broken == 0


def test_a_page_about_images_fits_a_phone(
    make_run: Make,
    evaluate_by_hand: Callable[..., Evaluation],
    with_images: Callable[..., Evaluation],
    browser: Open,
) -> None:
    evaluation = with_images(evaluate_by_hand(features=["total energy"], models=["trees", "mlp-torch"]))
    content, window, images, broken, _ = _measure(browser, _framed(write(make_run(evaluation)), 380))
    assert content <= window == 380
    # Of images, maps and slices; and what pages about tables have too: AUCs, the histogram, correlations, learning
    # curves, ROC, scores, thresholds.
    assert images == 28 + 4 + 1 + (1 + 1 + 2 + 2 + 3 + 2 + 2)
    assert broken == 0


def test_a_page_about_a_regression_fits_a_phone(make_run: Make, browser: Open) -> None:
    evaluation = make_regression()
    history = make_history(list(evaluation.models))
    page = write(make_run(evaluation, config=CONFIG, history=history))
    assert 'src="http' not in page.read_text(encoding="utf-8")
    content, window, images, broken, _ = _measure(browser, _framed(page, 380))
    assert content <= window == 380
    # Differences, the bound, RMSE and bias along two columns, predictions of two models and their residuals, pulls,
    # the target, learning curves.
    assert images == 1 + 1 + 4 + 2 + 1 + 1 + 1 + 2
    assert broken == 0


def test_long_names_do_not_widen_the_page(
    make_run: Make, evaluate_by_hand: Callable[..., Evaluation], browser: Open
) -> None:
    name = "m_" + "verylong" * 30
    evaluation = evaluate_by_hand(features=[name, "b"], models=["trees", "mlp-torch"], classes=(name, "signal"))
    frame = _framed(write(make_run(evaluation, findings=[{"code": name, "severity": "note", "message": name}])), 380)
    content, window, *_ = _measure(browser, frame)
    assert content <= window == 380


def test_names_do_not_run(make_run: Make, evaluate_by_hand: Callable[..., Evaluation], browser: Open) -> None:
    attack = "<img src=x onerror=\"document.title='longer than any title of ours, so that the test sees it'\">"
    evaluation = evaluate_by_hand(features=[attack, "b"], models=["trees"], classes=(attack, "signal"))
    frame = _framed(write(make_run(evaluation)), 1280)
    *_, broken, title = _measure(browser, frame)
    assert broken == 0
    assert title == len("Heavy Higgs cascade against top pairs – hepsieve")


@pytest.mark.parametrize(("width", "window"), [(1280, 1280), (380, 500)])
def test_a_screenshot_shows_more_than_a_blank_page(
    make_run: Make, browser: Open, tmp_path: Path, width: int, window: int
) -> None:
    picture = tmp_path / f"report-{width}.png"
    browser(_framed(write(make_run()), width, 2000), f"--screenshot={picture}", f"--window-size={window},2000")
    size, different_rows = _pixels(picture)
    assert size == (window, 2000)
    assert different_rows > 500
