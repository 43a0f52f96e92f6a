"""Sentences about a model that no figure should be quoted without."""

from __future__ import annotations

import numpy as np

from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity


def model_warnings(test: Ranked, area: Quantity, loss: Quantity) -> tuple[str, ...]:
    """What is wrong with scores that are constant, carry no information, are inverted, or are badly calibrated.

    Args:
        test: the ranked test events.
        area: their AUC.
        loss: their log loss; that of guessing is the entropy of the class fractions, ln 2 for balanced classes.
    """
    scores = [side.score for side in (test.background, test.signal)]
    highest, lowest = max(score[0] for score in scores), min(score[-1] for score in scores)
    if highest == lowest:
        return (f"dead model: every test event has the score {highest:.6g}; train it again with other settings",)
    guessing = class_entropy(test)
    no_better = loss.high is not None and loss.high >= guessing
    if no_better and _holds(area, 0.5):
        return (
            f"dead model: its log loss {loss.value:.4f} is no better than guessing ({guessing:.4f}) and its AUC "
            "is 0.5 within errors; train it again with other settings",
        )
    if area.high is not None and area.high < 0.5:
        return (
            f"inverted scores: the AUC {area.value:.4f} is below 0.5, background scores higher than signal; "
            "check which class is which",
        )
    if no_better:
        return (
            f"uncalibrated scores: the order is informative (AUC {area.value:.4f}), but as probabilities they have log "
            f"loss {loss.value:.4f}, no better than guessing ({guessing:.4f})",
        )
    return ()


def class_entropy(sample: Ranked) -> float:
    """The log loss of the best constant score, −q ln q − (1 − q) ln(1 − q) for a weighted share q of signal.

    Source: Cover and Thomas, Elements of Information Theory, eq. (2.5). Both classes need positive total weight.
    """
    signal, background = float(sample.signal.weight.sum()), float(sample.background.weight.sum())
    shares = np.array([signal, background]) / (signal + background)
    return float(-(shares * np.log(shares)).sum())


def _holds(quantity: Quantity, number: float) -> bool:
    return quantity.low is not None and quantity.high is not None and quantity.low <= number <= quantity.high
