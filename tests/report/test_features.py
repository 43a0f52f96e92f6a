"""The features' table and figures: the numbers they are given, in the order that helps, old runs without them too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from tests.report.conftest import around

from hepsieve.evaluate.results import BackwardStep, Evaluation, FeatureRanking, Quantity
from hepsieve.report.features import backward_curve, feature_table, importance_points
from hepsieve.report.html import render
from hepsieve.report.style import to_svg

EvaluateByHand = Callable[..., Evaluation]
UNDEFINED = Quantity(value=None, low=None, high=None)
NAMES = ("m_bb", "_lepton pt", "phi")
RANKING = FeatureRanking(
    importances={
        "trees": {"m_bb": around(0.1, 0.01), "_lepton pt": around(0.2, 0.02), "phi": Quantity(value=0, low=0, high=0)},
        "mlp-torch": {"m_bb": around(0.15, 0.01), "_lepton pt": around(0.12, 0.02)},
    },
    all_features=around(0.83, 0.01),
    backward=(
        BackwardStep(left_out="phi", features_left=2, auc=around(0.84, 0.01)),
        BackwardStep(left_out="_lepton pt", features_left=1, auc=around(0.7, 0.02)),
    ),
    last_feature="m_bb",
    backward_model="boosted trees of depth 3",
)


@pytest.fixture
def ranked(evaluate_by_hand: EvaluateByHand) -> Evaluation:
    evaluation = evaluate_by_hand(features=NAMES, models=["trees", "mlp-torch"])
    values = ((0.6, 0.12), (0.3, 0.4), (0.5, 0.01))
    features = tuple(
        one.model_copy(update={"auc": around(auc, 0.01), "separation": around(separation, 0.01)})
        for one, (auc, separation) in zip(evaluation.features, values, strict=True)
    )
    return evaluation.model_copy(update={"features": features, "ranking": RANKING})


def _texts(figure: Figure) -> list[str]:
    root = ElementTree.fromstring(to_svg(figure))
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")]


def _intervals(figure: Figure) -> list[list[float]]:
    """Ends of every interval that is drawn, from top to bottom of each colour."""
    return [
        np.asarray(segment, dtype=float)[:, 0].tolist()
        for lines in figure.axes[0].collections
        if isinstance(lines, LineCollection)
        for segment in lines.get_segments()
    ]


def test_the_table_has_the_strongest_feature_first_and_every_figure(ranked: Evaluation) -> None:
    table = feature_table(ranked)
    assert table.columns == (
        *("feature", "AUC alone", "separation ⟨S²⟩"),
        *("AUC lost when shuffled, trees", "left out as number"),
    )
    rows = [[str(entry) for entry in row] for row in table.rows]
    assert rows == [
        ["_lepton pt", "0.3000 (0.2900–0.3100)", "0.400 (0.390–0.410)", "0.2000 (0.1800–0.2200)", "2"],
        ["m_bb", "0.6000 (0.5900–0.6100)", "0.120 (0.110–0.130)", "0.1000 (0.0900–0.1100)", "stays last"],
        ["phi", "0.5000 (0.4900–0.5100)", "0.010 (0.000–0.020)", "0 (not used)", "1"],
    ]


def test_importances_stand_in_the_best_models_order_with_their_intervals(ranked: Evaluation) -> None:
    assert ranked.ranking is not None
    figure = importance_points(ranked.ranking.importances, best="trees")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["_lepton pt", "m_bb", "phi"]
    drawn = {str(line.get_label()): np.asarray(line.get_xdata()).tolist() for line in axes.get_lines()}
    assert drawn == {"trees": [0.1, 0.2, 0], "mlp-torch": [0.15, 0.12]}
    expected: list[list[float]] = [[0.09, 0.11], [0.18, 0.22], [0.0, 0.0], [0.14, 0.16], [0.1, 0.14]]
    np.testing.assert_allclose(_intervals(figure)[:5], expected)
    assert {"trees", "mlp-torch", "_lepton pt"} <= set(_texts(figure))


def test_a_feature_far_ahead_leaves_the_others_room() -> None:
    worth = {"ahead": around(0.2, 0.01), "b": around(0.0004, 0.0001), "c": around(0.0001, 0.0002)}
    axes = importance_points({"trees": worth}, best="trees").axes[0]
    # Intervals are 0.0002, 0.0004 and 0.02 wide: linear up to the decade of the middle one.
    assert axes.get_xscale() == "symlog"
    np.testing.assert_allclose(axes.get_xticks(), [-1e-4, 0, 1e-4, 1e-3, 1e-2, 0.1, 1])
    left, x, right = axes.transData.transform([(0, 0), (0.0004, 0), (0.2, 0)])[:, 0]
    assert (x - left) / (right - left) > 0.2
    level = importance_points({"trees": {"a": worth["b"], "b": worth["c"]}}, best="trees").axes[0]
    assert level.get_xscale() == "linear"


def test_the_backward_curve_names_what_goes(ranked: Evaluation) -> None:
    assert ranked.ranking is not None
    figure = backward_curve(ranked.ranking)
    assert [text for text in _texts(figure) if text.startswith(("all", "2:", "1:"))] == [
        *("all 3", "2: without phi", "1: without _lepton pt")
    ]
    np.testing.assert_allclose(_intervals(figure), [[0.82, 0.84], [0.83, 0.85], [0.68, 0.72]])
    assert figure.axes[0].get_xscale() == "linear"


def test_near_1_the_axis_stretches_and_a_perfect_auc_stays_in_the_picture() -> None:
    perfect = Quantity(value=1, low=0.998, high=1)
    steps = tuple(
        step.model_copy(update={"auc": auc}) for step, auc in zip(RANKING.backward, (perfect, UNDEFINED), strict=True)
    )
    figure = backward_curve(RANKING.model_copy(update={"backward": steps, "all_features": around(0.995, 0.003)}))
    axes = figure.axes[0]
    assert axes.get_xscale() == "logit"
    low, high = axes.get_xlim()
    assert low < 0.992
    assert 0.998 < high < 1
    assert np.asarray(axes.get_lines()[-1].get_xdata()).tolist() == [0.995, high]
    np.testing.assert_allclose(_intervals(figure), [[0.992, 0.998], [0.998, high]])
    only_ones = RANKING.model_copy(
        update={"all_features": Quantity(value=1, low=1, high=1), "backward": RANKING.backward[:0] + steps[1:]}
    )
    assert backward_curve(only_ones).axes[0].get_xscale() == "linear"


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_the_ranking(make_run: Callable[..., Path], ranked: Evaluation) -> None:
    page = render(make_run(ranked))
    section = page[page.index('<section id="features">') : page.index('<section id="correlations">')]
    # Three histograms, the importances and the backward curve.
    assert section.count("<img ") == 5
    for expected in ("Permutation importance", "Leaving features out", "down to m_bb", "0.83", "stays last"):
        assert expected in section


@pytest.mark.usefixtures("undrawn")
def test_a_run_from_before_there_were_rankings_is_shown(make_run: Callable[..., Path], ranked: Evaluation) -> None:
    run = make_run(ranked)
    content: dict[str, Any] = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    del content["ranking"]
    for feature in content["features"]:
        del feature["separation"]
    (run / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    page = render(run)
    section = page[page.index('<section id="features">') : page.index('<section id="correlations">')]
    assert section.count("<img ") == 3
    assert "separation ⟨S²⟩" not in section
    assert "AUC alone" in section
    assert "Permutation importance" not in section
