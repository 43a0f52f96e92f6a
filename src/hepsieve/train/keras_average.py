"""The exponential moving average of a Keras network's weights: the rule of the PyTorch loop on Keras's variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Chooses Keras's backend, so it comes before keras.
from hepsieve.models.keras import mlp  # noqa: F401

# isort: split
import keras
import numpy as np

from hepsieve.train.averaging import newest_share


class KerasAverage:
    """The average of a network's weights over its latest steps; without ``ema`` there is none.

    Keras's own (``use_ema`` of an optimiser) has a constant decay and leaves out running means and variances.

    Attributes:
        variables: the averages, changed in place; how many steps they had is what the optimiser counts.
    """

    def __init__(self, model: Any, *, ema: float | None) -> None:
        """Begin with the weights of a compiled model."""
        self._ema = ema or 0.0
        self._model = model
        # The others are the seeds of its dropout.
        floating = [variable for variable in model.variables if keras.backend.is_float_dtype(variable.dtype)]
        self._now = floating if self._ema > 0 else []
        self.variables = [
            keras.Variable(np.array(keras.ops.convert_to_numpy(variable)), trainable=False, dtype=variable.dtype)
            for variable in self._now
        ]

    def step(self) -> None:
        """Take the weights of now in, after a step of the optimiser."""
        if not self._now:
            return
        if keras.backend.backend() == "jax":
            self._model.jax_state_sync()  # within an epoch JAX's ``fit`` keeps the weights elsewhere
        done = int(keras.ops.convert_to_numpy(self._model.optimizer.iterations))
        share = newest_share(self._ema, step=done - 1)
        for average, variable in zip(self.variables, self._now, strict=True):
            change = keras.ops.stop_gradient(variable.value) - average.value
            average.assign_add(change * share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network has the averages in place of its weights; without ``ema`` it keeps its own."""
        own = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._now]
        _assign(self._now, self.variables)
        try:
            yield
        finally:
            _assign(self._now, own)


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
