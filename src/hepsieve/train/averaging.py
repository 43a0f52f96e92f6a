"""Step number to the share that its weights get in their average: a pure function that every backend calls."""

from __future__ import annotations


def newest_share(ema: float, *, step: int) -> float:
    """The share of the newest weights in the exponential moving average after one more step.

    One minus the decay, which begins low and rises with the steps up to ``ema``: else the average would remember the
    initial weights for as long as the decay lasts. It is the rule of TensorFlow's ``ExponentialMovingAverage``,
    min(ema, (1 + t) / (10 + t)).

    Args:
        ema: the decay in the long run, in [0, 1).
        step: t, counted from 0.

    >>> [round(newest_share(0.998, step=step), 3) for step in (0, 90, 990, 10_000)]
    [0.9, 0.09, 0.009, 0.002]
    """
    return 1 - min(ema, (1 + step) / (10 + step))
