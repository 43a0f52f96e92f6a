"""The page of a regression applied to other events."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import StepPatch
from tests.report.regressions import around, make_profile, make_regression

from hepsieve.errors import HepsieveError
from hepsieve.evaluate.drift import FeatureDrift
from hepsieve.evaluate.histograms import share_histogram
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.regression_application import AppliedFigures, AppliedModel, RegressionApplication, Truth
from hepsieve.evaluate.told_apart import EDGES, TargetBin, TellingCut, ToldApart
from hepsieve.report.application_page import (
    applied_predictions,
    kept_by_target,
    render_application,
    write_application,
)

TARGET = make_regression().target


def make_cut(wanted: str, threshold: float, *, filled: bool = True) -> TellingCut:
    """Efficiencies that rise at the threshold; without events where it is not filled."""
    bins = []
    for low, high in zip(EDGES[:-1].tolist(), EDGES[1:].tolist(), strict=True):
        share = 1 / (1 + np.exp((threshold - (low + high) / 2) / 0.02))
        bins.append(TargetBin(low=low, high=high, n=200, efficiency=around(share, 0.03) if filled else UNDEFINED))
    return TellingCut(
        wanted=wanted,
        threshold=threshold,
        other_share=around(0.012, 0.008) if filled else UNDEFINED,
        efficiency=around(0.91, 0.01),
        bins=tuple(bins),
        says=f"From d = {threshold:.2g} on more than half of the events are kept.",
    )


def make_applied(seed: int, *, truth: Truth = "unknown") -> AppliedModel:
    rng = np.random.default_rng(seed)
    cuts = (make_cut("at most 1 % of the others kept", 0.11), make_cut("best balanced", 0.09))
    figures = AppliedFigures(
        metrics={"mae": around(0.02, 0.001), "rmse": around(0.03, 0.001), "bias": around(0, 0.002)}
        | {"tolerance_accuracy@0.1": around(0.8, 0.02)},
        profile=make_profile("d", 1, 0.03),
        intervals=(),
    )
    return AppliedModel(
        predictions=share_histogram(rng.beta(2, 40, 1000), np.ones(1000)),
        own_predictions=share_histogram(rng.random(4000), np.ones(4000)),
        mean=around(0.05, 0.002),
        median=around(0.04, 0.002),
        own_mean=around(0.5, 0.01),
        own_median=around(0.5, 0.01),
        told_apart=None
        if truth == "known"
        else ToldApart(auc=around(0.95, 0.01), cuts=cuts, n_set=500, n_measured=500),
        figures=figures if truth == "known" else None,
    )


DRIFTED = FeatureDrift(
    feature="area", unit="phd", events="all", n=1000, n_training=12000, training_low=500, training_high=9000,
    outside_range=around(0.01, 0.005), outside_central=around(0.2, 0.02), ks=0.31, ks_p=1e-9,
    median_shift=around(-1.2, 0.1), status="far", verdict="area lies lower than in training",
)  # fmt: skip


def make_application(
    *, truth: Truth = "unknown", drift: tuple[FeatureDrift, ...] = (DRIFTED,)
) -> RegressionApplication:
    return RegressionApplication(
        task="apart",
        target=TARGET,
        origin="simulated",
        sources=("<1s2>.npy",),
        fingerprint="0" * 64,
        n=1000,
        n_own=4000,
        truth=truth,
        best="trees",
        models={name: make_applied(k, truth=truth) for k, name in enumerate(("trees", "pulse"))},
        drift=drift,
        notes=("The test part was not opened.",),
    )


def words(page: str) -> str:
    """The text of a page in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("</style>")[1]).split())


def test_the_page_shows_what_cuts_keep() -> None:
    page = render_application(make_application())
    text = words(page)
    assert "Simulated events." in text
    assert "apart: &lt;1s2&gt;.npy" in text
    assert "<1s2>" not in page
    assert "trees, best balanced: from d = 0.09 on more than half of the events are kept." in text
    assert "The test part was not opened." in text
    # One picture of predictions for each model, and one for each of its two cuts.
    assert page.count("<img") == 6
    assert page.count(' alt="The share of the run') == 4
    assert "≥ 0.1100" in text
    assert "Drift 1 of 1 features differ from the training events, 1 of them by far" in text
    assert "area lies lower than in training" in text
    assert 'src="http' not in page


def test_beside_the_truth_there_are_figures_and_no_cuts() -> None:
    page = render_application(make_application(truth="known", drift=()))
    text = words(page)
    assert page.count("<img") == 2
    assert 'id="kept"' not in page
    assert "Dashed" not in text
    assert "0.0300 (0.0290–0.0310)" in text
    assert 'id="drift"' not in page


def test_predictions_are_densities_with_their_cuts() -> None:
    axes = applied_predictions(make_applied(0), TARGET).axes[0]
    drawn = [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]
    assert len(drawn) == 4  # an area and its outline for each sample
    for values, edges, _ in drawn:
        assert (values * np.diff(edges)).sum() == pytest.approx(1)
    assert [np.asarray(line.get_xdata())[0] for line in axes.get_lines()] == [0.11, 0.09]


def test_a_share_of_no_events_is_not_drawn() -> None:
    figure = kept_by_target(make_cut("best balanced", 0.1, filled=False), TARGET)
    assert not figure.axes[0].get_lines()
    # A step and its interval for each bin, and a line for the others.
    full = kept_by_target(make_cut("best balanced", 0.1), TARGET)
    assert len(full.axes[0].get_lines()) == 2 * (len(EDGES) - 1) + 1


def test_the_page_is_written_where_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hepsieve.report.picture.to_data_uri", lambda figure: "data:,")
    page = tmp_path / "page.html"
    write_application(page, make_application())
    assert page.read_text(encoding="utf-8") == render_application(make_application())
    with pytest.raises(HepsieveError, match=r"page\.html"):
        write_application(page / "other.html", make_application())
