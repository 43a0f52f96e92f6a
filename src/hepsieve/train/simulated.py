"""Genuine and simulated events turned into the one sample that a model learns from, with the weight asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.errors import ConfigError, TrainingError
from hepsieve.events import Events
from hepsieve.models.config import TrainConfig
from hepsieve.prepare import Split
from hepsieve.train.weighting import Policy, effective_weight


def simulated_weights(settings: TrainConfig) -> tuple[float | None, ...]:
    """The weights of simulated events that a model is trained with, one training each; None where there are none."""
    return (None,) if settings.simulation is None else settings.simulation.weights


def require_simulated(settings: TrainConfig, parts: Split) -> None:
    """Refuse settings that ask for simulated events where there are none: they would be passed by in silence.

    Raises:
        ConfigError: if the parts have none.
    """
    if settings.simulation is not None and parts.simulated is None:
        raise ConfigError(
            "train.simulation: these parts have no simulated events; only commands read or make them. In Python give "
            "them to hs.train(..., simulated=hs.read(...), simulated_weight=1.0) and leave simulation out of settings"
        )


def with_weight(settings: TrainConfig, weight: float | None) -> TrainConfig:
    """The settings of the training with this weight alone."""
    if settings.simulation is None or weight is None:
        return settings
    return settings.model_copy(update={"simulation": settings.simulation.model_copy(update={"weight": weight})})


def mixed(genuine: Events, simulated: Events, *, weight: float, policy: Policy) -> Events:
    """The genuine events, then the simulated ones with this total weight relative to them, class by class.

    Classes so keep the proportions that they have among the genuine events. A weight of 0 leaves the simulated events
    out. Groups and spectators, which mean nothing across both, are left behind.

    Args:
        genuine: events to learn from.
        simulated: simulated ones, with the same features.
        weight: the total weight of the simulated events over that of the genuine ones.
        policy: what negative weights count as.

    Raises:
        TrainingError: if a class has no simulated events with a positive total weight.
    """
    if weight == 0:
        return genuine
    factor = _factors(genuine, simulated, weight, policy)
    scaled = spill.computed(
        len(simulated), lambda rows: simulated.weight[rows] * factor(simulated.target[rows]), np.float32
    )
    return genuine.replace(
        features=_joined(genuine.features, simulated.features),
        target=_joined(genuine.target, simulated.target),
        weight=_joined(genuine.weight, scaled),
        group=None,
        spectators=None,
        spectator_names=(),
    )


def _factors(
    genuine: Events, simulated: Events, weight: float, policy: Policy
) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """What the weight of a simulated event of this target is multiplied by."""
    if genuine.kind == "regression":
        factor = _factor(genuine, simulated, weight, policy, None)
        return lambda target: np.full(len(target), factor)
    background, signal = (_factor(genuine, simulated, weight, policy, label) for label in (0, 1))
    return lambda target: np.where(target == 1, signal, background)


def _factor(genuine: Events, simulated: Events, weight: float, policy: Policy, label: int | None) -> float:
    aimed, there = (_total(events, policy, label) for events in (genuine, simulated))
    if there <= 0:
        which = "" if label is None else f" of class {label}"
        raise TrainingError(
            f"train.simulation: the weights of the simulated events{which} add up to {there:g} under "
            f"negative_weights: {policy}; a positive sum is needed"
        )
    return weight * aimed / there


def _total(events: Events, policy: Policy, label: int | None) -> float:
    """The summed weight of a class, or of all, as a training counts it."""

    def counted(rows: slice) -> NDArray[Any]:
        values = effective_weight(events.weight[rows].astype(np.float64), policy)
        return values if label is None else np.where(events.target[rows] == label, values, 0.0)

    return float(spill.computed(len(events), counted).sum())


def _joined(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both one after the other; a large array goes to a file."""
    found: NDArray[np.float32] = spill.empty((len(first) + len(second), *first.shape[1:]), first.dtype)
    for start, array in ((0, first), (len(first), second)):
        for rows in spill.blocks(array):
            found[start + rows.start : start + rows.stop] = array[rows]
            spill.let_go(array)
    return found
