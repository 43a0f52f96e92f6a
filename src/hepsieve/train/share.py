"""A share of a training to the number of epochs, rounds or stages after which it pauses."""

from __future__ import annotations

from math import ceil
from typing import assert_never

from hepsieve.models.config import AdaBoostConfig, ModelConfig, Network, TrainConfig, TreesConfig

_DIGITS = 9  # 0.1 * 30 is a little more than 3 in binary


def paused_after(share: float, most: int) -> int:
    """How many of ``most`` epochs, rounds or stages a share of them is, rounded up.

    >>> paused_after(0.1, 30), paused_after(1 / 9, 100), paused_after(1, 100)
    (3, 12, 100)

    Raises:
        ValueError: if the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be above 0 and at most 1")
    return max(1, ceil(round(share * most, _DIGITS)))


def most_epochs(config: ModelConfig, settings: TrainConfig) -> int:
    """Epochs, rounds or stages of a whole training."""
    match config:
        case TreesConfig(rounds=rounds):
            return rounds
        case AdaBoostConfig(estimators=estimators):
            return estimators
        case Network():
            return config.own(settings).epochs
        case _:
            assert_never(config)
