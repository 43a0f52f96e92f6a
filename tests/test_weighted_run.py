"""A run on weighted events: the weights reach evaluation.json, the page and the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Told, toy_rows

TASK = """\
task: toy
classes: [noise, pulse]
data: {files: [toy.csv], label: kind, weight: w, features: [a, b, c]}
models: {trees: {kind: trees, rounds: 5, max_depth: 2}}
evaluate: {resamples: 100}
"""


def test_weights_are_counted_and_shown(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    features, label = toy_rows(300)
    # Every tenth event of either class has the weight −1: of the weight that is 10 %.
    number = np.zeros(300, dtype=int)
    for c in (0, 1):
        number[label == c] = np.arange(np.count_nonzero(label == c))
    weight = np.where(number % 10 == 0, -1.0, 1.0)
    rows = [f"{k},{w},{','.join(map(repr, row))}" for k, w, row in zip(label, weight, features.tolist(), strict=True)]
    (tmp_path / "toy.csv").write_text("\n".join(["kind,w,a,b,c", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "toy.yaml").write_text(TASK, encoding="utf-8")
    told = hepsieve("run", tmp_path / "toy.yaml", "--out", tmp_path / "run")
    assert told.status == 0, told.err
    assert "Negative weights:" in told.out.replace("\n", " ")

    weights = json.loads((tmp_path / "run" / "evaluation.json").read_text(encoding="utf-8"))["weights"]
    assert set(weights["parts"]) == {"train", "validation", "test"}
    counted = [one for part in weights["parts"].values() for one in part]
    assert [one["name"] for one in counted] == ["noise", "pulse"] * 3
    assert sum(one["events"] for one in counted) == 300
    assert sum(one["negative"] for one in counted) == np.count_nonzero(weight < 0)
    assert sum(one["total"] for one in counted) == pytest.approx(weight.sum())
    assert weights["policy"] == "drop"
    for before, after in zip(weights["parts"]["train"], weights["trained"], strict=True):
        assert after["events"] == before["events"] - before["negative"] == after["effective"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert '<section id="weights">' in page
    assert 'href="#weights"' in page
    assert "leaves their events out (train.negative_weights: drop)" in page
