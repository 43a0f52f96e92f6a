"""Judging a regression: one opening of the test part, and figures that are those of the arrays behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.config import EvaluateConfig, TaskConfig
from hepsieve.data_config import DataConfig, TargetConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.evaluate.evaluation import read_evaluation
from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.profiles import profile_edges
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.events import Events, Origin, TargetScale
from hepsieve.judge_regression import JudgedRegression, judge_regression, require_profiles
from hepsieve.models.config import MLPConfig, TreesConfig
from hepsieve.prepare import AnyPreparation, SealedPart, Split
from hepsieve.progress import Silent
from hepsieve.train.run import Fitted, Member, Run
from hepsieve.train.trained import Trained

Floats = NDArray[np.float64]
SCALE = TargetScale(name="d", unit="mm", full=30.0)


@dataclass(frozen=True)
class AsItIs:
    """A preparation that hands features on."""

    features: tuple[str, ...] = ("seen",)

    def filled(self, events: Events) -> NDArray[np.float32]:
        return events.features

    def apply(self, features: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float32]:
        return features


@dataclass(frozen=True)
class Reading:
    """A model that reads its prediction off the first feature, with an error of its own."""

    shift: float = 0.0
    width: float | None = None
    framework: str = "torch"
    parameters: int = 3

    def scores(self, inputs: NDArray[np.float32]) -> Floats:
        return np.clip(inputs[:, 0].astype(np.float64) + self.shift, 0, 1)

    def widths(self, inputs: NDArray[np.float32]) -> Floats | None:
        return None if self.width is None else np.full(len(inputs), self.width)

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def sample(n: int, seed: int, *, noise: float = 0.05) -> Events:
    """Targets, and what a detector with this noise sees of them; the number of electrons is carried along."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(size=n)
    seen = np.clip(target + rng.normal(scale=noise, size=n), 0, 1)
    return Events(
        features=seen[:, None].astype(np.float32),
        target=target.astype(np.float32),
        weight=np.ones(n, np.float32),
        names=("seen",),
        units=("",),
        origin=Origin(kind="simulated", sources=("toy",), fingerprint="f" * 64),
        spectators=rng.integers(100, 500, size=(n, 1)).astype(np.float64),
        spectator_names=("electrons",),
        scale=SCALE,
    )


def made_up(models: dict[str, tuple[Reading, ...]], *, folds: int | None = None, test: Events | None = None) -> Run:
    train, validation = sample(600, 1), sample(300, 2)
    fold = None if folds is None else np.arange(len(train)) % folds
    parts = Split(
        train=train,
        validation=validation if folds is None else train,
        test=SealedPart(sample(400, 3) if test is None else test),
        test_rows=np.arange(400),
        train_rows=np.arange(600),
        fold=fold,
    )
    fitted = {
        name: Fitted(
            name=name,
            config=TreesConfig() if members[0].width is None else MLPConfig(loss="gaussian"),
            members=tuple(
                Member(
                    preparation=cast(AnyPreparation, AsItIs()),
                    trained=Trained(model=model, history=(), best_epoch=0, seconds=1.5, warnings=()),
                )
                for model in members
            ),
        )
        for name, members in models.items()
    }
    return Run(parts=parts, models=fitted, seed=5)


def task(**evaluate: Any) -> TaskConfig:
    return TaskConfig(
        task="toy-separation",
        kind="regression",
        data=DataConfig(target=TargetConfig(name="d", full=30.0, unit="mm")),
        models={"any": TreesConfig()},
        evaluate=EvaluateConfig(resamples=200, **evaluate),
    )


def judged(run: Run, **evaluate: Any) -> JudgedRegression:
    return judge_regression(run, task(**evaluate), reason="a test", progress=Silent())


def test_the_figures_are_those_of_the_test_events_and_the_best_is_validations() -> None:
    run = made_up({"off": (Reading(shift=0.1),), "good": (Reading(width=0.05),)})
    found = judged(run, profiles=("electrons",), tolerances=(0.1, 0.05))
    evaluation, test = found.evaluation, found.test
    assert run.parts.test.openings == ("a test",)
    assert evaluation.test_openings == 1
    assert (evaluation.kind, evaluation.best) == ("regression", "good")
    assert evaluation.best_by.startswith("good has the smallest validation RMSE, ")
    assert evaluation.target.model_dump() == {"name": "d", "unit": "mm", "full": 30.0}
    for name, shift in (("good", 0.0), ("off", 0.1)):
        expected = np.clip(test.features[:, 0].astype(np.float64) + shift, 0, 1)
        np.testing.assert_array_equal(found.scores[name], expected)
        residual = expected - test.target.astype(np.float64)
        model = evaluation.models[name]
        assert model.metrics["rmse"].value == pytest.approx(np.sqrt(np.mean(residual**2)), abs=1e-12)
        assert model.metrics["bias"].value == pytest.approx(residual.mean(), abs=1e-12)
        assert set(model.metrics) == {
            "mae", "rmse", "bias", "resolution", "tolerance_accuracy@0.1", "tolerance_accuracy@0.05",
        }  # fmt: skip
        assert [one.column for one in model.profiles] == ["d", "electrons"]
        assert sum(one.n for one in model.profiles[1].bins) == 400
        edges = profile_edges(run.parts.train.spectator("electrons")).tolist()
        assert [one.low for one in model.profiles[1].bins] == edges[:-1]
        assert model.profiles[1].bins[-1].high == edges[-1]
    assert (evaluation.data.n_train, evaluation.data.n_validation, evaluation.data.n_test) == (600, 300, 400)
    assert evaluation.data.n_signal == evaluation.data.n_background == {}
    assert sum(evaluation.targets.counts) == 600
    (comparison,) = evaluation.comparisons
    assert (comparison.model, comparison.significant) == ("off", True)
    assert comparison.difference.low is not None
    assert comparison.difference.low > 0


def test_widths_give_pulls_and_scaled_intervals_that_cover() -> None:
    run = made_up({"plain": (Reading(),), "told": (Reading(width=0.05),)})
    found = judged(run, coverages=(0.68,))
    assert set(found.widths) == {"told"}
    plain, told = (found.evaluation.models[name] for name in ("plain", "told"))
    assert plain.pulls is None
    assert told.pulls is not None
    # The truth's noise is 0.05, except for what is cut off at the ends of [0, 1].
    assert told.pulls.width.value == pytest.approx(0.97, abs=0.1)
    (simple,), (scaled,) = plain.intervals, told.intervals
    assert (simple.scaled, scaled.scaled, simple.set_on) == (False, True, "validation")
    assert simple.half_width is not None
    # Equal widths scale out: both intervals are the same.
    assert scaled.half_width == pytest.approx(simple.half_width / 0.05, rel=1e-12)
    assert scaled.coverage == simple.coverage
    inside = np.abs(found.scores["plain"] - found.test.target.astype(np.float64)) <= simple.half_width
    assert simple.coverage.value == pytest.approx(inside.mean(), abs=1e-12)
    assert (simple.coverage.low, simple.coverage.high) == pytest.approx(clopper_pearson(inside.mean(), 400))


def test_folds_are_judged_by_the_trainings_that_did_not_see_them() -> None:
    run = made_up({"three": tuple(Reading(shift=k / 10, width=0.1) for k in range(3))}, folds=3)
    found = judged(run)
    train = run.parts.train
    expected = np.clip(train.features[:, 0].astype(np.float64) + (np.arange(600) % 3) / 10, 0, 1)
    np.testing.assert_array_equal(found.held_out["three"], expected)
    model = found.evaluation.models["three"]
    residual = expected - train.target.astype(np.float64)
    assert model.validation["rmse"].value == pytest.approx(np.sqrt(np.mean(residual**2)), abs=1e-12)
    assert {one.set_on for one in model.intervals} == {"out-of-fold"}
    assert "single trainings" in found.evaluation.notes[0]
    assert found.evaluation.data.folds == 3


def test_the_text_becomes_the_same_evaluation_and_equal_runs_give_equal_text() -> None:
    evaluations = [judged(made_up({"good": (Reading(width=0.05),)})).evaluation for _ in range(2)]
    texts = [one.to_json() for one in evaluations]
    assert texts[0] == texts[1]
    again = read_evaluation(texts[0])
    assert isinstance(again, RegressionEvaluation)
    assert again == evaluations[0]


def test_a_missing_target_is_named() -> None:
    test = sample(400, 3)
    target = test.target.copy()
    target[6] = np.nan
    with pytest.raises(DataError, match=r"^test part: the target of event 7 is nan; it must be a number in \[0, 1\]$"):
        judged(made_up({"good": (Reading(),)}, test=test.replace(target=target)))


def test_columns_to_look_along_are_refused_before_anything_is_trained() -> None:
    run = made_up({"good": (Reading(),)})
    require_profiles(run.parts, task(profiles=("electrons", "seen")))
    with pytest.raises(ConfigError, match=r"no column 'electron' among seen, electrons; did you mean 'electrons'\?"):
        require_profiles(run.parts, task(profiles=("electron",)))
    assert run.parts.test.openings == ()


def test_other_test_events_may_lack_a_column() -> None:
    bare = sample(400, 3).replace(spectators=None, spectator_names=())
    found = judged(made_up({"good": (Reading(),)}, test=bare), profiles=("electrons",))
    assert [one.column for one in found.evaluation.models["good"].profiles] == ["d"]
