"""The example notebooks run from their first cell to their last."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = [
    pytest.mark.slow,
    # Of Jupyter's own machinery.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


def outputs(name: str, folder: Path, smaller: dict[str, str] | None = None) -> list[Any]:
    """What the code cells of an executed notebook show, each its last output; ``smaller`` replaces sizes in them."""
    notebook = nbformat.read(EXAMPLES / name, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for size, instead in (smaller or {}).items():
        (cell,) = (cell for cell in code if size in cell.source)
        cell.source = cell.source.replace(size, instead)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute()
    return [cell.outputs[-1] if cell.outputs else None for cell in code]


def test_from_events_to_a_roc_curve(tmp_path: Path) -> None:
    *_, table, plot = outputs("higgs.ipynb", tmp_path, {'"higgs", 600': '"higgs", 200', "epochs=20": "epochs=2"})
    assert "opened 1 time;" in table["data"]["text/plain"]
    assert "<table>" in table["data"]["text/html"]
    assert "image/png" in plot["data"]


def test_from_events_to_a_selection(tmp_path: Path) -> None:
    *_, parts, _, table, cuts, plot = outputs(
        "hnl.ipynb", tmp_path, {'"hnl", 800': '"hnl", 200', "epochs=60": "epochs=6"}
    )
    assert "160 in 5 folds, test 40, opened 0 times" in parts["data"]["text/plain"]
    assert "opened 1 time;" in table["data"]["text/plain"]
    assert "tight: no background left" in cuts["text"]
    assert "image/png" in plot["data"]


def test_from_masses_to_what_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPMASS_EVENTS", "300")
    *_, table, slices, plot, confused = outputs("hepmass.ipynb", tmp_path, {"epochs=20": "epochs=2"})
    assert "60 test events, opened 1 time;" in table["data"]["text/plain"]
    assert slices["data"]["text/html"].count("<tr>") == 1 + 5 + 1
    assert "image/png" in plot["data"]
    # (301564 + 316617) / 700000
    assert "0.8831" in confused["data"]["text/plain"]


def test_from_images_to_what_networks_look_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGAMMA_IMAGES", "400")
    shown = outputs("egamma.ipynb", tmp_path, {"epochs=8": "epochs=2", "images=40": "images=10"})
    events, examples, table, slices, maps, plot, scores = (shown[k] for k in (1, 4, 8, 10, 12, 13, 14))
    assert "400 events, 200 of them signal, 2 features (energy, time), simulated" in events["data"]["text/plain"]
    assert "image/png" in examples["data"]
    assert "80 test events, opened 1 time;" in table["data"]["text/plain"]
    assert slices["data"]["text/html"].count("<tr>") == 1 + 3 + 1
    assert "dense on 10 photon images, dense on 10 electron images" in maps["data"]["text/plain"]
    assert "trees" not in maps["data"]["text/plain"]
    assert "image/png" in plot["data"]
    assert set(ast.literal_eval(scores["data"]["text/plain"])) == {"photon", "electron"}


def test_from_waveforms_to_the_separation_of_two_pulses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2_WAVEFORMS", "150")
    monkeypatch.setenv("S2_EPOCHS", "1")
    shutil.copy(EXAMPLES / "s2-grid.yaml", tmp_path)
    shown = outputs("s2-separation.ipynb", tmp_path)
    events, waveforms, examples, table, grid, search = (shown[k] for k in (1, 3, 4, 7, 11, 12))
    assert "150 events, d to regress, 1 features (light), simulated" in events["data"]["text/plain"]
    assert waveforms["data"]["text/plain"] == "Waveforms(90 of 5000 samples, 50 µs)"
    assert "image/png" in examples["data"]
    assert "30 test events, opened 1 time;" in table["data"]["text/plain"]
    assert grid["data"]["text/html"].count("<tr>") == 1 + 12
    assert search["data"]["text/html"].count("<tr>") == 1 + 5
    applied, cut = shown[14:]
    assert "at most 1 % of the others kept" in applied["data"]["text/plain"]
    assert "image/png" in cut["data"]


def test_from_waveforms_to_how_many_pulses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2_WAVEFORMS", "150")
    monkeypatch.setenv("S2_EPOCHS", "1")
    *_, count, slices, plot = outputs("s2-count.ipynb", tmp_path)
    assert "30 test events, opened 1 time;" in count["data"]["text/plain"]
    assert "<td>all</td><td>15</td><td>15</td>" in slices["data"]["text/html"]
    assert "image/png" in plot["data"]
