"""A PyTorch training between two epochs to a checkpoint, and back: it ends with the same bytes as without a break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.errors import HepsieveError
from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint, State
from hepsieve.train.network import Network
from hepsieve.train.watch import Watch

_DESCENT = "descent."


class Resumable:
    """All that a training's next epochs depend on.

    Without a checkpoint it is kept nowhere.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        network: Network,
        batches: Batches,
        watch: Watch,
        *,
        training: Mapping[str, Any],
    ) -> None:
        """Take up the state that the checkpoint holds, if it is one of this training.

        Args:
            checkpoint: where states are kept.
            network: before its first step; its parameters and optimiser are overwritten.
            batches: its shuffling goes on where it was.
            watch: hears of the former epochs first.
            training: what must be the same for a state to be this training's, as JSON.
        """
        self._checkpoint = checkpoint
        self._network = network
        self._shuffle = batches.shuffle
        self._watch = watch
        self._training = dict(training)
        self._unsaved: State | None = None
        self._saved_at = perf_counter()
        found = None if checkpoint is None else checkpoint.load()
        if found is not None and found[1]["training"] == self._training:
            self._take_up(*found)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, an interruption by the user first saves the state after the last epoch."""
        try:
            yield
        except KeyboardInterrupt:
            self._save()
            raise

    def end_epoch(self) -> None:
        """Note the state of now; save it if the last one is old."""
        if self._checkpoint is None:
            return
        self._unsaved = self._state()
        if perf_counter() - self._saved_at >= self._checkpoint.every:
            self._save()

    def _save(self) -> None:
        if self._checkpoint is not None and self._unsaved is not None:
            with suppress(HepsieveError):  # a full disk is no reason to lose the training itself
                self._checkpoint.save(*self._unsaved)
            self._unsaved, self._saved_at = None, perf_counter()

    def _state(self) -> State:
        watched, facts = self._watch.state()
        tensors = {
            "parameters": self._network.parameters,
            "statistics": self._network.statistics,
            **{f"{_DESCENT}{name}": values for name, values in self._network.descent.state.items()},
            "shuffle": self._shuffle.get_state(),
            "random": self._random_state(),
        }
        arrays = {name: np.array(values.cpu().numpy()) for name, values in tensors.items()}
        return {**arrays, **watched}, {**facts, "training": self._training}

    def _take_up(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        self._network.restore(torch.tensor(arrays["parameters"]), torch.tensor(arrays["statistics"]))
        for name, values in self._network.descent.state.items():
            values.copy_(torch.tensor(arrays[f"{_DESCENT}{name}"]).view_as(values))
        self._shuffle.set_state(torch.tensor(arrays["shuffle"]))
        self._set_random_state(torch.tensor(arrays["random"]))
        self._watch.resume(arrays, facts)

    def _random_state(self) -> torch.Tensor:
        """Of the generator that dropout draws from."""
        device = self._network.parameters.device
        return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()

    def _set_random_state(self, state: torch.Tensor) -> None:
        device = self._network.parameters.device
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        else:
            torch.set_rng_state(state)
