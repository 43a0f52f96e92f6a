"""A part's events to shuffled batches, many gathered at once; the inputs stay where they are, also in a mapped file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from hepsieve.models.torch.mlp import as_tensor
from hepsieve.train.trained import Part

# Values gathered at once: enough that a gathering costs little a batch, and still small beside the inputs.
_VALUES_AT_ONCE = 1 << 21


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some batches of an epoch, one after the other.

    Attributes:
        first: number of the first batch in its epoch, from 0.
        sizes: events of each batch.
        inputs: shape (n, columns), in the form that the network asked for.
        target: shape (n,).
        weight: shape (n,).
        share: each event's weight over the size of its batch, shape (n,).
        logits: shape (n,), to be filled in.
    """

    first: int
    sizes: list[int]
    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    share: torch.Tensor
    logits: torch.Tensor

    def batches(self) -> Iterator[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Number, inputs, target, share and logits of each batch."""
        numbers = range(self.first, self.first + len(self.sizes))
        columns = (torch.split(values, self.sizes) for values in (self.inputs, self.target, self.share, self.logits))
        return zip(numbers, *columns, strict=True)

    def losses(self) -> NDArray[np.float64]:
        """The mean weighted cross-entropy of each batch, shape (batches,), from the logits."""
        loss = binary_cross_entropy_with_logits(self.logits, self.target, weight=self.share, reduction="none")
        starts = [0, *accumulate(self.sizes[:-1])]
        return np.asarray(np.add.reduceat(loss.double().cpu().numpy(), starts))

    def correct(self) -> torch.Tensor:
        """The summed weight of the events whose logit has the target's side of 0."""
        return (self.weight * ((self.logits > 0) == (self.target == 1))).sum()


class Batches:
    """The training part in batches of nearly equal size, in a new order every epoch.

    Attributes:
        number: of batches in an epoch.
        events: in an epoch.
        shuffle: what draws the orders.
    """

    def __init__(
        self, part: Part, batch_size: int, *, inputs: Callable[[int], torch.Tensor], device: torch.device, seed: int
    ) -> None:
        """Take up a part; on the CPU nothing of it is copied.

        Args:
            part: prepared and weighed.
            batch_size: the most events in a batch.
            inputs: gives the memory that so many events' inputs are gathered into, in their first columns.
            device: where training happens.
            seed: of the orders.
        """
        self._inputs, self._target, self._weight = (
            as_tensor(values).to(device) for values in (part.inputs, part.target, part.weight)
        )
        self.events = len(part)
        self.number = -(-len(part) // batch_size)
        self.shuffle = torch.Generator(device).manual_seed(seed)
        size, larger = divmod(len(part), self.number)
        self._sizes = [size + 1] * larger + [size] * (self.number - larger)
        self._together = max(1, _VALUES_AT_ONCE // (self._sizes[0] * part.inputs.shape[1]))
        rows = sum(self._sizes[: self._together])
        self._gathered = torch.empty(rows, part.inputs.shape[1], device=device)
        self._prepared = inputs(rows)

    def epoch(self) -> Iterator[Block]:
        """All events once, in blocks that each reuse the memory of the one before."""
        order = torch.randperm(self.events, generator=self.shuffle, device=self._target.device)
        begin = 0
        for first in range(0, self.number, self._together):
            sizes = self._sizes[first : first + self._together]
            rows = order[begin : begin + sum(sizes)]
            yield self._block(first, sizes, rows)
            begin += len(rows)

    def _block(self, first: int, sizes: list[int], rows: torch.Tensor) -> Block:
        gathered, inputs = self._gathered[: len(rows)], self._prepared[: len(rows)]
        torch.index_select(self._inputs, 0, rows, out=gathered)
        inputs[:, : gathered.shape[1]] = gathered
        weight, batch_size = self._weight[rows], torch.tensor(sizes, device=rows.device)
        return Block(
            first=first,
            sizes=sizes,
            inputs=inputs,
            target=self._target[rows],
            weight=weight,
            share=weight / batch_size.repeat_interleave(batch_size),
            logits=torch.empty_like(weight),
        )
