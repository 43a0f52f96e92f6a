"""Objective: what a training minimises, for the kind of target that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

from hepsieve.engines import DaskCluster
from hepsieve.errors import ConfigError
from hepsieve.models.config import AdaBoostConfig, Learner, Monitor, Network, TrainConfig, TreesConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.models.learner import Loss

Kind = Literal["classification", "regression"]

MONITORS: dict[Kind, tuple[Monitor, ...]] = {
    "classification": ("loss", "accuracy", "auc"),
    "regression": ("loss", "rmse", "tolerance_accuracy"),
}
"""What can be watched on validation."""
_OF_NETWORKS: dict[Kind, tuple[Loss, ...]] = {
    "classification": ("cross_entropy", "squared"),
    "regression": ("squared", "huber", "gaussian"),
}
_OF_TREES: dict[Kind, Loss] = {"classification": "cross_entropy", "regression": "squared"}


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What is minimised.

    Attributes:
        loss: of each event.
        huber_delta: the residual from which on the loss ``huber`` is a line.
    """

    loss: Loss
    huber_delta: float = 0.05

    @property
    def has_width(self) -> bool:
        """Whether the network predicts a width beside each score."""
        return self.loss == "gaussian"


CROSS_ENTROPY = Objective(loss="cross_entropy")


def objective_of(config: Learner, kind: Kind) -> Objective:
    """What a model minimises for targets of this kind.

    Raises:
        ConfigError: as ``loss_of`` does.
    """
    loss = loss_of(config, kind)
    return Objective(loss=loss, huber_delta=config.huber_delta) if isinstance(config, Network) else Objective(loss=loss)


def loss_of(config: Learner, kind: Kind) -> Loss:
    """The loss that a model's config names, or the one that its targets call for.

    Raises:
        ConfigError: if this model can't learn targets of this kind with this loss; the line begins with ``loss``.
    """
    match config:
        case AdaBoostConfig():
            if kind == "regression":
                raise ConfigError("loss: AdaBoost tells classes apart and predicts no number; take trees or mlp")
            if config.loss is not None:
                raise ConfigError(f"loss: AdaBoost has an exponential loss of its own; leave {config.loss} out")
            return "cross_entropy"  # by which it is judged between its trees
        case TreesConfig():
            return _allowed(config, (_OF_TREES[kind],), f"trees in a {kind} have")
        case _:
            return _allowed(config, _OF_NETWORKS[kind], f"networks in a {kind} have")


def require_settings(settings: TrainConfig, kind: Kind, *, flips_apply: bool = True) -> None:
    """Refuse, before anything is trained, settings that mean nothing for targets of this kind.

    Args:
        settings: how networks are trained.
        kind: of the targets.
        flips_apply: whether there can be images to mirror.

    Raises:
        ConfigError: naming the key, its value and what could stand there.
    """
    if settings.monitor not in MONITORS[kind]:
        could = ", ".join(MONITORS[kind])
        raise ConfigError(f"train.monitor: a {kind} has no {settings.monitor} to watch; take one of {could}")
    if kind == "regression" and settings.balance != "none":
        raise ConfigError(f"train.balance: a regression has no classes for {settings.balance}; leave it out")
    if settings.flips and not flips_apply:
        raise ConfigError("train.flips: waveforms are never mirrored, only images are; leave it out")


def require_keep(name: str, config: Learner, settings: TrainConfig) -> None:
    """Refuse, before anything is trained, that validation steers a network of which the last weights are kept.

    Raises:
        ConfigError: naming the model and the key.
    """
    own = config.own(settings) if isinstance(config, Network) else settings
    if keeps_last(config, settings) and own.schedule.kind == "plateau":
        raise ConfigError(
            f"models.{name}: the schedule plateau goes by validation, which decides nothing where keep is last; take "
            "another schedule, or keep: best"
        )


def keeps_last(config: Learner | EnsembleConfig, settings: TrainConfig) -> bool:
    """Whether validation decides nothing in a training: the weights after the last epoch are kept."""
    return isinstance(config, Network) and config.own(settings).keep == "last"


def require_processes(models: Iterable[Learner], settings: TrainConfig) -> None:
    """Refuse, before anything is trained, several processes for one network where no model could use them.

    Beside a PyTorch network the others are trained by one process each, as ever.

    Raises:
        ConfigError: naming the key, its value and what could stand there.
    """
    if settings.processes > 1 and not any(isinstance(model, Network) and model.backend == "torch" for model in models):
        raise ConfigError(
            f"train.processes: {settings.processes} processes train one PyTorch network together, and none of these "
            "models is one; leave it out"
        )


def require_cluster(models: Mapping[str, Learner], cluster: object) -> None:
    """Refuse, before anything is trained, trees with shards where no Dask cluster could train them.

    Args:
        models: by name.
        cluster: whoever shares the trainings.

    Raises:
        ConfigError: naming the first such model.
    """
    for name, model in models.items():
        if needs_cluster(model) and not isinstance(cluster, DaskCluster):
            raise no_cluster(name)


def needs_cluster(config: Learner) -> bool:
    """Whether the workers of a Dask cluster train it together."""
    return isinstance(config, TreesConfig) and config.shards is not None


def no_cluster(name: str) -> ConfigError:
    """What is said of a model that needs one where there is none."""
    return ConfigError(
        f"models.{name}.shards: are trained on by a Dask cluster; add --engine dask, or leave shards out"
    )


def _allowed(config: Learner, losses: tuple[Loss, ...], who: str) -> Loss:
    if config.loss is None:
        return losses[0]
    if config.loss not in losses:
        raise ConfigError(f"loss: {who} {' or '.join(losses)}; found {config.loss}")
    return config.loss


def better_when_lower(monitor: Monitor) -> bool:
    """Whether a smaller figure is the better one."""
    match monitor:
        case "loss" | "rmse":
            return True
        case "accuracy" | "auc" | "tolerance_accuracy":
            return False
        case _:
            assert_never(monitor)
