"""What features are worth: known orders come out, no event is scored by what learned from it, test stays sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import Told, without_times

from hepsieve import explain, shuffled
from hepsieve.config import ExplainConfig, PrepareConfig, TaskConfig
from hepsieve.errors import MissingExtra
from hepsieve.events import Events
from hepsieve.explain import rank_features
from hepsieve.models.config import ModelConfig, TrainConfig, TreesConfig
from hepsieve.prepare import Split, split
from hepsieve.progress import Silent
from hepsieve.train.run import Run, train

NAMES = ("noise", "weak", "strong", "copy of strong")
MODELS: dict[str, ModelConfig] = {"trees": TreesConfig(rounds=60, patience=10, learning_rate=0.2, max_depth=3)}


def events(n: int = 3000, *, seed: int = 1) -> Events:
    """One feature without use, a weak one, a strong one, and that once more with some noise."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    strong = rng.normal(size=n) + 2 * target
    columns = (rng.normal(size=n), rng.normal(size=n) + 0.6 * target, strong, strong + 0.7 * rng.normal(size=n))
    return Events.from_arrays(np.stack(columns, axis=1), target, names=NAMES)


def task(**explained: Any) -> TaskConfig:
    return TaskConfig(task="toy", models={**MODELS}, explain=ExplainConfig(**explained))


def trained(parts: Split, *, features: tuple[str, ...] | None = None) -> Run:
    return train(MODELS, parts, prepare=PrepareConfig(features=features), settings=TrainConfig(), seed=1)


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(events(), seed=1)


@pytest.fixture(scope="module")
def run(parts: Split) -> Run:
    return trained(parts)


def test_the_strong_feature_matters_most_and_the_noise_not_at_all(run: Run) -> None:
    ranking = rank_features(run, task(), progress=Silent())
    worth = ranking.importances["trees"]
    assert tuple(worth) == NAMES
    value = {name: one.value or 0.0 for name, one in worth.items()}
    assert value["strong"] > value["weak"] > abs(value["noise"])
    noise = worth["noise"]
    assert noise.low is not None
    assert noise.high is not None
    assert noise.low < 0.005
    assert noise.high > -0.005
    assert ranking.backward == ()
    assert run.parts.test.openings == ()


def test_backwards_the_useless_goes_first_and_the_strong_one_stays(run: Run) -> None:
    ranking = rank_features(run, task(permutations=0, backward=True), progress=Silent())
    assert ranking.importances == {}
    assert [step.features_left for step in ranking.backward] == [3, 2, 1]
    # The noise and the blurred copy say nothing that the others do not.
    assert {step.left_out for step in ranking.backward[:2]} == {"noise", "copy of strong"}
    assert (ranking.backward[2].left_out, ranking.last_feature) == ("weak", "strong")
    last = ranking.backward[-1].auc
    # One feature 2 standard deviations apart: Φ(2 / √2) = 0.921.
    assert last.low is not None
    assert last.high is not None
    assert last.low < 0.921 < last.high
    assert ranking.all_features is not None
    assert ranking.all_features.value is not None
    assert ranking.all_features.value > (last.value or 1)
    assert "depth 3" in ranking.backward_model
    assert run.parts.test.openings == ()


def test_equal_seeds_rank_equally_and_test_events_count_for_nothing(parts: Split, run: Run) -> None:
    config = task(backward=True)
    first = rank_features(run, config, progress=Silent())
    other_test = replace(parts, test=split(events(seed=9), seed=1).test)
    assert rank_features(replace(run, parts=other_test), config, progress=Silent()) == first
    other_seed = config.model_copy(update={"seed": 2})
    assert rank_features(run, other_seed, progress=Silent()).importances != first.importances


def test_only_chosen_features_are_ranked(parts: Split) -> None:
    ranking = rank_features(trained(parts, features=("strong", "weak")), task(backward=True), progress=Silent())
    assert tuple(ranking.importances["trees"]) == ("strong", "weak")
    assert [step.left_out for step in ranking.backward] == ["weak"]


def test_cross_validated_events_are_scored_by_those_who_did_not_see_them() -> None:
    # Labels by chance: only who has seen an event can tell its class, and would lose AUC by shuffling.
    rng = np.random.default_rng(3)
    noise = Events.from_arrays(rng.normal(size=(600, 2)), rng.permutation(np.arange(600) % 2), names=("a", "b"))
    run = trained(split(noise, folds=3, seed=1))
    seen = run.models["trees"].training_scores(run.parts.train, run.parts.fold)
    assert seen[run.parts.train.target > 0.5].mean() > seen[run.parts.train.target < 0.5].mean() + 0.01
    ranking = rank_features(run, task(permutations=3, backward=True), progress=Silent())
    for one in ranking.importances["trees"].values():
        assert one.low is not None
        assert one.low < 0.02
    assert ranking.all_features is not None
    assert ranking.all_features.low is not None
    assert ranking.all_features.low < 0.55


def test_many_events_are_drawn_from_by_chance(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rank_features(run, task(permutations=20), progress=Silent()).importances["trees"]["strong"]
    monkeypatch.setattr(shuffled, "MOST_SHUFFLED", 150)
    few = rank_features(run, task(permutations=20), progress=Silent()).importances["trees"]["strong"]
    assert few.low is not None
    assert few.high is not None
    assert whole.low is not None
    assert whole.high is not None
    # A quarter of the events: about twice the interval.
    assert 1.3 < (few.high - few.low) / (whole.high - whole.low) < 3


def test_without_xgboost_the_backward_ranking_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hepsieve.models.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"explain\.backward .*'hepsieve\[trees\]'.*explain\.backward=false"):
        explain.check_explain(task(backward=True))
    explain.check_explain(task())


@pytest.mark.usefixtures("undrawn")
def test_a_run_keeps_its_ranking_when_it_is_judged_again(hepsieve: Callable[..., Told], toy: Path) -> None:
    folder = toy.parent / "run"
    told = hepsieve("run", toy, "--models", "trees", "--set", "explain.backward=true", "--out", folder)
    assert (told.status, told.err) == (0, "")
    before = without_times(folder)["ranking"]
    assert set(before["importances"]["trees"]) == {"a", "b", "c"}
    assert len(before["backward"]) == 2
    assert hepsieve("evaluate", folder).status == 0
    assert without_times(folder)["ranking"] == before
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    assert "backward: true" in config
    assert "Leaving features out" in (folder / "report.html").read_text(encoding="utf-8")
