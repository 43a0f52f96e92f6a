"""Expected yields from a task to its page and to a pyhf workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told

from hepsieve.config import load_task
from hepsieve.errors import ConfigError
from hepsieve.evaluate.physics_results import Physics
from hepsieve.evaluate.results import Evaluation
from hepsieve.events import Events, Origin
from hepsieve.folder import openings
from hepsieve.manifest import verify
from hepsieve.prepare import Split, split
from hepsieve.yields import Expectation, expectation

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")
YIELDS = ("--set", "evaluate.signal_yield=20", "--set", "evaluate.background_yield=200")

NO_YIELDS = ("--set", "evaluate.signal_yield=null", "--set", "evaluate.background_yield=null")
BY_WEIGHTS = ("--set", "evaluate.yields={signal: {weights: true}, background: {events: 9}}")
REFUSED = {
    ("--to", "pyhf", "--set", "train.epochs=3"): "only evaluate.signal_yield",
    ("--to", "pyhf", "--model", "nothing", *YIELDS): "no model 'nothing'",
    ("--to", "keras", *YIELDS): "settings go with --to pyhf",
    ("--to", "root"): "this version exports to keras and pyhf only",
    ("--to", "pyhf", *BY_WEIGHTS): "yields and signal_yield say the same",
    ("--to", "pyhf", *NO_YIELDS, *BY_WEIGHTS): "need all events",
    ("--to", "pyhf", *YIELDS, "-o", "w.root"): "a pyhf workspace is called .json",
}


def task(tmp_path: Path, evaluate: str) -> Path:
    path = tmp_path / "t.yaml"
    path.write_text(
        "task: t\ndata: {files: [a.csv], label: kind, features: [a, b, c]}\nmodels: {trees: {kind: trees}}\n"
        f"evaluate: {evaluate}\n",
        encoding="utf-8",
    )
    return path


def trees_run(hepsieve: Command, toy: Path, *settings: str) -> Path:
    """A finished run of the toy task's trees."""
    folder = toy.parent / "expects"
    told = hepsieve("run", toy, "--models", "trees", *settings, "--out", folder)
    assert told.status == 0, told.err
    return folder


def physics_of(run: Path) -> Physics:
    return Evaluation.from_json((run / "evaluation.json").read_text(encoding="utf-8")).physics["trees"]


def test_a_run_with_yields_tells_what_to_expect(hepsieve: Command, toy: Path) -> None:
    physics_run = trees_run(hepsieve, toy, *YIELDS, "--set", "evaluate.score_bins={most: 2, least_effective: 10}")
    content = json.loads((physics_run / "evaluation.json").read_text(encoding="utf-8"))
    known = physics_of(physics_run)
    metric = content["models"]["trees"]["metrics"]["significance"]
    assert metric["value"] == pytest.approx(known.significance.value)
    point = {p["name"]: p for p in content["working_points"]["trees"]}["best_significance"]
    assert point["threshold"] == known.cut.threshold.value
    assert point["signal_efficiency"]["value"] == pytest.approx(known.signal.events / 20)
    assert (known.yields.signal.events, known.yields.background.events) == (20, 200)
    assert sum(one.background.events for one in known.bins) == pytest.approx(200)
    # The cut and the bins come from validation, the counts from test.
    table = pyarrow.parquet.read_table(physics_run / "predictions.parquet")
    target, score = (np.asarray(table[name], dtype=np.float64) for name in ("target", "score_trees"))
    kept = (score >= (known.cut.threshold.value or 0)) & (target == 0)
    assert known.background.events == pytest.approx(200 * kept.sum() / (target == 0).sum())
    held_out = np.asarray(pyarrow.parquet.read_table(physics_run / "validation.parquet")["score_trees"])
    assert known.cut.threshold.value in held_out
    assert all(one.low in held_out for one in known.bins[1:])
    again = hepsieve("evaluate", physics_run, "--json")
    assert again.status == 0
    assert Evaluation.from_json(again.out).physics["trees"] == known
    _workspace_holds_the_bins(hepsieve, physics_run)
    for arguments, message in REFUSED.items():
        told = hepsieve("export", physics_run, *arguments)
        assert (told.status, len(told.err.splitlines())) == (2, 1), told.err
        assert message in told.err


def _workspace_holds_the_bins(hepsieve: Command, physics_run: Path) -> None:
    opened = openings(physics_run)
    out = physics_run.parent / "w.json"
    told = hepsieve("export", physics_run, "--to", "pyhf", "-o", out)
    assert told.status == 0, told.err
    lines = told.out.splitlines()
    assert "expected discovery significance (pyhf, 2 bins)" in told.out
    assert lines[1].strip().endswith("w.expected.json")
    channel = json.loads(out.read_text(encoding="utf-8"))["channels"][0]
    known = physics_of(physics_run)
    assert channel["samples"][0]["data"] == [one.signal.events for one in known.bins]
    assert channel["samples"][1]["data"] == [one.background.events for one in known.bins]
    assert openings(physics_run) == opened


def test_a_finished_run_takes_other_yields_without_training(hepsieve: Command, toy: Path) -> None:
    run = trees_run(hepsieve, toy)
    out = run.parent / "w.json"
    told = hepsieve("export", run, "--to", "pyhf", "-o", out)
    assert told.status == 2
    assert len(told.err.splitlines()) == 1
    assert "no expected yields; give --set evaluate.signal_yield=100" in told.err
    before = (run / "evaluation.json").read_bytes()
    one_bin = ("--set", "evaluate.score_bins.most=1")
    uncertain = ("--set", "evaluate.background_uncertainty=0.1")
    told = hepsieve("export", run, "--to", "pyhf", "--model", "trees", *YIELDS, *one_bin, *uncertain, "-o", out)
    assert told.status == 0, told.err
    samples = json.loads(out.read_text(encoding="utf-8"))["channels"][0]["samples"]
    assert [sample["data"] for sample in samples] == [pytest.approx([20]), pytest.approx([200])]
    assert {modifier["type"] for modifier in samples[1]["modifiers"]} == {"normsys", "shapesys"}
    assert (run / "evaluation.json").read_bytes() == before
    assert openings(run) == 2
    verify(run)
    (run.parent / "folder.json").mkdir()
    for wrong in ("w.root", "folder.json"):  # refused before the test events are looked at again
        assert hepsieve("export", run, "--to", "pyhf", *YIELDS, "-o", run.parent / wrong).status == 2
    assert openings(run) == 2
    told = hepsieve("export", run, "--to", "pyhf", "--set", "evaluate.yields.signal.events=5", "-o", out)
    assert told.status == 2
    assert "evaluate.yields.background" in told.err


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (
            "{yields: {signal: {events: 1}, background: {events: 2}}, signal_yield: 3}",
            "yields and signal_yield say the same",
        ),
        ("{yields: {signal: {events: 1}}}", "'evaluate.yields.background' is missing"),
        ("{yields: {signal: {events: 1, weights: true}, background: {events: 2}}}", "found events, weights"),
        ("{yields: {signal: {}, background: {events: 2}}}", "found none"),
        ("{yields: {signal: {cross_section: 1}, background: {events: 2}}}", "signal.cross_section needs a luminosity"),
        (
            "{yields: {luminosity: 3, signal: {events: 1}, background: {events: 2}}}",
            "luminosity goes with a cross_section",
        ),
        (
            "{yields: {signal: {events: 1, efficiency: 0.5}, background: {events: 2}}}",
            "efficiency goes with cross_section",
        ),
        ("{yields: {signal: {events: -1}, background: {events: 2}}}", "evaluate.yields.signal.events"),
        ("{background_uncertainty: -0.1}", "greater than or equal to 0"),
        ("{score_bins: 0}", "evaluate.score_bins"),
    ],
)
def test_yields_that_say_nothing_or_contradict_themselves(tmp_path: Path, evaluate: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_task(task(tmp_path, evaluate))
    assert message in str(error.value)
    assert "t.yaml:4" in str(error.value)


def events(weight: np.ndarray, target: np.ndarray, *, fingerprint: str = "one") -> Events:
    n = len(weight)
    return Events(
        features=np.arange(2 * n, dtype=np.float32).reshape(n, 2),
        target=target.astype(np.float32),
        weight=weight.astype(np.float32),
        names=("a", "b"),
        units=("", ""),
        origin=Origin(kind="real", fingerprint=fingerprint),
    )


def known_yields(tmp_path: Path, evaluate: str, parts: Split, test: Events) -> Expectation:
    found = expectation(parts, test, load_task(task(tmp_path, evaluate)))
    assert found is not None
    return found


def test_cross_sections_times_luminosity_and_efficiency(tmp_path: Path) -> None:
    parts = split(events(np.ones(100), np.arange(100) % 2), seed=1)
    text = (
        "{yields: {luminosity: 20, signal: {cross_section: 3, efficiency: 0.25}, background: {cross_section: 500}}, "
        "background_uncertainty: 0.1, score_bins: 4}"
    )
    found = known_yields(tmp_path, text, parts, parts.test.open("test"))
    # 3 fb · 20 fb⁻¹ · 0.25 and 500 fb · 20 fb⁻¹
    assert (found.yields.signal.events, found.yields.background.events) == (15, 10_000)
    assert (found.yields.luminosity, found.yields.background_uncertainty) == (20, 0.1)
    assert found.rule.most == 4


@pytest.mark.parametrize("folds", [None, 4])
def test_weights_are_summed_over_all_parts_and_the_cut_knows_none_of_test(tmp_path: Path, folds: int | None) -> None:
    rng = np.random.default_rng(1)
    target = np.arange(2000) % 2
    sample = events(rng.uniform(0, 2, 2000) * np.where(target == 1, 0.01, 0.5), target)
    parts = split(sample, folds=folds, seed=1)
    text = "{yields: {signal: {weights: true}, background: {weights: true}}}"
    test = parts.test.open("test")
    found = known_yields(tmp_path, text, parts, test)
    whole = [float(sample.weight[target == of].astype(float).sum()) for of in (1, 0)]
    assert [found.yields.signal.events, found.yields.background.events] == pytest.approx(whole)
    # Of each class four fifths of the events are known: their sum stands for the whole, up to its fluctuation,
    # 0.577 · √(1/800 − 1/1000) = 1 % of it.
    for_cut = [found.yields_for_cut.signal.events, found.yields_for_cut.background.events]
    assert for_cut == pytest.approx(whole, rel=0.05)
    assert for_cut != pytest.approx(whole, rel=1e-6)
    corrupt = test.replace(weight=1000 * test.weight)
    assert known_yields(tmp_path, text, parts, corrupt).yields_for_cut == found.yields_for_cut


def test_test_events_from_elsewhere_stand_for_the_yields(tmp_path: Path) -> None:
    parts = split(events(np.ones(100), np.arange(100) % 2), seed=1)
    other = events(np.full(10, 3.0), np.arange(10) % 2, fingerprint="other")
    text = "{yields: {signal: {weights: true}, background: {events: 7}}}"
    found = known_yields(tmp_path, text, parts, other)
    assert (found.yields.signal.events, found.yields.background.events) == (15, 7)
    negative = other.replace(weight=-other.weight)
    with pytest.raises(ConfigError, match=r"evaluate\.yields\.signal\.weights: .* sum to -15; give events instead"):
        known_yields(tmp_path, text, parts, negative)
