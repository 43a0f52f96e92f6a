"""What is said about waveforms and regressions, on the terminal and on the page of an inspection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.audit.pulses import D, counts, separations, with_waveforms
from tests.conftest import Told
from tests.report.page import Page

from hepsieve.audit import audit
from hepsieve.audit.description import Description, describe
from hepsieve.config import AuditConfig, load_task
from hepsieve.evaluate import waveforms as drawn
from hepsieve.events import Events, Origin
from hepsieve.pictured import inspected_waveforms
from hepsieve.report.description import (
    class_balance,
    feature_rows,
    missing_rows,
    missing_sentence,
    pair_rows,
    pairs_sentence,
    remarks,
)
from hepsieve.report.inspection import render_inspection

CLASSES = ("1S2", "2S2")
EVIL = "<script>alert(1)</script> & {{ 7 * 191 }} $x$"


@pytest.fixture(autouse=True)
def _few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time."""
    monkeypatch.setattr(drawn, "EXAMPLES", 1)


def described(events: Events, classes: tuple[str, str] = CLASSES) -> Description:
    return describe(events, classes=classes, correlated=0.96)


def inspected(events: Events, classes: tuple[str, str] = CLASSES) -> Page:
    found = audit(events, AuditConfig(), classes=classes)
    config = load_task("s2-count" if events.scale is None else "s2-separation")
    text = render_inspection(
        described(events, classes),
        found,
        title="x.npz",
        task="toy",
        origin=Origin(kind="real", sources=("x.npz",)),
        waveforms=inspected_waveforms(events, config.model_copy(update={"classes": classes})),
    )
    return Page(text)


def test_length_samples_and_odd_waveforms_are_told() -> None:
    length, odd = remarks(described(counts()))
    assert re.fullmatch(
        r"Waveforms of 300 samples with light \[phd\] from −0\.\d+ to \d+\.\d+; at 10 ns a sample they last 3 µs\.",
        length,
    )
    assert odd == "None of them is flat, without a pulse, clipped or cut off."
    events = counts()
    waveforms = events.features.copy()
    waveforms[np.flatnonzero(events.target == 1)[:3]] = 0
    assert remarks(described(with_waveforms(events, waveforms)))[1] == "3 (2.5 %), 3 2S2 and 0 1S2, never change."
    events = separations()
    waveforms = events.features.copy()
    waveforms[:6] = 0
    assert remarks(described(with_waveforms(events, waveforms)))[-1] == "6 (5.0 %) never change."


def test_quantities_have_a_row_for_each_class_and_one_in_a_regression() -> None:
    rows = feature_rows(described(counts()))
    assert [(row["feature"], row["class"], row["unit"]) for row in rows[:3]] == [
        ("area", "2S2", "phd"),
        ("area", "1S2", "phd"),
        ("highest sample", "2S2", "phd"),
    ]
    assert len(rows) == 2 * 6
    rows = feature_rows(described(separations()))
    assert [row["feature"] for row in rows] == ["area", "highest sample", "baseline", "noise", "centre", "width"]
    assert list(rows[0])[:4] == ["feature", "unit", "count", "mean"]


def test_a_regression_is_told_by_its_target() -> None:
    events = separations(200)
    target = np.rint(events.target * 40) / 40
    target[:3] = np.nan
    known = target[3:]
    result = described(events.replace(target=target.astype(np.float32)))
    assert class_balance(result) == f"d from {30 * known.min():.4g} to {30 * known.max():.4g} mm"
    scale, spread, missing, *_ = remarks(result)
    assert scale == "What is regressed is d; targets are shares of its full scale, 30 mm."
    assert re.fullmatch(
        r"Its mean is 0\.\d{4}, its standard deviation 0\.\d{4}; half of the targets lie between 0\.\d{4} and "
        rf"0\.\d{{4}}\. There are {len(np.unique(known))} distinct ones, all multiples of 1/40\.",
        spread,
    )
    assert missing == "3 events have no target and are left out here."


def test_missing_samples_are_told_by_channel() -> None:
    whole = described(separations())
    assert (missing_rows(whole), missing_sentence(whole)) == ([], "No value is missing or infinite.")
    events = separations()
    waveforms = events.features.copy()
    waveforms[5, :4], waveforms[6, 0] = np.nan, np.inf
    result = described(with_waveforms(events, waveforms))
    assert missing_sentence(result) == "2 waveforms have a missing or infinite value (1.7 % of 120)."
    (row,) = missing_rows(result)
    assert row == {"feature": "light", "missing": "4", "share": "0.0 %", "infinite": "1"}
    assert (pair_rows(result), pairs_sentence(result)) == ([], "")


@pytest.mark.parametrize("make", [counts, separations])
def test_the_page_shows_waveforms_quantities_and_targets(make: Callable[..., Events]) -> None:
    page = inspected(make())
    assert page.sections == ["description", "audit", "waveforms", "histograms", "data"]
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    # Six histograms, two examples, the means, and in a regression the target.
    assert len(pictures) == 6 + 2 + 1 + (make is separations)
    assert all(str(one["src"]).startswith("data:image/svg+xml;base64,") for one in pictures)
    assert "The audit found nothing to complain about." in page.words
    assert "Correlated pairs" not in page.words
    assert ("area 2S2 phd 60" if make is counts else "area phd 120") in page.words
    assert "(normalised: the smallest sample of all becomes 0 and the largest 1)" in page.words


def test_a_table_of_a_regression_has_no_word_of_classes() -> None:
    d = np.random.default_rng(1).permutation(np.linspace(0, 1, 200))
    values = np.column_stack([d + np.random.default_rng(0).normal(size=200), d**2, d**2 + 0.01])
    values[3, 0] = np.nan
    events = Events.from_arrays(values, d, names=("a", "b", "c"), scale=D)
    result = described(events, ("background", "signal"))
    page = inspected(events, ("background", "signal"))
    assert page.sections == ["description", "audit", "histograms", "data"]
    said = page.words.partition("Skip to the data")[2]
    assert not any(word in said for word in ("background", "signal", "class"))
    assert list(missing_rows(result)[0]) == ["feature", "missing", "share", "infinite"]
    assert list(pair_rows(result)[0]) == ["feature", "with", "r in all events"]
    assert pairs_sentence(result) == "1 pair of features is correlated above 0.96."


@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
@pytest.mark.parametrize("make", [counts, separations])
def test_a_page_of_nothing_but_flat_waveforms_is_a_page(make: Callable[..., Events], rows: slice) -> None:
    events = with_waveforms(make(60), np.zeros((60, 300, 1)))[rows]
    assert "Data at a glance" in inspected(events).words


def test_inspect_describes_a_file_of_waveforms(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    events = separations(60)
    waveforms = events.features.copy()
    waveforms[4] = 0
    np.savez(tmp_path / "two.npz", waveforms=waveforms[..., 0], d=events.target)
    arguments = ("inspect", tmp_path / "two.npz", "--task", "s2-separation")
    told = hepsieve(*arguments, "--html", tmp_path / "two.html")
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0].startswith("two.npz: 60 real events, d from ")
    assert lines[3].startswith("Waveforms of 300 samples with light [phd]")
    assert lines[4] == "1 (1.7 %) never change."
    assert lines[5].split("\t")[:3] == ["feature", "unit", "count"]
    assert ["stop", "empty-waveforms"] in [line.split("\t")[:2] for line in lines]
    assert Page((tmp_path / "two.html").read_text(encoding="utf-8")).sections[2] == "waveforms"
    content = json.loads(hepsieve(*arguments, "--json").out)
    description = Description.model_validate(content["description"])
    assert description.waveforms is not None
    assert description.waveforms.empty == (1, 0)
    assert content["checked"] == {"waveforms": 60, "samples each": 300, "channels": 1}


def test_names_are_shown_and_never_obeyed() -> None:
    events = counts(60).replace(names=(EVIL,), units=(EVIL,))
    page = inspected(events, (EVIL, "2S2"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "1337" not in page.words
    assert page.words.count(EVIL) > 10
