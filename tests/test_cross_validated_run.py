"""A run with folds from the command line: what lies in its folder, and what can be done with it later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told, finish_toy, without_times, write_toy_csv

from hepsieve.manifest import verify

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")
# Trees are stopped by a fold that they do not learn from; nothing stops the network.
OWN = ("--set", "models.net.keep=last", "--set", "models.net.ema=0.9")
SETTINGS = ("--set", "train.folds=4", *OWN, "--models", "trees,net")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with folds; only to be copied."""
    return finish_toy(tmp_path_factory.mktemp("folded"), *SETTINGS, "-j", "1")


@pytest.fixture
def folded(made: Path, toy: Path) -> Path:
    """A copy of it, beside a copy of its data."""
    return shutil.copytree(made, toy.parent / "folded")


def test_every_event_has_one_score_of_who_did_not_see_it(folded: Path) -> None:
    verify(folded)
    content = json.loads((folded / "evaluation.json").read_text(encoding="utf-8"))
    data = content["data"]
    assert (data["folds"], data["n_train"], data["n_validation"], data["n_test"]) == (4, 480, 480, 120)
    out_of_fold = pyarrow.parquet.read_table(folded / "out_of_fold.parquet")
    test = pyarrow.parquet.read_table(folded / "predictions.parquet")
    assert sorted(out_of_fold["row"].to_pylist() + test["row"].to_pylist()) == list(range(600))
    assert set(out_of_fold["fold"].to_pylist()) == {1, 2, 3, 4}
    for model in content["models"].values():
        assert model["out_of_fold"]["n_signal"] + model["out_of_fold"]["n_background"] == 600
    lines = [json.loads(line) for line in (folded / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines if line["model"] == "net" and line["fold"] == 2] == [1, 2, 3]
    page = (folded / "report.html").read_text(encoding="utf-8")
    assert "out of fold" in page.lower()
    assert "a network that keeps its last weights, which nothing stops, on all others" in page


def test_judging_again_gives_the_same(hepsieve: Command, folded: Path) -> None:
    before = without_times(folded)
    assert hepsieve("evaluate", folded).status == 0
    after = without_times(folded)
    assert (before.pop("test_openings"), after.pop("test_openings")) == (1, 2)
    assert after == before


def test_new_files_get_the_mean_of_all_folds(hepsieve: Command, folded: Path) -> None:
    write_toy_csv(folded.parent / "new.csv", 50, seed=7)
    for name in ("net", "trees"):
        told = hepsieve("score", folded, "new.csv", "--model", name, "-o", f"{name}.parquet")
        assert told.status == 0
    members = sorted(path.name for path in (folded / "models" / "net").iterdir() if path.is_dir())
    assert members == ["fold-1", "fold-2", "fold-3", "fold-4"]
    told = hepsieve("export", folded, "--to", "keras", "--model", "net", "-o", "net.keras")
    assert told.status == 0
    import keras

    table = pyarrow.parquet.read_table(folded.parent / "net.parquet")
    features = np.stack([np.asarray(table[name]) for name in ("a", "b", "c")], axis=1).astype(np.float32)
    exported = np.asarray(keras.saving.load_model("net.keras").predict_on_batch(features))[:, 0]
    np.testing.assert_allclose(exported, np.asarray(table["score_net"]), atol=1e-5)


def test_a_damaged_fold_is_noticed(hepsieve: Command, folded: Path) -> None:
    weights = folded / "models" / "net" / "fold-3" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    told = hepsieve("score", folded, folded.parent / "toy.csv", "--model", "net", "-o", "s.csv")
    assert told.status == 2
    assert "fold-3/weights.safetensors" in told.err


def test_any_number_of_processes_gives_the_same_run(hepsieve: Command, folded: Path) -> None:
    toy = folded.parent / "toy.yaml"
    assert hepsieve("run", toy, *SETTINGS, "-j", "2", "--out", folded.parent / "again").status == 0
    assert without_times(folded.parent / "again") == without_times(folded)


def test_a_logarithm_is_exported_too(hepsieve: Command, toy: Path) -> None:
    task = toy.read_text(encoding="utf-8").replace("train:", "prepare: {log: [p]}\ntrain:")
    task = task.replace("[a, b, c]", "[p, b]")
    (toy.parent / "log.yaml").write_text(task.replace("toy.csv", "log.csv"), encoding="utf-8")
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    rows = np.stack([label, np.exp(rng.normal(size=400) + label), rng.normal(size=400)], axis=1)
    np.savetxt(toy.parent / "log.csv", rows, delimiter=",", header="kind,p,b", comments="")
    assert hepsieve("run", "log.yaml", "--models", "net", "--out", "logs").status == 0
    assert hepsieve("export", "logs", "--to", "keras", "-o", "log.keras").status == 0
    import keras

    model = keras.saving.load_model("log.keras")
    reference = np.load(toy.parent / "logs" / "models" / "net" / "reference.npz")
    np.testing.assert_allclose(model.predict_on_batch(reference["features"])[:, 0], reference["scores"], atol=1e-5)
