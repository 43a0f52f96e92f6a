"""A PyTorch training to a checkpoint at any block of batches, and back: it ends with the same bytes as without a break.

A state holds the network, its average, its optimiser, what dropout draws from, what was known after the last epoch, and
of the epoch that runs: the generator as it was before the epoch's order was drawn, how many blocks are done, and the
sums so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint, State, States
from hepsieve.train.network import Network
from hepsieve.train.sums import Sums
from hepsieve.train.watch import Watch

_FORMAT = 2
_DESCENT, _AVERAGE = "descent.", "average."


class Resumable:
    """All that the rest of a training depends on.

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
        epochs: int,
    ) -> None:
        """Take up the last state of this training that the checkpoint holds.

        Args:
            checkpoint: where states are kept.
            network: before its first step; its parameters and optimiser are overwritten.
            batches: its shuffling goes on where it was.
            watch: hears of the former epochs first.
            training: what must be the same for a state to be this training's, as JSON.
            epochs: after which this call ends; no state of a later epoch is taken up.
        """
        self._states = States(checkpoint, {"format": _FORMAT, **training})
        self._network = network
        self._shuffle = batches.shuffle
        self._watch = watch
        self._sums = Sums(network.parameters.device)
        self._order = self._shuffle.get_state()
        self._unsaved: State | None = None
        found = self._states.load(fits=lambda facts: _fits(facts, epochs))
        if found is not None:
            self._take_up(*found)

    def begin_epoch(self) -> Sums:
        """The sums that the epoch adds to: nothing yet, or those of the blocks that were done before a break."""
        self._order = self._shuffle.get_state()
        return self._sums

    def end_block(self) -> None:
        """Save the state of now, if the last one is old."""
        if self._states.due:
            self._unsaved = self._state()
            self._save()

    def end_epoch(self) -> None:
        """Note the state of now; save it if the last one is old."""
        self._sums, self._order = Sums(self._network.parameters.device), self._shuffle.get_state()
        if not self._states.kept:
            return
        self._unsaved = self._state()
        if self._states.due:
            self._save()

    def pause(self) -> None:
        """Save the state after the last epoch, however old the one before is."""
        self._save()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, an interruption by the user first saves the state after the last epoch."""
        try:
            yield
        except KeyboardInterrupt:
            self._save()
            raise

    def _save(self) -> None:
        if self._unsaved is not None:
            self._states.save(*self._unsaved)
            self._unsaved = None

    def _state(self) -> State:
        watched, facts = self._watch.state()
        sums, added = self._sums.state()
        tensors = {
            "parameters": self._network.parameters,
            "statistics": self._network.statistics,
            **{f"{_DESCENT}{name}": values for name, values in self._network.descent.state.items()},
            **{f"{_AVERAGE}{name}": values for name, values in self._network.average.state().items()},
            "shuffle": self._order,
            "random": self._random_state(),
            **sums,
        }
        arrays = {name: np.array(values.cpu().numpy()) for name, values in tensors.items()}
        return {**arrays, **watched}, {**facts, "epoch": added}

    def _take_up(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        self._network.restore(torch.tensor(arrays["parameters"]), torch.tensor(arrays["statistics"]))
        for name, values in self._network.descent.state.items():
            values.copy_(torch.tensor(arrays[f"{_DESCENT}{name}"]).view_as(values))
        average = {name.removeprefix(_AVERAGE): arrays[name] for name in arrays if name.startswith(_AVERAGE)}
        self._network.average.restore(average)
        self._shuffle.set_state(torch.tensor(arrays["shuffle"]))
        self._set_random_state(torch.tensor(arrays["random"]))
        self._sums.resume(arrays, facts["epoch"])
        self._watch.resume(arrays, facts)
        epoch, block = self._watch.epoch, self._sums.blocks + 1
        self._states.tell(f"{self._watch.name}: taken up in epoch {epoch}, block {block} of its batches")

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


def _fits(facts: Mapping[str, Any], epochs: int) -> bool:
    """Whether a state is none beyond the epoch after which this call ends."""
    done = len(facts["history"])
    return done < epochs or (done == epochs and facts["epoch"]["blocks"] == 0)
