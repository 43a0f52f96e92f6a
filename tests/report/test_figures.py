"""Figures draw the numbers they are given, the same way on every machine's settings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import StepPatch

from hepsieve.evaluate.results import Evaluation, FeatureHistogram, Quantity, RocCurve
from hepsieve.history import EpochRecord
from hepsieve.report.curves import best_epoch, drawn_quantities, learning_curves, score_distributions
from hepsieve.report.figures import correlation_map, feature_histogram, rejection_curves, roc_curves
from hepsieve.report.learning import history_numbers
from hepsieve.report.style import bands_note, to_data_uri, to_svg
from hepsieve.report.thresholds import low_background_roc

EvaluateByHand = Callable[..., Evaluation]
LOSSES = (0.69, 0.60, 0.55, 0.57, 0.55)


def _texts(svg: str) -> list[str]:
    return [
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")
    ]


def _records(losses: tuple[float, ...] = LOSSES) -> list[EpochRecord]:
    return [
        EpochRecord(model="m", epoch=k, seconds=1.0, train_loss=loss - 0.02, validation_loss=loss)
        for k, loss in enumerate(losses, 1)
    ]


def test_score_densities_are_normalised(evaluate_by_hand: EvaluateByHand) -> None:
    scores = evaluate_by_hand(models=["trees"]).models["trees"].scores
    figure = score_distributions(scores, ("background", "signal"))
    steps = [patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]
    assert len(steps) == 4
    for patch in steps:
        values, edges, _ = patch.get_data()
        assert math.isclose(float(np.sum(np.asarray(values) * np.diff(edges))), 1, rel_tol=1e-9)


def test_rejection_is_one_over_background_efficiency_and_leaves_out_zero(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees"])
    roc = RocCurve(
        background_efficiency=(0.0, 0.0, 0.1, 0.5, 1.0),
        signal_efficiency=(0.0, 0.2, 0.4, 0.8, 1.0),
        low=(0.0, 0.1, 0.3, 0.7, 1.0),
        high=(0.1, 0.3, 0.5, 0.9, 1.0),
    )
    model = evaluation.models["trees"].model_copy(update={"roc": roc})
    figure = rejection_curves(evaluation.model_copy(update={"models": {"trees": model}}))
    line = next(line for line in figure.axes[0].get_lines() if line.get_label() == "trees")
    assert np.allclose(np.asarray(line.get_xydata(), dtype=float), np.array([[0.4, 10], [0.8, 2], [1, 1]]))


def test_perfect_separation_can_be_drawn(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees"])
    roc = RocCurve(background_efficiency=(0, 0, 1), signal_efficiency=(0, 1, 1), low=(0, 0.9, 1), high=(0.1, 1, 1))
    model = evaluation.models["trees"].model_copy(update={"roc": roc})
    assert "signal efficiency" in _texts(
        to_svg(rejection_curves(evaluation.model_copy(update={"models": {"t": model}})))
    )


def test_names_stand_in_the_figure_letter_by_letter(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees", "mlp-torch"])
    models = {"_a$x$": evaluation.models["trees"], "b<&>_{": evaluation.models["mlp-torch"]}
    renamed = evaluation.model_copy(update={"models": models})
    for draw in (roc_curves, rejection_curves):
        texts = _texts(to_svg(draw(renamed)))
        assert "_a$x$" in texts
        assert "b<&>_{" in texts


def test_axis_names_the_feature_and_its_unit() -> None:
    auc = Quantity(value=0.6, low=0.5, high=0.7)
    histogram = FeatureHistogram(
        name="m_bb", unit="GeV", edges=(0, 50, 100), background=(0.01, 0.01), signal=(0, 0.02), auc=auc
    )
    assert "m_bb [GeV]" in _texts(to_svg(feature_histogram(histogram)))


def test_a_constant_or_empty_feature_can_be_drawn() -> None:
    auc = Quantity(value=None, low=None, high=None)
    for edges, values in (((1.0, 1.0), (0.0,)), ((0.0, 1.0), (0.0,))):
        histogram = FeatureHistogram(name="c", unit="", edges=edges, background=values, signal=values, auc=auc)
        assert "density" in _texts(to_svg(feature_histogram(histogram)))


@pytest.mark.parametrize(("worst", "first"), [(0.3, 0.0), (0.9, 0.84)])
def test_rejection_begins_where_the_curves_do(evaluate_by_hand: EvaluateByHand, worst: float, first: float) -> None:
    evaluation = evaluate_by_hand(models=["trees"])
    roc = RocCurve(
        background_efficiency=(0.0, 0.01, 1.0),
        signal_efficiency=(0.1, worst + 0.05, 1.0),
        low=(0.0, worst, 1.0),
        high=(0.2, 1.0, 1.0),
    )
    model = evaluation.models["trees"].model_copy(update={"roc": roc})
    figure = rejection_curves(evaluation.model_copy(update={"models": {"trees": model}}))
    assert figure.axes[0].get_xlim() == pytest.approx((first, 1))


@pytest.mark.parametrize(("models", "bands"), [(6, 6), (7, 1)])
def test_the_bands_of_many_models_do_not_hide_each_other(
    evaluate_by_hand: EvaluateByHand, models: int, bands: int
) -> None:
    trees = evaluate_by_hand(models=["trees"]).models["trees"]
    many = {f"trees-{k}": trees for k in range(models)}
    evaluation = evaluate_by_hand(models=["trees"]).model_copy(update={"models": many, "best": "trees-3"})
    for draw in (roc_curves, rejection_curves, lambda one: low_background_roc(one, ())):
        axes = draw(evaluation).axes[0]
        assert len(axes.collections) == bands
    assert bool(bands_note(many, "trees-3")) == (models > 6)


def test_correlations_keep_their_numbers() -> None:
    figure = correlation_map([[1, -0.5], [-0.5, None]], ["a", "b"], title="signal")
    drawn: np.ma.MaskedArray = np.ma.asarray(figure.axes[0].images[0].get_array())
    assert drawn.filled(9).tolist() == [[1, -0.5], [-0.5, 9]]
    assert "correlation coefficient" in _texts(to_svg(figure))


def test_the_first_of_equal_epochs_is_the_best() -> None:
    best = best_epoch(_records(), "loss")
    assert best is not None
    assert best.epoch == 3
    assert best_epoch(_records(), "auc") is None
    figure = learning_curves(_records(), monitor="loss")
    assert figure.axes[0].get_title(loc="left") == "lowest validation loss at 3"


def test_one_record_makes_no_curve() -> None:
    assert drawn_quantities(_records(LOSSES[:1])) == ()
    assert drawn_quantities(()) == ()
    assert drawn_quantities(_records()) == ("loss",)


def test_thousands_of_rounds_are_thinned_but_keep_both_ends() -> None:
    figure = learning_curves(_records(tuple(1 / k for k in range(1, 2002))), monitor="loss", rounds=True)
    epochs = np.asarray(figure.axes[0].get_lines()[0].get_xdata())
    assert epochs[0] == 1
    assert epochs[-1] == 2001
    assert len(epochs) < 500


def test_the_numbers_of_learning_curves_are_those_drawn() -> None:
    records = [
        EpochRecord(model="m", fold=fold, epoch=k, seconds=1.0, train_loss=1 / (3 * k), validation_loss=2 / (3 * fold))
        for fold in (1, 2)
        for k in (1, 2, 3)
    ]
    numbers = history_numbers({"m": records}, ["train_loss", "validation_loss", "train_auc"], by="epoch")
    assert list(numbers) == ["fold", "epoch", "train loss", "validation loss"]
    assert numbers["fold"] == [1, 1, 1, 2, 2, 2]
    assert numbers["epoch"] == [1, 2, 3, 1, 2, 3]
    assert numbers["train loss"] == pytest.approx([1 / (3 * k) for k in (1, 2, 3)] * 2, rel=1e-6)
    assert numbers["validation loss"] == pytest.approx([2 / 3] * 3 + [1 / 3] * 3, rel=1e-6)
    both = history_numbers({"m": records[:1], "n": records[-1:]}, ["train_loss"], by="round")
    assert list(both) == ["model", "fold", "round", "train loss"]
    assert both["model"] == ["m", "n"]
    # What is drawn of two thousand rounds, and no more.
    many = _records(tuple(1 / k for k in range(1, 2002)))
    line = learning_curves(many, monitor="loss", rounds=True).axes[0].get_lines()[0]
    drawn = history_numbers({"m": many}, ["train_loss"], by="round")
    assert drawn["round"] == np.asarray(line.get_xdata()).tolist()
    assert drawn["train loss"] == pytest.approx(np.asarray(line.get_ydata()).tolist(), rel=1e-6)


def test_paths_are_drawn_to_a_hundredth_of_a_pixel(evaluate_by_hand: EvaluateByHand) -> None:
    svg = to_svg(roc_curves(evaluate_by_hand(models=["trees"])))
    paths = [element.attrib["d"] for element in ElementTree.fromstring(svg).iter() if "d" in element.attrib]
    decimals = [found for path in paths for found in re.findall(r"\d\.(\d+)", path)]
    assert len(decimals) > 500
    assert max(map(len, decimals)) == 2


def test_the_users_own_settings_change_nothing(evaluate_by_hand: EvaluateByHand) -> None:
    scores = evaluate_by_hand(models=["trees"]).models["trees"].scores
    plain = to_data_uri(score_distributions(scores, ("b", "s")))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": True, "svg.hashsalt": "other"}):
        assert to_data_uri(score_distributions(scores, ("b", "s"))) == plain


@pytest.mark.parametrize("colour", ["#3f90da", "#e76300"])
def test_colours_follow_the_readers_scheme_but_names_stay(evaluate_by_hand: EvaluateByHand, colour: str) -> None:
    scores = evaluate_by_hand(models=["trees"]).models["trees"].scores
    svg = to_svg(score_distributions(scores, ("b", f"fill: {colour}")))
    assert f"fill: {colour}, train" in _texts(svg)
    assert svg.count(f"fill: {colour}") == 2  # the two entries of the legend, no shape
