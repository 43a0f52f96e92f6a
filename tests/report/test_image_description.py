"""What is said about images, on the terminal and on the page of an inspection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from tests.audit.showers import emptied, showers, with_images
from tests.conftest import Told
from tests.report.page import Page

from hepsieve.audit import audit
from hepsieve.audit.description import Description, describe
from hepsieve.config import AuditConfig
from hepsieve.data.write import write_events
from hepsieve.events import Events, Origin
from hepsieve.report.description import feature_rows, missing_rows, missing_sentence, pair_rows, pairs_sentence, remarks
from hepsieve.report.image_description import difference_map, hit_map
from hepsieve.report.inspection import render_inspection

CLASSES = ("photon", "electron")
EVIL = "<script>alert(1)</script> & {{ 7 * 191 }} $x$"


def described(events: Events, classes: tuple[str, str] = CLASSES) -> Description:
    return describe(events, classes=classes, correlated=0.96)


def inspected(events: Events, classes: tuple[str, str] = CLASSES) -> Page:
    found = audit(events, AuditConfig(), classes=classes)
    origin = Origin(kind="real", sources=("x.npz",))
    return Page(render_inspection(described(events, classes), found, title="x.npz", task="toy", origin=origin))


def test_size_channels_empty_images_and_centre_are_told() -> None:
    size, empty, centre = remarks(described(showers()))
    assert re.fullmatch(
        r"Images of 16 × 16 pixels with energy \[50 GeV\] and time \[ns\] \(energy from 0 to 2\.\d+; time from "
        r"−\d\.\d+ to \d\.\d+\)\.",
        size,
    )
    assert empty == "No image is without energy."
    assert centre == "The hottest pixel is [8, 8] (row and column, from 0) in 100.0 % of the images with energy."
    events = emptied(showers(), np.flatnonzero(showers().target == 1)[:3])
    assert remarks(described(events))[1] == "3 images have no energy at all: 3 electron (1.0 %) and 0 photon (0.0 %)."
    assert "no table is made" in remarks(described(showers().replace(names=("red", "green"))))[-1]


def test_every_shape_has_a_row_for_each_class() -> None:
    rows = feature_rows(described(showers()))
    assert [(row["feature"], row["class"], row["unit"]) for row in rows[:3]] == [
        ("total energy", "electron", "50 GeV"),
        ("total energy", "photon", "50 GeV"),
        ("hits", "electron", "–"),
    ]
    assert list(rows[0])[3:] == ["count", "mean", "std", "min", "25 %", "50 %", "75 %", "max"]
    assert len(rows) == 2 * 23
    assert (rows[0]["count"], len(rows[0]["mean"])) == ("300", 6)


def test_missing_values_are_told_by_channel() -> None:
    whole = described(showers())
    assert (missing_rows(whole), missing_sentence(whole)) == ([], "No value is missing or infinite.")
    events = showers()
    images = events.features.copy()
    images[5, :2, :2, 1], images[6, 0, 0, 1] = np.nan, np.inf
    result = described(with_images(events, images))
    assert missing_sentence(result) == "2 images have a missing or infinite value (0.3 % of 600)."
    (row,) = missing_rows(result)
    by_class = ("0", "4") if events.target[5] == 1 else ("4", "0")
    assert list(row.values()) == ["time", "4", "0.0 %", *by_class, "1"]
    assert (pair_rows(result), pairs_sentence(result)) == ([], "")


def test_the_page_shows_maps_shapes_and_histograms() -> None:
    page = inspected(showers())
    assert page.sections == ["description", "audit", "histograms", "data"]
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 3 + 23
    assert len({one["alt"] for one in pictures}) == 26
    assert all(str(one["src"]).startswith("data:image/svg+xml;base64,") for one in pictures)
    assert "Where the hits are" in page.words
    assert "total energy electron 50 GeV 300" in page.words
    assert "Correlated pairs" not in page.words
    assert "The audit found nothing to complain about." in page.words


@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
def test_a_page_of_nothing_but_empty_images_is_a_page(rows: slice) -> None:
    events = emptied(showers(60), slice(None))[rows]
    assert "Data at a glance" in inspected(events).words


def test_inspect_describes_a_file_of_images(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    write_events(emptied(showers(80, size=32), [4]), tmp_path / "showers.npz")
    told = hepsieve("inspect", tmp_path / "showers.npz", "--task", "egamma")
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0].startswith("showers.npz: 80 real events, 40 electron (50.0 %)")
    assert lines[1].startswith("Images of 32 × 32 pixels with energy [50 GeV] and time [ns]")
    assert lines[2].startswith("1 image has no energy at all: ")
    assert lines[4].split("\t")[:4] == ["feature", "class", "unit", "count"]
    assert lines[5 + 2 * 23] == "No value is missing or infinite."
    assert [line.split("\t")[:2] for line in lines[-1:]] == [["warn", "empty-images"]]
    content = json.loads(hepsieve("inspect", tmp_path / "showers.npz", "--task", "egamma", "--json").out)
    description = Description.model_validate(content["description"])
    assert description.images is not None
    assert sum(description.images.empty) == 1


def test_a_terminal_of_80_columns_shows_every_number_whole(
    hepsieve: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events(showers(60, size=32), tmp_path / "showers.npz")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    text = re.sub(r"\x1b\[[\d;]*m", "", hepsieve("inspect", tmp_path / "showers.npz", "--task", "egamma").out)
    table = [line for line in text.splitlines() if line.startswith("│")]
    assert max(map(len, table)) <= 80
    # A long name may take two lines.
    whole = [line for line in table if re.fullmatch(r"│ [^│]+ │ (electron|photon  ) │( -?\d\S* +│){5}", line)]
    assert len(whole) == 2 * 23
    assert whole[0].startswith("│ total energy ")


def test_names_are_shown_and_never_obeyed() -> None:
    events = showers(60).replace(names=("energy", EVIL), units=(EVIL, ""))
    page = inspected(events, (EVIL, "electron"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "1337" not in page.words
    assert page.words.count(EVIL) > 10


def test_a_map_has_logarithmic_colours_and_leaves_pixels_without_hits_blank() -> None:
    share = np.array([[0, 0.001], [0.5, 1]])
    image = hit_map(share, least=0.001).axes[0].images[0]
    assert isinstance(image.norm, LogNorm)
    assert (image.norm.vmin, image.norm.vmax) == (0.001, 1)
    drawn: np.ma.MaskedArray = np.ma.masked_invalid(np.ma.asarray(image.get_array()))
    assert np.ma.getmaskarray(drawn).tolist() == [[True, False], [False, False]]
    image = difference_map(np.array([[np.nan, 0.2], [-0.3, np.nan]])).axes[0].images[0]
    assert (image.norm.vmin, image.norm.vmax) == (-0.3, 0.3)
