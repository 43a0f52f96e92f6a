"""A run whose signal is taken apart by a separation that background does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told

from hepsieve.evaluate.results import Evaluation

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")

TASK = """\
task: count
classes: [one, two]
data: {files: [pulses.csv], label: kind, features: [width], spectators: [d]}
models:
  trees: {kind: trees, rounds: 20, max_depth: 2}
evaluate: {resamples: 100, slice_by: d, slice_of: signal, slice_bins: 4, background_efficiencies: [0.1]}
explain: {permutations: 0}
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Pulses whose width grows with the separation; of single ones it is unknown."""
    rng = np.random.default_rng(2)
    kind = np.arange(800) % 2
    d = rng.uniform(size=800)
    width = rng.normal(size=800) + np.where(kind == 1, 8 * d, 0)
    rows = [f"{k},{w!r},{s if k else 'nan'}" for k, w, s in zip(kind, width.tolist(), d.tolist(), strict=True)]
    (tmp_path / "pulses.csv").write_text("\n".join(["kind,width,d", *rows]) + "\n", encoding="utf-8")
    path = tmp_path / "count.yaml"
    path.write_text(TASK, encoding="utf-8")
    return path


def test_signal_is_taken_apart_beside_all_background(hepsieve: Command, task: Path) -> None:
    told = hepsieve("run", task, "--out", "run")
    assert (told.status, told.err) == (0, "")
    evaluation = Evaluation.from_json((task.parent / "run" / "evaluation.json").read_text(encoding="utf-8"))
    slices = evaluation.slices
    assert slices is not None
    assert (slices.of, slices.column, len(slices.slices)) == ("signal", "d", 4)
    assert {one.n_background for one in slices.slices} == {evaluation.data.n_background["test"]}
    assert sum(one.n_signal for one in slices.slices) == evaluation.data.n_signal["test"]
    aucs = [one.auc["trees"].value for one in slices.slices]
    assert aucs[0] is not None
    assert aucs[-1] is not None
    assert aucs[-1] > 0.95 > aucs[0]
    table = pyarrow.parquet.read_table(task.parent / "run" / "predictions.parquet")
    target, d, score = (np.asarray(table[name]) for name in ("target", "d", "score_trees"))
    (point,) = (one for one in evaluation.working_points["trees"] if one.name == "background_efficiency@0.10")
    last = slices.slices[-1]
    rows = (target == 1) & (d >= last.low)
    kept = last.efficiencies["trees"]["background_efficiency@0.10"]
    assert kept.value == pytest.approx(np.mean(score[rows] >= point.threshold), abs=1e-12)
    assert slices.says.startswith("At 10 % background efficiency trees keeps more than half of the signal from d = 0.")


def test_too_many_values_of_signal_are_refused_before_training(hepsieve: Command, task: Path) -> None:
    told = hepsieve("run", task, "--out", "run", "--set", "evaluate.slice_bins=null")
    assert told.status == 2
    assert "evaluate.slice_by: d has 240 distinct values, and at most 50 make slices" in told.err
    assert not (task.parent / "run").exists()
