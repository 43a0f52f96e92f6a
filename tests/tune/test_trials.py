"""A trial is judged on events that it neither learned from nor stopped on, once, and what fails is an outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepsieve.config import TaskConfig
from hepsieve.errors import TrainingError
from hepsieve.evaluate import evaluate_model
from hepsieve.evaluate.results import Scored
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.train.elsewhere import trained
from hepsieve.train.trained import Part
from hepsieve.tune import trial
from hepsieve.tune.figure import figure
from hepsieve.tune.trial import TrialOrder, carry_out_trial
from hepsieve.tune.trial_values import Proposal, TrialOutcome
from hepsieve.tune.trials import Trials
from hepsieve.tune_config import TuneMetric

TREES = {"kind": "trees", "rounds": 12, "max_depth": 2}


class Here:
    """An engine that keeps the orders and carries them out in this process."""

    workers = 1

    def __init__(self) -> None:
        self.orders: list[TrialOrder] = []

    def submit(self, make: Callable[[Any], Any], work: Any) -> Future[Any]:
        self.orders.append(work)
        future: Future[Any] = Future()
        future.set_result(make(work))
        return future


def clouds(n: int = 400, seed: int = 3) -> Events:
    rng = np.random.default_rng(seed)
    target = (np.arange(n) % 2).astype(np.float32)
    features = rng.normal(size=(n, 3)).astype(np.float32) + target[:, None]
    return Events.from_arrays(features, target, weight=rng.uniform(0.5, 2, n).astype(np.float32), names=("a", "b", "c"))


def task(**tune: Any) -> TaskConfig:
    return TaskConfig.model_validate(
        {
            "task": "clouds",
            "models": {"trees": TREES, "net": {"kind": "mlp", "widths": [4], "epochs": 9}},
            "tune": {"space": {"models.trees.max_depth": {"int": [1, 3]}}, **tune},
        }
    )


def proposal(config: TaskConfig, model: str = "trees", *, number: int = 0, share: float = 1.0) -> Proposal:
    alone = config.model_copy(update={"models": {model: config.models[model]}})
    return Proposal(number=number, point={}, model=model, task=alone, share=share)


def trials(config: TaskConfig, folder: Path, engine: Here) -> Trials:
    parts = split(clouds(), seed=1)
    return Trials(parts, config, folder=folder, engine=engine, progress=Silent())


def part(n: int = 60) -> tuple[np.ndarray[Any, Any], Part]:
    rng = np.random.default_rng(5)
    target = (rng.random(n) < 0.4).astype(np.float32)
    weight = rng.uniform(0.1, 3, n).astype(np.float32)
    scores = np.round(np.clip(rng.normal(0.35 + 0.3 * target, 0.2), 0.01, 0.99), 2)
    return scores, Part(np.zeros((n, 1), np.float32), target, weight)


@pytest.mark.parametrize("metric", ["auc", "log_loss", "accuracy"])
def test_the_figure_of_a_trial_is_the_one_that_the_evaluation_quotes(metric: TuneMetric) -> None:
    scores, judged = part()
    same = Scored(target=judged.target.astype(np.float64), score=scores, weight=judged.weight.astype(np.float64))
    quoted = evaluate_model(
        train=same,
        validation=same,
        test=same,
        classes=("a", "b"),
        framework="",
        kind="",
        parameters=0,
        epochs=0,
        train_seconds=0.0,
        signal_efficiencies=(),
        background_efficiencies=(),
        signal_yield=None,
        background_yield=None,
        significance_cut=None,
        resamples=20,
        rng_seed=1,
    ).metrics[metric]
    assert figure(metric, scores, judged) == pytest.approx(quoted.value, abs=1e-12)


def test_the_figures_of_a_regression_are_weighted_means() -> None:
    judged = Part(
        np.zeros((3, 1), np.float32),
        np.array([0.5, 0.5, 0.5], np.float32),
        np.array([1, 1, 2], np.float32),
        kind="regression",
    )
    scores = np.array([0.5, 0.6, 0.3])
    # (0² + 0.1² + 2 · 0.2²) / 4 = 0.0225 and (0 + 0.1 + 2 · 0.2) / 4 = 0.125.
    assert figure("rmse", scores, judged) == pytest.approx(0.15)
    assert figure("mae", scores, judged) == pytest.approx(0.125)


def test_a_trial_is_carried_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, config = Here(), task()
    first = trials(config, tmp_path, engine)(proposal(config)).result()
    assert first.figure is not None
    assert 0.5 < first.figure < 1
    assert (first.epochs, first.error) == (12, "")
    monkeypatch.setattr(trial, "trained", lambda order: pytest.fail("trained twice"))
    again = trials(config, tmp_path, engine)(proposal(config)).result()
    assert again == first
    assert carry_out_trial(engine.orders[0]) == first  # also where the worker itself is asked
    assert len(engine.orders) == 1


def test_one_preparation_is_written_once_for_all_trials(tmp_path: Path) -> None:
    engine, config = Here(), task()
    send = trials(config, tmp_path, engine)
    send(proposal(config)).result()
    deeper = config.model_copy(
        update={"models": {**config.models, "trees": config.trained()["trees"].model_copy(update={"max_depth": 3})}}
    )
    send(proposal(deeper, number=1)).result()
    send(proposal(config, "net", number=2)).result()
    assert len(list((tmp_path / "inputs").iterdir())) == 1
    assert len({order.outcome for order in engine.orders}) == 3


def test_folds_judge_each_event_by_a_training_that_knew_nothing_of_it(tmp_path: Path) -> None:
    engine, config = Here(), task(folds=4)
    outcome = trials(config, tmp_path, engine)(proposal(config)).result()
    [order] = engine.orders
    judged = 0
    for each, held_out in zip(order.orders, order.held_out, strict=True):
        inputs, held = each.inputs.mapped(), held_out.mapped().validation
        known = {row.tobytes() for used in (inputs.train, inputs.validation) for row in used.inputs}
        assert not known & {row.tobytes() for row in held.inputs}
        judged += len(held)
    assert judged == 240  # all of the training part, and nothing else
    figures = [
        figure("auc", trained(each).model.scores(held.mapped().validation.inputs), held.mapped().validation)
        for each, held in zip(order.orders, order.held_out, strict=True)
    ]
    weights = [held.mapped().validation.weight.sum() for held in order.held_out]
    assert outcome.figure == pytest.approx(np.average(figures, weights=weights), abs=1e-6)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        # The number of the trial stands beside it wherever it is shown.
        (TrainingError("trial 0: epoch 1, batch 2: the loss is nan"), "epoch 1, batch 2: the loss is nan"),
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), "out of memory"),
    ],
)
def test_what_goes_wrong_is_an_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fails(order: object) -> None:
        raise error

    monkeypatch.setattr(trial, "trained", fails)
    config = task()
    outcome = trials(config, tmp_path, Here())(proposal(config)).result()
    assert outcome.figure is None
    assert outcome.error.startswith(said)


def test_a_mistake_in_our_own_code_is_no_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(order: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(trial, "trained", fails)
    config = task()
    with pytest.raises(RuntimeError, match="shapes"):
        trials(config, tmp_path, Here())(proposal(config))


def test_a_paused_trial_goes_on_and_ends_as_if_it_had_not_been_paused(tmp_path: Path) -> None:
    config = task()
    paused = trials(config, tmp_path / "paused", Here())
    some = paused(proposal(config, "net", share=1 / 3)).result()
    assert (some.epochs, some.ended) == (3, False)
    assert list((tmp_path / "paused" / "checkpoints").iterdir())
    rest = paused(proposal(config, "net")).result()
    at_once = trials(config, tmp_path / "at_once", Here())(proposal(config, "net")).result()
    assert rest.figure == at_once.figure
    assert rest.epochs == 9
    assert not list((tmp_path / "paused" / "checkpoints").iterdir())


def test_a_damaged_outcome_is_made_again(tmp_path: Path) -> None:
    engine, config = Here(), task()
    first = trials(config, tmp_path, engine)(proposal(config)).result()
    [file] = (tmp_path / "outcomes").iterdir()
    assert TrialOutcome(**json.loads(file.read_text())) == first
    file.write_text('{"figure": 0.9')
    again = trials(config, tmp_path, engine)(proposal(config)).result()
    assert again.figure == first.figure


@pytest.mark.parametrize(("keep", "folds"), [("best", 2), ("last", 3)])
def test_a_network_that_keeps_its_last_weights_learns_from_all_folds_but_the_one_that_judges_it(
    tmp_path: Path, keep: str, folds: int
) -> None:
    engine, config = Here(), task(folds=4)
    net = MLPConfig.model_validate({"widths": [4], "epochs": 1, "keep": keep})
    trials(config, tmp_path, engine)(proposal(config.model_copy(update={"models": {"net": net}}), "net")).result()
    [order] = engine.orders
    for each, held_out in zip(order.orders, order.held_out, strict=True):
        learned = {row.tobytes() for row in each.inputs.mapped().train.inputs}
        judged = {row.tobytes() for row in held_out.mapped().validation.inputs}
        assert not learned & judged
        assert (len(learned), len(judged)) == (60 * folds, 60)
