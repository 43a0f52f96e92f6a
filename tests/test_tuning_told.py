"""What is told of a search compares like with like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from tests.tune.searches import space_of

from hepsieve.evaluate.calibration_results import Changed
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import Evaluation
from hepsieve.folder import open_run
from hepsieve.tune.trial_values import Study, Tried
from hepsieve.tuned_run import _not_of_the_task
from hepsieve.tuning_told import Told

OWN = Quantity(value=0.75, low=0.7, high=0.8)
"""The log loss on test of scores that are not calibrated."""


def told(finished: Path, metric: str, method: Literal["temperature", "isotonic", "none"]) -> Evaluation:
    """The toy run as if its network was the winner of a search, and calibrated in this way."""
    evaluation: Any = open_run(finished).evaluation
    model = evaluation.models["net"]
    changed = Changed(before=OWN, after=model.metrics["log_loss"])
    calibration = model.calibration.model_copy(
        update={"method": method, "applied": method != "none", "log_loss": changed}
    )
    models = {**evaluation.models, "net": model.model_copy(update={"calibration": calibration})}
    point = {"model": "net", "models.net.activation": "relu"}
    study = Study(
        trials=(Tried(number=0, point=point, model="net", state="finished", figure=0.6),),
        better="smaller" if metric == "log_loss" else "larger",
        notes=("Of the study.",),
    )
    search = Told(
        study=study,
        space=space_of(metric=metric),
        folds=None,
        importance={},
        untuned="trees",
        tuned="net",
        notes=("Of the command.",),
    )
    made = search.beside(evaluation.model_copy(update={"models": models}))
    assert isinstance(made, Evaluation)
    return made


def test_the_log_loss_that_chose_stands_beside_that_of_the_same_scores_on_test(finished: Path) -> None:
    tuning = told(finished, "log_loss", "temperature").tuning
    assert tuning is not None
    assert tuning.optimism is not None
    assert tuning.optimism.test == OWN
    assert tuning.optimism.difference.value == pytest.approx(0.75 - 0.6)
    assert tuning.notes[:2] == ("Of the study.", "Of the command.")
    assert tuning.notes[2].startswith("Trials were compared by scores that are not calibrated, and what the choice is")


@pytest.mark.parametrize(
    ("metric", "method", "notes"),
    [("auc", "temperature", 2), ("accuracy", "temperature", 2), ("accuracy", "isotonic", 3), ("auc", "none", 2)],
)
def test_ranks_and_sides_are_those_of_the_evaluation(
    metric: str, method: Literal["temperature", "isotonic", "none"], notes: int, finished: Path
) -> None:
    evaluation = told(finished, metric, method)
    assert evaluation.tuning is not None
    assert evaluation.tuning.optimism is not None
    assert evaluation.tuning.optimism.test == evaluation.models["net"].metrics[metric]
    assert len(evaluation.tuning.notes) == notes


def test_that_the_winner_has_settings_which_no_model_carries_is_said() -> None:
    axes = {
        "prepare.scale": {"choice": ["standardise", "minmax"]},
        "prepare.pca": {"choice": [None, 2]},
        "train.batch_size": {"int": [16, 512]},
        "train.patience": {"choice": [10, 3]},
    }
    space = space_of(axes, models=["net"])
    point = {"prepare.scale": "minmax", "prepare.pca": None, "train.batch_size": 32, "train.patience": 3}
    assert _not_of_the_task(point, space.task, space.at(point)[1], "net-tuned") == (
        "What config.yaml and the page say of prepare.scale, train.patience is the task's own; the settings of "
        "net-tuned are in tuned.yaml.",
    )
    own = {"prepare.scale": "standardise", "prepare.pca": None, "train.batch_size": 32, "train.patience": 10}
    assert _not_of_the_task(own, space.task, space.at(own)[1], "net-tuned") == ()
