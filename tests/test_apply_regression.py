"""A finished regression on other events: single pulses, events with targets of their own, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.reference import regression as reference
from tests.test_judge_regression import Reading, judged, made_up, sample

from hepsieve.apply_regression import apply_regression, stored_predictions
from hepsieve.errors import DataError, IntegrityError
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.evaluate.regression_results import Predicted, RegressionEvaluation
from hepsieve.events import Events
from hepsieve.progress import Silent
from hepsieve.train.run import Run


@pytest.fixture
def finished() -> tuple[Run, RegressionEvaluation, Mapping[str, Predicted]]:
    """A run, its evaluation, and what was stored for its test events; the test part of the run is sealed again."""
    run = made_up({"plain": (Reading(),), "told": (Reading(shift=0.01, width=0.05),)})
    found = judged(run)
    test = found.test
    stored = {
        name: Predicted(
            target=test.target.astype(np.float64),
            prediction=scores,
            weight=test.weight.astype(np.float64),
            width=found.widths.get(name),
        )
        for name, scores in found.scores.items()
    }
    return made_up({"plain": (Reading(),), "told": (Reading(shift=0.01, width=0.05),)}), found.evaluation, stored


Finished = tuple[Run, RegressionEvaluation, Mapping[str, Predicted]]


def applied(finished: Finished, events: Events) -> RegressionApplication:
    run, evaluation, stored = finished
    return apply_regression(run, evaluation, events, predictions_of_test=stored, resamples=100, progress=Silent())


def single_pulses(n: int = 300, *, target: float = np.nan) -> Events:
    """Events in which the detector sees next to no separation."""
    rng = np.random.default_rng(30)
    seen = np.abs(rng.normal(scale=0.05, size=(n, 1))).astype(np.float32)
    return sample(n, 20).replace(features=seen, target=np.full(n, target, np.float32))


@pytest.mark.parametrize(("target", "truth"), [(np.nan, "unknown"), (0.0, "zero")])
def test_single_pulses_are_told_from_the_runs_own_events(finished: Finished, target: float, truth: str) -> None:
    events = single_pulses(target=target)
    found = applied(finished, events)
    assert finished[0].parts.test.openings == ()
    assert any("the test part was not opened" in note for note in found.notes)
    assert (found.truth, found.n, found.n_own, found.best) == (truth, 300, 400, finished[1].best)
    for name, shift in (("plain", 0.0), ("told", 0.01)):
        model = found.models[name]
        prediction = np.clip(events.features[:, 0].astype(np.float64) + shift, 0, 1)
        assert model.mean.value == pytest.approx(prediction.mean(), abs=1e-12)
        assert model.median.value == reference.quantile(prediction.tolist(), [1.0] * 300, 0.5)
        assert model.own_mean.value == pytest.approx(finished[2][name].prediction.mean(), abs=1e-12)
        assert sum(model.predictions.counts) == 300
        assert sum(model.own_predictions.counts) == 400
        assert model.told_apart is not None
        assert [cut.wanted for cut in model.told_apart.cuts] == ["at most 1 % of the others kept", "best balanced"]
        # A separation of 0.1 or less, of a tenth of the own events, is hard to see with an error of 0.05.
        assert model.told_apart.auc.value == pytest.approx(0.95, abs=0.03)
        assert (model.figures is None) == (truth == "unknown")
    # Both models order the events alike, up to what the second cuts off at 1.
    plain, told = (found.models[name].told_apart for name in ("plain", "told"))
    assert plain is not None
    assert told is not None
    assert told.cuts[0].threshold == pytest.approx(plain.cuts[0].threshold + 0.01)


def test_cuts_are_set_without_a_look_at_test(finished: Finished) -> None:
    run, evaluation, stored = finished
    blind = {name: replace(one, prediction=one.prediction[::-1]) for name, one in stored.items()}
    dull = {name: replace(one, prediction=0.3 * one.prediction) for name, one in stored.items()}
    found = [applied((run, evaluation, one), single_pulses()) for one in (stored, blind, dull)]
    for name in run.models:
        apart = [one.models[name].told_apart for one in found]
        assert len({tuple(cut.threshold for cut in one.cuts) for one in apart if one is not None}) == 1
    assert any("set on the run's validation events" in note for note in found[0].notes)


def test_validation_events_of_folds_are_predicted_by_who_did_not_see_them() -> None:
    members = tuple(Reading(shift=k / 5) for k in range(3))
    crossed = made_up({"three": members}, folds=3)
    evaluation = judged(crossed).evaluation
    test = sample(400, 3)
    stored = {
        "three": Predicted(
            target=test.target.astype(np.float64),
            prediction=crossed.models["three"].scores(test),
            weight=np.ones(400),
        )
    }
    apart = applied((crossed, evaluation, stored), single_pulses()).models["three"].told_apart
    assert apart is not None
    singles = crossed.models["three"].scores(single_pulses())
    set_on = singles[np.random.default_rng(crossed.seed).permutation(300)[:150]]
    train = crossed.parts.train
    held_out = np.clip(train.features[:, 0].astype(np.float64) + (np.arange(600) % 3) / 5, 0, 1)
    assert apart.cuts[-1].threshold == reference.balanced_threshold(set_on.tolist(), held_out.tolist())


def test_events_with_targets_have_the_full_figures(finished: Finished) -> None:
    events = sample(500, 77, noise=0.1)
    found = applied(finished, events)
    assert found.truth == "known"
    assert found.notes == ()
    run, evaluation, _ = finished
    for name, model in found.models.items():
        assert model.told_apart is None
        assert model.figures is not None
        residual = run.models[name].scores(events) - events.target.astype(np.float64)
        assert model.figures.metrics["rmse"].value == pytest.approx(np.sqrt(np.mean(residual**2)), abs=1e-12)
        assert "tolerance_accuracy@0.1" in model.figures.metrics
        assert sum(one.n for one in model.figures.profile.bins) == 500
        # The stored half widths are for half the noise: coverage is far below nominal.
        for stored, one in zip(evaluation.models[name].intervals, model.figures.intervals, strict=True):
            assert stored.half_width is not None
            limit = stored.half_width * (0.05 if stored.scaled else 1)
            assert one.coverage.value == pytest.approx(np.mean(np.abs(residual) <= limit), abs=0.003)
            assert one.coverage.high is not None
            assert one.coverage.high < one.nominal


def test_features_are_compared_with_those_of_training(finished: Finished) -> None:
    same, moved = applied(finished, sample(500, 77)), applied(finished, single_pulses())
    assert [(one.feature, one.events, one.status) for one in same.drift] == [("seen", "all", "same")]
    assert [(one.feature, one.status) for one in moved.drift] == [("seen", "far")]


def test_the_text_becomes_the_same_application(finished: Finished) -> None:
    found = applied(finished, single_pulses())
    assert RegressionApplication.model_validate_json(found.to_json()) == found
    assert applied(finished, single_pulses()).to_json() == found.to_json()


def test_what_can_not_be_applied_is_refused(finished: Finished) -> None:
    events = sample(10, 1)
    target = events.target.copy()
    target[[0, 4]] = np.nan
    with pytest.raises(DataError, match=r"^event 1 has no target, and 8 others have one: give targets for all, or for"):
        applied(finished, events.replace(target=target))
    with pytest.raises(DataError, match=r"^no events to apply the run to$"):
        applied(finished, events[:0])
    run, evaluation, stored = finished
    with pytest.raises(DataError, match=r"^no stored predictions of told for the run's test events; there are plain$"):
        applied((run, evaluation, {"plain": stored["plain"]}), single_pulses())


def test_stored_predictions_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    columns = {
        "row": [0, 1],
        "target": np.array([0.25, 0.5], np.float32),
        "weight": np.ones(2, np.float32),
        "electrons": [100.0, 200.0],
        "score_a": [0.3, 0.4],
        "score_b": [0.1, 0.2],
        "width_b": [0.01, 0.02],
    }
    pa.parquet.write_table(pa.table(columns), path)
    found = stored_predictions(path)
    assert set(found) == {"a", "b"}
    assert found["a"].width is None
    assert found["b"].width is not None
    assert found["b"].width.tolist() == [0.01, 0.02]
    assert found["b"].prediction.tolist() == [0.1, 0.2]
    assert found["a"].target.tolist() == [0.25, 0.5]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match=r"predictions.parquet: can't be read; run the task again$"):
        stored_predictions(path)


def test_missing_width_of_a_model_is_no_width(finished: Finished) -> None:
    run, evaluation, stored = finished
    bare = {name: replace(one, width=None) for name, one in stored.items()}
    assert applied((run, evaluation, bare), single_pulses()) == applied(finished, single_pulses())
