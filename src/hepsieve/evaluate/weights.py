"""Event weights of each part and class turned into how many events they are worth, and what a policy makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.intervals import effective_events
from hepsieve.evaluate.weight_results import Policy, Weighed, WeightSummary


def weight_summary(
    parts: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], *, classes: tuple[str, ...] = (), policy: Policy
) -> WeightSummary | None:
    """Count the weights of each part; None where all of them are 1.

    Args:
        parts: by name, targets (0 or 1 for classes) and weights, shape (n,) each; ``train`` among them.
        classes: the names of background and signal; none for a regression.
        policy: what training does with negative weights.
    """
    if all((weight == 1).all() for _, weight in parts.values()):
        return None
    target, weight = parts["train"]
    stays = weight >= 0 if policy == "drop" else np.ones(len(weight), dtype=bool)
    return WeightSummary(
        parts={name: _by_class(*arrays, classes) for name, arrays in parts.items()},
        policy=policy,
        trained=_by_class(target[stays], _followed(weight[stays], policy), classes),
    )


def _followed(weight: NDArray[Any], policy: Policy) -> NDArray[Any]:
    match policy:
        case "keep" | "drop":
            return weight
        case "abs":
            moduli: NDArray[Any] = np.abs(weight)
            return moduli
        case _:
            assert_never(policy)


def _by_class(target: NDArray[Any], weight: NDArray[Any], classes: tuple[str, ...]) -> tuple[Weighed, ...]:
    if not classes:
        return (_weighed("", weight),)
    return tuple(_weighed(name, weight[(target > 0.5) == label]) for label, name in enumerate(classes))


def _weighed(name: str, weight: NDArray[Any]) -> Weighed:
    values = weight.astype(np.float64)
    moduli, below = float(np.abs(values).sum()), values[values < 0]
    return Weighed(
        name=name,
        events=len(values),
        total=float(values.sum()),
        effective=effective_events(values),
        negative=len(below),
        negative_share=float(-below.sum()) / moduli if moduli > 0 else 0.0,
    )
