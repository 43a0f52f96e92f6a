from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.report.explorers import toy_scores, with_counts

from hepsieve.config import TaskConfig, load_task
from hepsieve.evaluate import counted
from hepsieve.evaluate.results import Evaluation, Scored
from hepsieve.report.explorer_section import embedded, explorer_section
from hepsieve.report.html import render

Make = Callable[..., Path]
ByHand = Callable[..., Evaluation]


@pytest.fixture
def config(make_run: Make) -> TaskConfig:
    return load_task(make_run() / "config.yaml")


def content(evaluation: Evaluation, config: TaskConfig) -> dict:  # type: ignore[type-arg]
    explorer = explorer_section(evaluation, config)
    assert explorer is not None
    found: dict = json.loads(explorer.data)  # type: ignore[type-arg]
    return found


def test_the_data_give_back_every_count(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = with_counts(evaluate_by_hand(features=["a"], models=["adaboost", "trees"]))
    found = content(evaluation, config)
    assert (found["best"], found["heldOut"], found["uncertainty"]) == ("trees", "validation", 0)
    assert [model["name"] for model in found["models"]] == ["adaboost", "trees"]
    for model in found["models"]:
        counts = evaluation.models[model["name"]].counts
        assert counts is not None
        assert tuple(model["edges"]) == counts.edges
        for part in ("validation", "test"):
            for side, passing in zip(
                model[part], (getattr(counts, part).background, getattr(counts, part).signal), strict=True
            ):
                # From the highest edge down, as the script adds them.
                assert tuple(np.cumsum(side["weight"][::-1])[::-1]) == passing.weight
                assert set(side) == {"weight"}
        points = evaluation.working_points[model["name"]]
        assert [counts.edges[k] for _, _, k in model["points"]] == [point.threshold for point in points]


def test_weighted_counts_are_given_to_eight_digits(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = with_counts(evaluate_by_hand(features=["a"], models=["trees"]), weighted=True)
    (model,) = content(evaluation, config)["models"]
    counts = evaluation.models["trees"].counts
    assert counts is not None
    for name in ("weight", "squares"):
        passing = np.cumsum(model["test"][1][name][::-1])[::-1]
        assert passing == pytest.approx(np.array(getattr(counts.test.signal, name)), rel=1e-5)
    assert tuple(np.cumsum(model["test"][1]["events"][::-1])[::-1]) == counts.test.signal.events


def test_the_data_of_twelve_models_are_small(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    one = evaluate_by_hand(features=["a"], models=["trees"])
    for weighted, most in ((False, 100_000), (True, 300_000)):
        twelve = one.model_copy(update={"models": {f"m{k}": one.models["trees"] for k in range(12)}})
        counted_ = with_counts(twelve, n=20_000, weighted=weighted)
        explorer = explorer_section(counted_, config)
        assert explorer is not None
        assert len(explorer.data) < most


def test_histograms_have_about_forty_bins_that_hold_every_event(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = with_counts(evaluate_by_hand(features=["a"], models=["adaboost", "trees"]))
    for model in content(evaluation, config)["models"]:
        counts = evaluation.models[model["name"]].counts
        assert counts is not None
        assert 38 <= len(model["bins"]) <= 42
        assert model["logit"] is False
        widths = np.diff(np.array(counts.edges)[model["bins"]])
        assert np.all(np.abs(widths / np.median(widths) - 1) < 0.1)
        assert counts.test.signal.events[model["bins"][0]] == counts.test.signal.events[0]


def test_scores_near_the_ends_have_a_logarithmic_scale(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = evaluate_by_hand(features=["a"], models=["trees"])
    sides = [toy_scores(3000, distance=5, seed=seed) for seed in (1, 2)]
    counts = counted(validation=sides[0], test=sides[1])
    models = {"trees": evaluation.models["trees"].model_copy(update={"counts": counts})}
    (model,) = content(evaluation.model_copy(update={"models": models}), config)["models"]
    assert model["logit"] is True
    assert len(model["bins"]) > 25


@pytest.mark.usefixtures("undrawn")
def test_a_model_of_one_score_has_a_page(evaluate_by_hand: ByHand, make_run: Make) -> None:
    evaluation = evaluate_by_hand(features=["a"], models=["trees"])
    dead = Scored(target=np.repeat([0.0, 1.0], 5), score=np.full(10, 0.3), weight=np.ones(10))
    counts = counted(validation=dead, test=dead)
    models = {"trees": evaluation.models["trees"].model_copy(update={"counts": counts})}
    assert 'id="explorer"' in render(make_run(evaluation.model_copy(update={"models": models}), name="dead"))


def test_yields_are_those_of_the_configuration(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = with_counts(evaluate_by_hand(features=["a"], models=["trees"]), n=150)
    explorer = explorer_section(evaluation, config)
    assert explorer is not None
    assert json.loads(explorer.data)["yields"] == [150, 150]
    assert "expects no yields" in explorer.yields
    update = {"signal_yield": 12.5, "background_yield": 3e4, "background_uncertainty": 0.1}
    expecting = config.model_copy(update={"evaluate": config.evaluate.model_copy(update=update)})
    explorer = explorer_section(evaluation, expecting)
    assert explorer is not None
    data = json.loads(explorer.data)
    assert (data["yields"], data["uncertainty"]) == ([3e4, 12.5], 0.1)
    assert explorer.yields == "These are the yields of the run's configuration."


def test_cross_validated_scores_are_called_out_of_fold(evaluate_by_hand: ByHand, config: TaskConfig) -> None:
    evaluation = with_counts(evaluate_by_hand(features=["a"], models=["trees"]), n=50)
    folded = evaluation.model_copy(update={"data": evaluation.data.model_copy(update={"folds": 5})})
    assert content(folded, config)["heldOut"] == "out of fold"


@pytest.mark.usefixtures("undrawn")
def test_runs_without_counts_have_no_explorer(evaluate_by_hand: ByHand, make_run: Make, config: TaskConfig) -> None:
    evaluation = evaluate_by_hand(features=["a"], models=["trees"])
    assert explorer_section(evaluation, config) is None
    page = render(make_run(evaluation, name="old"))
    assert "explorer-data" not in page
    assert "Threshold explorer" not in page
    # evaluation.json of before has no such key.
    older = json.loads(evaluation.to_json())
    del older["models"]["trees"]["counts"]
    assert Evaluation.from_json(json.dumps(older)) == evaluation


@pytest.mark.usefixtures("undrawn")
def test_the_section_follows_the_results(evaluate_by_hand: ByHand, make_run: Make) -> None:
    page = render(make_run(with_counts(evaluate_by_hand(features=["a"], models=["trees"]), n=50), name="new"))
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert sections.index("explorer") == sections.index("results") + 1
    assert '<a href="#explorer">' in page
    assert "no longer honest" in page
    assert "<noscript>" in page


@pytest.mark.parametrize("name", ["</script><img src=x onerror=alert(1)>", "<!--<script>", "a\u2028b&amp;\\", "é→"])
def test_names_stay_text_inside_the_data(name: str) -> None:
    text = embedded({"name": name})
    assert json.loads(text) == {"name": name}
    assert not set(text) & set("<>&\u2028\u2029")
