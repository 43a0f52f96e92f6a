"""What models look at in waveforms, on the pages of either kind: curves, numbers behind them, and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from tests.report.regressions import make_regression

from hepsieve.evaluate.image_results import WaveformMap
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.evaluate.results import Evaluation, FeatureRanking, Quantity
from hepsieve.evaluate.slice_results import Difference
from hepsieve.report.map_section import map_intro, map_sections
from hepsieve.report.regression_looks import bins_sentence, importance_picture, looks_section
from hepsieve.report.waveform_maps import map_curves


def waveform_map(
    label: Literal[0, 1] | None, method: Literal["occlusion", "gradient"], *, model: str = "trees"
) -> WaveformMap:
    return WaveformMap(
        model=model,
        label=label,
        method=method,
        edges=(0, 1, 2, 3, 4),
        drop=(0, 0.5, -0.25, 0),
        error=(0.01, 0.1, 0.05, 0.01),
        mean=(0, 1, 5, 3, 1, 0, 0, 0),
        waveforms=20,
    )


@pytest.fixture
def classified(evaluate_by_hand: Callable[..., Evaluation]) -> Evaluation:
    maps = tuple(waveform_map(label, method) for label in (0, 1) for method in ("occlusion", "gradient"))
    return evaluate_by_hand(features=["a"], models=["trees"]).model_copy(update={"waveform_maps": maps})


def test_curves_are_the_drops_with_two_standard_errors() -> None:
    figure = map_curves(
        [waveform_map(0, "occlusion"), waveform_map(1, "occlusion")], ["noise", "pulse"], answer="logit"
    )
    above, below = figure.axes
    steps = [patch.get_data() for patch in below.patches]  # type: ignore[attr-defined]
    assert [step.values.tolist() for step in steps] == [[0, 0.5, -0.25, 0]] * 2
    assert [step.edges.tolist() for step in steps] == [[0, 1, 2, 3, 4]] * 2
    assert np.asarray(above.patches[0].get_data().values).tolist() == [0, 1, 5, 3, 1, 0, 0, 0]  # type: ignore[attr-defined]
    band = np.asarray(below.collections[0].get_paths()[0].vertices)
    assert float(np.max(band[:, 1])) == pytest.approx(0.7)
    assert below.get_ylabel() == "drop of the logit"


def test_each_model_has_a_picture_for_either_way(classified: Evaluation) -> None:
    (trees,) = map_sections(classified)
    assert [one.title for one in trees.maps] == [
        "Hidden samples: 20 background waveforms, 20 signal waveforms",
        "Integrated gradients: 20 background waveforms, 20 signal waveforms",
    ]
    numbers = trees.maps[0].numbers
    assert list(numbers) == [
        "from [µs]", "to [µs]", "background: drop", "background: standard error", "signal: drop",
        "signal: standard error",
    ]  # fmt: skip
    assert list(numbers["signal: drop"]) == [0, 0.5, -0.25, 0]
    intro = map_intro(classified)
    assert "One of 4 windows of samples at a time is set to the waveform's own quiet level" in intro
    assert "arXiv:1703.01365" in intro
    assert "it speaks for signal" in intro


def difference(value: float) -> Difference:
    return Difference(quantity=Quantity(value=value, low=value - 0.01, high=value + 0.01), p_value=0, p_adjusted=0)


@pytest.fixture
def regressed() -> RegressionEvaluation:
    evaluation = make_regression()
    best = evaluation.models[evaluation.best]
    first, *others = best.profiles
    bins = (first.bins[0].model_copy(update={"differs": {"bias": difference(0.05)}}), *first.bins[1:])
    profiles = (first.model_copy(update={"bins": bins, "tests": 60}), *others)
    models = {**evaluation.models, evaluation.best: best.model_copy(update={"profiles": profiles})}
    worth = {"0–1 µs": Quantity(value=0.1, low=0.05, high=0.15), "1–2 µs": Quantity(value=0, low=0, high=0)}
    return evaluation.model_copy(
        update={
            "models": models,
            "ranking": FeatureRanking(importances={evaluation.best: worth}),
            "waveform_maps": (waveform_map(None, "occlusion", model=evaluation.best),),
        }
    )


def test_a_regression_tells_of_bins_importances_and_maps(regressed: RegressionEvaluation) -> None:
    assert f"in 1 of {len(regressed.models[regressed.best].profiles[0].bins)} bins of" in bins_sentence(regressed)
    assert "Holm's correction for 60 comparisons" in bins_sentence(regressed)
    alike = regressed.models[regressed.best].profiles[1].model_copy(update={"tests": 60})
    best = regressed.models[regressed.best].model_copy(update={"profiles": (alike,)})
    without = regressed.model_copy(update={"models": {**regressed.models, regressed.best: best}})
    assert "has a figure that differs" in bins_sentence(without)
    section = looks_section(regressed)
    assert "▲" in section["bins"][0].table.rows[0][2].value
    assert "▲" not in section["bins"][0].table.rows[1][2].value
    drawn = importance_picture(regressed)
    assert drawn is not None
    assert list(drawn.numbers["RMSE gained [full scale]"]) == [0.1, 0]
    (maps,) = section["maps"]
    assert maps.maps[0].title == "Hidden samples: 20 waveforms"
    assert "makes the predicted" in section["maps_intro"]
    older = regressed.model_copy(update={"ranking": None, "waveform_maps": ()})
    assert importance_picture(older) is None
    assert looks_section(older)["maps"] == ()
