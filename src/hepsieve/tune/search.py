"""A search: trainings one after the other, each at a point that the validation figures so far make likely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from hepsieve.errors import ConfigError, TrainingError
from hepsieve.models.config import ModelConfig, Monitor
from hepsieve.models.variants import SearchConfig, title
from hepsieve.train.run import Fitted

Fit = Callable[[str, ModelConfig], Fitted]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One point of a search.

    Attributes:
        name: of its model in the run.
        point: the values of the settings that differ, in their order.
        figure: the monitored validation figure of the model, the less the better; None where the training failed.
        error: why it failed.
    """

    name: str
    point: tuple[Any, ...]
    figure: float | None
    error: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What a search found.

    Attributes:
        trials: its points, in the order in which they were tried.
        models: the trained ones among them, by name.
    """

    trials: tuple[Trial, ...]
    models: dict[str, Fitted]

    @property
    def best(self) -> Trial:
        """The trial with the least figure; of equal ones the first."""
        return min((trial for trial in self.trials if trial.figure is not None), key=_figure)


def search(
    name: str,
    config: SearchConfig,
    fit: Fit,
    *,
    monitor: Monitor,
    seed: int,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Search:
    """Train the points of a space that are chosen one after the other.

    Args:
        name: of the search; its models are named after it and their values.
        config: the space, and how many points are tried.
        fit: trains a model of this name and configuration; it looks at training and validation events only.
        monitor: by which validation figure points are chosen.
        seed: of the choice, where the search has none of its own.
        on_trial: hears of every trial as soon as it is done.

    Raises:
        TrainingError: if not one training succeeds.
    """
    models: dict[str, Fitted] = {}
    trials: list[Trial] = []
    for trial in _tried(name, config, fit, models, monitor=monitor, seed=seed):
        trials.append(trial)
        on_trial(trial)
    if not models:
        raise TrainingError(f"{name}: each of {len(trials)} trainings failed; the first: {trials[0].error}")
    return Search(trials=tuple(trials), models=models)


def _tried(
    name: str,
    config: SearchConfig,
    fit: Fit,
    models: dict[str, Fitted],
    *,
    monitor: Monitor,
    seed: int,
) -> Iterator[Trial]:
    # Loading optuna takes a third of a second, which other runs need not wait.
    from hepsieve.tune.chooser import Chooser

    chooser = Chooser(config.over, startup=config.startup, seed=seed if config.seed is None else config.seed)
    for _ in range(config.trials):
        point = chooser.next()
        if point is None:
            return
        called = title(name, point)
        figure, error = None, ""
        try:
            fitted = fit(called, _model(config, point))
            figure = validation_figure(fitted, monitor)
            models[called] = fitted
        except (TrainingError, ConfigError) as failed:
            error = str(failed)
        chooser.tell(figure)
        yield Trial(name=called, point=point, figure=figure, error=error)


def _model(config: SearchConfig, point: tuple[Any, ...]) -> ModelConfig:
    """The model of a point; values that are good by themselves need not go together."""
    try:
        return config.at(point)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def validation_figure(fitted: Fitted, monitor: Monitor) -> float:
    """The monitored validation figure of the best epoch, the less the better; the mean of several trainings.

    Args:
        fitted: a trained model.
        monitor: ``loss`` and ``rmse`` are taken as they are; of the others what is missing to 1.

    Raises:
        TrainingError: if the model's history has no such figure.
    """
    found = []
    for member in fitted.members:
        # AdaBoost tells its figures every few trees only; what a training began with has none of its own.
        best = max(1, member.trained.best_epoch)
        record = next(one for one in member.trained.history if one.epoch == best)
        value = {
            "loss": record.validation_loss,
            "rmse": record.validation_rmse,
            "accuracy": record.validation_accuracy,
            "auc": record.validation_auc,
            "tolerance_accuracy": record.validation_tolerance_accuracy,
        }[monitor]
        if value is None or not isfinite(value):
            raise TrainingError(f"{fitted.name}: its training tells no validation {monitor}; set train.monitor=loss")
        found.append(value if monitor in ("loss", "rmse") else 1 - value)
    return sum(found) / len(found)


def _figure(trial: Trial) -> float:
    assert trial.figure is not None
    return trial.figure
