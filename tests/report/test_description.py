"""What is said about the data, on the terminal and on both pages: numbers, sentences, and names as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import Told
from tests.report.page import Page

from hepsieve.audit import Audit, Finding
from hepsieve.audit.description import Description, describe
from hepsieve.errors import HepsieveError
from hepsieve.events import Events, Origin
from hepsieve.folder import DESCRIPTION
from hepsieve.manifest import verify
from hepsieve.report.description import (
    class_balance,
    feature_rows,
    glance,
    missing_rows,
    missing_sentence,
    pair_rows,
    pairs_sentence,
    remarks,
)
from hepsieve.report.html import render
from hepsieve.report.inspection import render_inspection
from hepsieve.report.rounding import figure

CLASSES = ("noise", "pulse")
EVIL = '<script>alert("1")</script> & {{ 7 * 191 }} $x$'
Make = Callable[..., Path]
Command = Callable[..., Told]


def sample(n: int = 400, **changes: NDArray[np.float64]) -> Events:
    """Features a to d, of which b follows a; a quarter of the events are signal."""
    rng = np.random.default_rng(0)
    a, c = rng.normal(size=(2, n))
    columns = {"a": a, "b": a + 0.1 * rng.normal(size=n), "c": 1e6 * c, "d": rng.integers(0, 3, n), **changes}
    target = np.arange(n) % 4 == 0
    return Events.from_arrays(
        np.column_stack(list(columns.values())), target, names=tuple(columns), units=("GeV", *[""] * (len(columns) - 1))
    )


def described(events: Events, *, correlated: float = 0.96, classes: tuple[str, str] = CLASSES) -> Description:
    return describe(events, classes=classes, correlated=correlated)


def inspected(events: Events, *findings: Finding, classes: tuple[str, str] = CLASSES, title: str = "x.csv") -> Page:
    origin = Origin(kind="real", sources=("x.csv",), details={"rows": "400"})
    audit = Audit(findings=findings)
    return Page(render_inspection(described(events, classes=classes), audit, title=title, task="toy", origin=origin))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.99994, "0.9999"), (-0.0123, "-0.0123"), (12.3456, "12.35"), (999_999, "999999")),
        *((1e6, "1.00e+06"), (1e-4, "1.00e-04"), (1e-3, "0.0010"), (-2478.0, "-2478")),
    ],
)
def test_figures_have_four_digits_and_stay_short(value: float, text: str) -> None:
    assert figure(value) == text
    assert float(text) == pytest.approx(value, rel=6e-4)
    assert len(text) <= 8


def test_a_mean_is_rounded_where_its_spread_begins_to_matter() -> None:
    half = np.concatenate([np.full(200, 1.0), np.full(200, -1.0)])
    (row,) = [row for row in feature_rows(described(sample(e=half + 1e-5))) if row["feature"] == "e"]
    assert (row["mean"], row["std"], row["distinct"]) == ("0.000", "1.001", "2")
    (row,) = [row for row in feature_rows(described(sample(e=half - 1e-5))) if row["feature"] == "e"]
    assert row["mean"] == "0.000"
    (row,) = [row for row in feature_rows(described(sample(e=half * 1e-9))) if row["feature"] == "e"]
    assert (row["mean"], row["std"]) == ("0", "1.00e-09")


def test_every_feature_has_a_row_with_all_its_figures() -> None:
    rows = feature_rows(described(sample()))
    assert [row["feature"] for row in rows] == ["a", "b", "c", "d"]
    assert list(rows[0]) == [
        *("feature", "unit", "count", "missing", "mean", "std", "min", "25 %", "50 %", "75 %", "max", "distinct"),
    ]
    assert (rows[0]["unit"], rows[1]["unit"], rows[0]["count"]) == ("GeV", "–", "400")
    assert (rows[3]["min"], rows[3]["max"], rows[3]["distinct"], rows[0]["distinct"]) == ("0", "2.000", "3", "many")


def test_the_classes_stand_in_numbers_and_per_cent() -> None:
    assert class_balance(described(sample())) == "100 pulse (25.0 %), 300 noise (75.0 %)"
    assert class_balance(described(sample()[:0])) == "0 pulse, 0 noise"
    assert remarks(described(sample())) == ()
    events = sample().replace(weight=np.full(400, 0.5, np.float32))
    odd = events.replace(target=np.where(np.arange(400) == 7, 3, events.target).astype(np.float32))
    first, second = remarks(described(odd))
    assert first == "1 event is labelled as neither class and left out here."
    assert "sum to 50.00 (pulse) and 149.5 (noise); the figures here count events" in second


def test_missing_values_are_told_in_a_table_or_in_a_line() -> None:
    whole = described(sample())
    assert (missing_rows(whole), missing_sentence(whole)) == ([], "No value is missing or infinite.")
    holes = np.where(np.arange(400) < 10, np.nan, 1.0)
    burst = np.where(np.arange(400) == 399, np.inf, 1.0)
    result = described(sample(e=burst, f=holes))
    # Of events 0 to 9, numbers 0, 4 and 8 are signal; event 399 is the eleventh that lacks something.
    assert missing_sentence(result) == "11 events have a missing or infinite value (2.8 % of 400)."
    first, second = missing_rows(result)
    assert list(first.values()) == ["f", "10", "2.5 %", "7", "3", "0"]
    assert list(second.values()) == ["e", "0", "0.0 %", "0", "0", "1"]


def test_correlated_pairs_are_told_in_a_table_or_the_largest_in_a_line() -> None:
    result = described(sample())
    (row,) = pair_rows(result)
    assert (row["feature"], row["with"]) == ("a", "b")
    assert 0.98 < float(row["r in all events"]) < 1
    assert list(row) == ["feature", "with", "r in all events", "in noise", "in pulse"]
    assert pairs_sentence(result) == "1 pair of features is correlated above 0.96, in all events or within a class."
    none = described(sample(), correlated=0.999)
    assert pair_rows(none) == []
    assert re.fullmatch(
        r"No pair of features is correlated above 0\.999 \(largest: a and b, (0\.99|1\.00)( in \w+)?\)\.",
        pairs_sentence(none),
    )


def test_of_very_many_pairs_the_page_shows_the_strongest() -> None:
    columns = np.random.default_rng(0).normal(size=(50, 1)) + np.zeros(12)
    result = described(Events.from_arrays(columns, np.arange(50) % 2))
    shown = glance(result)
    # 12 · 11 / 2 pairs.
    assert shown.pairs == (
        "66 pairs of features are correlated above 0.96, in all events or within a class. The 50 strongest:"
    )
    assert shown.pairs_table is not None
    assert len(shown.pairs_table.rows) == 50


@pytest.mark.usefixtures("undrawn")
def test_the_page_of_a_run_shows_the_description_where_there_is_one(make_run: Make) -> None:
    run = make_run()
    before = Page(render(run))
    assert "description" not in before.sections
    (run / DESCRIPTION).write_text(described(sample()).to_json(), encoding="utf-8")
    page = Page(render(run))
    assert [*page.sections].index("description") == [*page.sections].index("data") + 1
    assert "#description" in [attributes.get("href") for _, attributes in page.tags]
    assert "pulse 100 25.0 % noise 300 75.0 %" in page.words
    assert "No value is missing or infinite." in page.words
    assert "1 pair of features is correlated above 0.96" in page.words
    # The page's histograms are of the training part; here are no others.
    assert [tag for tag, _ in page.tags].count("img") == [tag for tag, _ in before.tags].count("img")
    (run / DESCRIPTION).write_text('{"classes": 1}', encoding="utf-8")
    with pytest.raises(HepsieveError, match=r"description\.json: classes"):
        render(run)


def test_numbers_on_the_page_are_typeset_and_empty_units_left_out() -> None:
    events = sample(40_000)
    words = inspected(events).words
    assert "feature unit count" in words
    assert "a GeV 40,000 0" in words
    assert re.search(r"−\d\.\d", words)
    bare = inspected(events.replace(units=("",) * 4)).words
    assert "feature count missing" in bare


def test_the_page_of_an_inspection_has_everything_and_loads_nothing() -> None:
    findings = (
        Finding(code="duplicates", severity="note", message="2 rows stand there twice."),
        Finding(code="constant", severity="warn", message="d is 0.", column="d"),
    )
    page = inspected(sample(), *findings)
    assert page.sections == ["description", "audit", "histograms", "data"]
    links = {str(attributes["href"]).removeprefix("#") for tag, attributes in page.tags if tag == "a"}
    assert links == set(page.sections)
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 4
    assert all(str(one["src"]).startswith("data:image/svg+xml;base64,") for one in pictures)
    assert len({one["alt"] for one in pictures}) == 4
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form"}
    assert "400 events: 100 pulse (25.0 %), 300 noise (75.0 %). The audit found 1 warning, 1 note." in page.words
    assert page.words.index("constant:d") < page.words.index("duplicates")


def test_equal_data_give_an_equal_page_and_waveforms_one_without_tables() -> None:
    assert inspected(sample()).text == inspected(sample()).text
    waveforms = Events.from_arrays(np.zeros((4, 3, 1)), np.array([0, 1, 1, 1]))
    page = inspected(waveforms)
    assert page.sections == ["description", "audit", "histograms", "data"]
    assert "Waveforms of 3 samples" in page.words
    assert "pulse 3 75.0 %" in page.words


def test_names_are_shown_and_never_obeyed() -> None:
    events = sample(e=np.full(400, np.nan)).replace(names=("a", EVIL, "c", "d", EVIL + "2"))
    finding = Finding(code="constant", severity="warn", message=EVIL, column=EVIL)
    page = inspected(events, finding, classes=(EVIL, "pulse"), title=EVIL)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.words.count(EVIL) > 8
    assert "1337" not in page.words


def test_inspect_writes_a_whole_page_or_none(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("inspect", toy, "--html", toy.parent / "new" / "page.html")
    assert (told.status, told.err) == (0, "")
    page = toy.parent / "new" / "page.html"
    assert told.out.endswith(f"page: {page}\n")
    words = Page(page.read_text(encoding="utf-8")).words
    assert "Two overlapping clouds" in words
    assert "The audit found nothing to complain about." in words
    assert [file.name for file in page.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize(("place", "says"), [("folder", "is a folder"), ("page.pdf", "needs the ending .html")])
def test_a_page_goes_nowhere_else(hepsieve: Command, toy: Path, place: str, says: str) -> None:
    (toy.parent / "folder").mkdir()
    told = hepsieve("inspect", toy, "--html", toy.parent / place)
    assert told.status == 2
    assert told.err.count("\n") == 1
    assert says in told.err
    assert list((toy.parent / "folder").iterdir()) == []
    assert not (toy.parent / "page.pdf").exists()


def test_inspect_prints_tables_sentences_and_json(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("inspect", toy).out.splitlines()
    assert re.fullmatch(r"toy\.yaml: 600 real events, \d+ pulse \(\d\d\.\d %\), \d+ noise \(\d\d\.\d %\)", told[0])
    assert [line.split("\t")[0] for line in told[1:5]] == ["feature", "a", "b", "c"]
    assert told[5] == "No value is missing or infinite."
    assert told[6].startswith("No pair of features is correlated above 0.96 (largest: ")
    content = json.loads(hepsieve("inspect", toy, "--json", "--set", "audit.correlated=0.1").out)
    assert set(content) == {"findings", "checked", "description"}
    description = Description.model_validate(content["description"])
    assert (sum(description.counts), description.threshold, len(description.correlated)) == (600, 0.1, 3)


def test_a_terminal_of_80_columns_shows_every_number_whole(
    hepsieve: Command, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    text = re.sub(r"\x1b\[[\d;]*m", "", hepsieve("inspect", toy).out)
    table = [line for line in text.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, table)) <= 80
    assert len([line for line in table if line.startswith("│")]) == 3
    assert all(re.fullmatch(r"│ \w +│( -?\d+\.\d+ +│){7}", line) for line in table if line.startswith("│"))


@pytest.mark.usefixtures("undrawn")
def test_a_run_keeps_its_description(run: Path) -> None:
    description = Description.from_json((run / DESCRIPTION).read_text(encoding="utf-8"))
    assert (sum(description.counts), len(description.features)) == (600, 3)
    assert DESCRIPTION in verify(run)["files"]
    assert "All 600 events as they were read" in Page(render(run)).words
