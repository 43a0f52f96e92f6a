"""Give both classes the same number of training events by leaving some of the larger class out."""

from __future__ import annotations

import numpy as np

from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events


def undersample(train: Events, *, seed: int) -> Events:
    """The events of the smaller class and as many of the larger one, drawn by chance, in their order.

    Args:
        train: the training events; no other part is ever balanced.
        seed: equal seeds and events give an equal choice.

    Raises:
        ConfigError: if there are no classes, but a number to regress.
        DataError: if a class has no event.
    """
    if train.scale is not None:
        raise ConfigError(
            f"train.balance: undersample is for two classes, and {train.scale.name} is a number; leave it out"
        )
    signal = np.flatnonzero(train.target > 0.5)
    background = np.flatnonzero(train.target <= 0.5)
    fewer, more = sorted((signal, background), key=len)
    if not len(fewer):
        raise DataError("prepare: one class has no training event, so the other can't be balanced with it")
    drawn = np.random.default_rng(seed).choice(more, size=len(fewer), replace=False)
    return train[np.sort(np.concatenate([fewer, drawn]))]
