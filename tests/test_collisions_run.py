"""A run on four-vectors of the user's own: frame and derived features from the task to scores, export and search."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from tests.conftest import Told
from tests.toy_collisions import Changes, collision_objects, physical, raw, write_csv

from hepsieve.config import dump_task, load_task
from hepsieve.prepare import Preparation

TASK = """
task: collisions
data:
  files: [events.csv]
  label: kind
  objects: OBJECTS
prepare:
  frame: {rotate: lepton, reflect: lepton, mirror: missing, tagged_first: true}
  derive: [pair_masses, delta_r, w_candidates, sums]
  log: ["m(jet1,jet2)"]
models:
  net: {kind: mlp, widths: [16]}
  plain: {kind: mlp, widths: [8], derive: [], frame: {}}
  blind: {kind: trees, rounds: 20, without: [missing_pt], frame: {rotate: lepton}}
train: {epochs: 4, batch_size: 64, learning_rate: 1e-2}
evaluate: {resamples: 100}
explain: {permutations: 1, backward: false}
"""
SPACE = """
tune:
  space:
    prepare.derive: {choice: [[], [pair_masses]]}
    models.blind.derive: {choice: [[sums], [pair_masses, sums]]}
    models.net.frame: {choice: [{rotate: lepton}, {}]}
"""
Command = Callable[..., Told]


def write(folder: Path, more: str = "", *, rows: int = 600) -> Path:
    objects = {name: one.model_dump(exclude_defaults=True) for name, one in collision_objects().items()}
    task = folder / "collisions.yaml"
    task.write_text(TASK.replace("OBJECTS", json.dumps(objects)) + more, encoding="utf-8")
    columns = physical(rows, seed=1)
    # Signal has its two surest jets side by side.
    columns["jet2_tag"][:], columns["jet4_tag"][:] = 3, 4
    for of in ("eta", "phi"):
        columns[f"jet4_{of}"][1::2] = columns[f"jet2_{of}"][1::2] + 0.3
    write_csv(folder / "events.csv", raw(columns, collision_objects()))
    for name, change in (("as-they-are", Changes()), ("turned", Changes(angle=2.0, up=-1, side=-1))):
        some = {key: values[:200] for key, values in columns.items()}
        write_csv(folder / f"{name}.csv", raw(change(some), collision_objects()))
    return task


def scores(path: Path, name: str) -> np.ndarray:
    table = pyarrow.csv.read_csv(path)
    return np.asarray(table[next(column for column in table.column_names if name in column)], np.float64)


@pytest.mark.usefixtures("undrawn")
def test_scores_are_those_of_the_turned_event(hepsieve: Command, tmp_path: Path) -> None:
    told = hepsieve("run", write(tmp_path), "--out", "run")
    assert told.status == 0, told.err
    evaluation = json.loads(Path("run/evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["models"]["net"]["metrics"]["auc"]["value"] > 0.9
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "the objects with the largest tags first; azimuths from that of lepton, mirrored so that that of" in page
    assert "derived: pair masses, delta r, w candidates, sums; logarithm of m(jet1,jet2)" in page
    stored = Preparation.model_validate_json(Path("run/models/net/preparation.json").read_text(encoding="utf-8"))
    assert stored.arrange is not None
    # 22 raw columns without lepton_phi: 3 + 2 + 4 · 4 + 1 others; 10 pairs, 10 distances, 11 W candidates, 5 sums.
    assert (len(stored.features), stored.width) == (22, 21 + 10 + 10 + 11 + 5)
    found = {}
    for model in ("net", "plain"):
        for name in ("as-they-are", "turned"):
            out = f"{model}-{name}.csv"
            told = hepsieve("score", "run", f"{name}.csv", "--model", model, "-o", out)
            assert told.status == 0, told.err
            found[model, name] = scores(Path(out), "score")
    np.testing.assert_allclose(found["net", "turned"], found["net", "as-they-are"], atol=1e-5)
    assert np.abs(found["plain", "turned"] - found["plain", "as-they-are"]).max() > 0.01
    # What depends on missing_pt is left out.
    blind = Preparation.model_validate_json(Path("run/models/blind/preparation.json").read_text(encoding="utf-8"))
    assert blind.arrange is not None
    assert not any("mW" in name or "HT(lepton,missing" in name for name in blind.arrange.names(blind.features))
    assert "blind: nothing is left of w_candidates" in Path("run/events.log").read_text(encoding="utf-8")

    told = hepsieve("export", "run", "--to", "keras", "--model", "net", "-o", "net.keras")
    assert told.status == 0, told.err
    keras = sys.modules["keras"]
    table = pyarrow.csv.read_csv("turned.csv")
    features = np.stack([np.asarray(table[name], np.float32) for name in stored.features], axis=1)
    exported = keras.models.load_model("net.keras").predict(features, verbose=0)[:, 0]
    np.testing.assert_allclose(exported, found["net", "as-they-are"], atol=1e-4)


def test_frame_and_derived_features_can_be_searched(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, SPACE, rows=4), tuning=True)
    assert task.tune is not None
    (tmp_path / "again.yaml").write_text(dump_task(task), encoding="utf-8")
    assert load_task(tmp_path / "again.yaml", tuning=True) == task
    chosen = task.settings.replaced({"prepare.derive": ["pair_masses"], "models.blind.derive": ["sums"]})
    assert chosen.prepare.model_dump()["derive"] == ("pair_masses",)
    assert chosen.models["blind"].derive == ("sums",)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("prepare.frame.rotate=electron", "prepare.frame.rotate: no object 'electron'; the data have lepton, missing"),
        ("prepare.derive=[pair_mass]", "pair_mass"),
        ("prepare.derive=[sums, sums]", "sums stands there twice"),
        ("prepare.frame.rotate=null", "mirror needs azimuths from an object"),
        ("data.objects.lepton.eta=lepton_etta", "no feature 'lepton_etta', the nearest is 'lepton_eta'"),
        ("data.objects.lepton.eta=lepton_phi", "pt, eta, phi and tag are columns of their own"),
        ("data.objects.lepton.mass=-1", "lepton.mass"),
        ("data.objects.lepton.eta=jet1_eta", "'jet1_eta' is a column of jet1 already"),
        ("data.objects.jet1.scale.pt=0", "a factor of 0 leaves nothing of a column"),
        ("models.net.without=[lepton_phi]", "it needs 'lepton_phi', which is not among the features of net"),
    ],
)
def test_mistakes_get_one_line(hepsieve: Command, tmp_path: Path, setting: str, says: str) -> None:
    told = hepsieve("run", write(tmp_path, rows=60), "--set", setting, "--out", "run")
    assert told.status == 2
    assert says in told.err
    assert len(told.err.splitlines()) == 1
    assert not Path("run").exists()
