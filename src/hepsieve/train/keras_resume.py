"""A Keras training between two epochs to a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Chooses Keras's backend, so it comes before keras.
from hepsieve.models.keras import mlp  # noqa: F401

# isort: split
import keras
import numpy as np

from hepsieve.train.checkpoint import Checkpoint, States
from hepsieve.train.keras_average import KerasAverage
from hepsieve.train.watch import Watch

_FORMAT = 1


class KerasStates:
    """The states of one training, each after an epoch: the network, its optimiser, its average, its dropout's seeds.

    Orders and flips need none: they are drawn again. Only Keras on PyTorch is resumed, where this is known to be all.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        model: Any,
        average: KerasAverage,
        watch: Watch,
        *,
        training: Mapping[str, Any],
        epochs: int,
    ) -> None:
        """For a compiled model.

        Args:
            checkpoint: where states are kept.
            model: before its first step.
            average: of its weights.
            watch: hears of the former epochs first.
            training: what must be the same for a state to be this training's, as JSON.
            epochs: after which this call ends; no state of a later epoch is taken up.
        """
        resumable = keras.backend.backend() == "torch"
        self._states = States(checkpoint if resumable else None, {"format": _FORMAT, **training})
        self._model = model
        self._average = average
        self._watch = watch
        self._epochs = epochs

    def take_up(self) -> None:
        """Go on from the last state, if there is one."""
        found = self._states.load(fits=lambda facts: len(facts["history"]) <= self._epochs)
        if found is None:
            return
        arrays, facts = found
        self._model.optimizer.build(self._model.trainable_variables)
        for name, variable in self._variables().items():
            variable.assign(arrays[name].reshape(variable.shape))
        self._watch.resume(arrays, facts)
        self._states.tell(f"{self._watch.name}: taken up in epoch {self._watch.epoch}")

    def end_epoch(self) -> None:
        """Save the state of now, if the last one is old."""
        if self._states.due:
            self.save()

    def save(self) -> None:
        """Save the state of now, if there is a place for it."""
        if not self._states.kept:
            return
        watched, facts = self._watch.state()
        arrays = {
            name: np.array(keras.ops.convert_to_numpy(variable.value)) for name, variable in self._variables().items()
        }
        self._states.save({**arrays, **watched}, facts)

    def _variables(self) -> dict[str, Any]:
        """All that changes while the network is trained; the order is that of building."""
        model, optimiser = self._model.variables, self._model.optimizer.variables
        return {
            **{f"model.{number:04}": variable for number, variable in enumerate(model)},
            **{f"optimiser.{number:04}": variable for number, variable in enumerate(optimiser)},
            **{f"average.{number:04}": variable for number, variable in enumerate(self._average.variables)},
        }
