"""A part's events to shuffled batches, many gathered at once; the inputs stay where they are, also in a mapped file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.models.config import Flip
from hepsieve.models.torch.mlp import as_tensor
from hepsieve.spill import let_go
from hepsieve.train.flips import applicable, mirror
from hepsieve.train.losses import within_tolerance
from hepsieve.train.objective import CROSS_ENTROPY, Kind, Objective
from hepsieve.train.torch_losses import scores, weighted_losses
from hepsieve.train.trained import Part

# Values gathered at once: enough that a gathering costs little a batch, and still small beside the inputs.
_VALUES_AT_ONCE = 1 << 21
# Inputs of so many bytes an event are images or waveforms: as a rule more of them than the memory of a GPU, or of this
# machine, should hold.
_LARGE_EVENT = 512
_ROWS_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some batches of an epoch, one after the other.

    Attributes:
        first: number of the first batch in its epoch, from 0.
        sizes: events of each batch.
        inputs: shape (n, columns) or that of images or waveforms, in the form that the network asked for.
        target: shape (n,).
        weight: shape (n,).
        share: each event's weight over the size of its batch, shape (n,).
        outputs: to be filled in: logits, shape (n,); with predicted widths (n, 2).
        kind: of the targets.
        objective: what is minimised.
    """

    first: int
    sizes: list[int]
    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    share: torch.Tensor
    outputs: torch.Tensor
    kind: Kind
    objective: Objective

    def batches(self) -> Iterator[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Number, inputs, target, share and outputs of each batch."""
        numbers = range(self.first, self.first + len(self.sizes))
        columns = (torch.split(values, self.sizes) for values in (self.inputs, self.target, self.share, self.outputs))
        return zip(numbers, *columns, strict=True)

    def losses(self) -> NDArray[np.float64]:
        """The mean weighted loss of each batch, shape (batches,), from the outputs."""
        weighted = weighted_losses(self.objective, self.outputs, self.target, self.share)
        starts = [0, *accumulate(self.sizes[:-1])]
        return np.asarray(np.add.reduceat(weighted.double().cpu().numpy(), starts))

    def right(self) -> torch.Tensor:
        """The summed weight of the events that are right: on the target's side of 0.5, or within the tolerance."""
        if self.kind == "classification":
            return (self.weight * ((self.outputs > 0) == (self.target == 1))).sum()
        right: torch.Tensor = within_tolerance(scores(self.outputs).double(), self.target.double(), torch)
        return (self.weight * right).sum()

    def squares(self) -> torch.Tensor:
        """The summed weighted squared residuals of a regression; of classes nobody asks for them."""
        if self.kind == "classification":
            return torch.zeros((), device=self.outputs.device)
        return (self.weight * (scores(self.outputs) - self.target).square()).sum()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """Which events make up a block, and which of them each flip mirrors."""

    first: int
    sizes: list[int]
    rows: torch.Tensor
    chosen: list[torch.Tensor]


class Batches:
    """The training part in batches of nearly equal size, in a new order every epoch.

    Attributes:
        number: of batches in an epoch.
        events: in an epoch.
        shuffle: what draws the orders, and which images are mirrored.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        *,
        inputs: Callable[[int], torch.Tensor],
        device: torch.device,
        seed: int,
        flips: Sequence[Flip] = (),
        objective: Objective = CROSS_ENTROPY,
    ) -> None:
        """Take up a part; on the CPU nothing of it is copied, elsewhere only events of few values.

        Args:
            part: prepared and weighed.
            batch_size: the most events in a batch.
            inputs: gives the memory that so many events' inputs are gathered into, in their first columns.
            device: where training happens.
            seed: of the orders and flips.
            flips: how images are mirrored by chance; tables and flattened images never are.
            objective: what is minimised; it says how many outputs there will be.
        """
        shape = part.inputs.shape[1:]
        self._target, self._weight = (as_tensor(values).to(device) for values in (part.target, part.weight))
        self._large = prod(shape) * part.inputs.itemsize >= _LARGE_EVENT
        self._inputs = as_tensor(part.inputs) if self._large else as_tensor(part.inputs).to(device)
        self._file = part.inputs
        self._kind, self._objective = part.kind, objective
        self.events = len(part)
        self.number = -(-len(part) // batch_size)
        self.shuffle = torch.Generator(device).manual_seed(seed)
        self._flips = applicable(flips, shape)
        size, larger = divmod(len(part), self.number)
        self._sizes = [size + 1] * larger + [size] * (self.number - larger)
        self._together = max(1, _VALUES_AT_ONCE // (self._sizes[0] * prod(shape)))
        rows = sum(self._sizes[: self._together])
        self._desks = [_Desk(self._inputs, inputs(rows)) for _ in range(2 if self._large else 1)]

    def epoch(self) -> Iterator[Block]:
        """All events once, in blocks; the memory of one is used again by the next but one."""
        # All that is drawn for an epoch is drawn here: between epochs the generator's state says what is to come.
        order = torch.randperm(self.events, generator=self.shuffle, device=self._target.device)
        chosen = [
            torch.rand(self.events, generator=self.shuffle, device=self._target.device) < 0.5 for _ in self._flips
        ]
        blocks = []
        begin = 0
        for first in range(0, self.number, self._together):
            sizes = self._sizes[first : first + self._together]
            part = slice(begin, begin + sum(sizes))
            blocks.append(_Rows(first=first, sizes=sizes, rows=order[part], chosen=[each[part] for each in chosen]))
            begin = part.stop
        for block, inputs in zip(blocks, self._gathered(blocks), strict=True):
            yield self._block(block, inputs)

    def _gathered(self, blocks: list[_Rows]) -> Iterator[torch.Tensor]:
        """The inputs of each block; large ones are gathered while the block before is trained on."""
        if not self._large:
            yield from (self._gather(block, self._desks[0]) for block in blocks)
            return
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as helper:
            ahead = helper.submit(self._gather, blocks[0], self._desks[0])
            for number in range(1, len(blocks) + 1):
                inputs = ahead.result()
                if number < len(blocks):
                    ahead = helper.submit(self._gather, blocks[number], self._desks[number % 2])
                yield inputs

    def _gather(self, block: _Rows, desk: _Desk) -> torch.Tensor:
        gathered = desk.gathered(len(block.rows))
        rows = block.rows.to(self._inputs.device)
        # With each page that is read from a file the system maps many more beside it: let go before they are too many.
        some = _ROWS_AT_ONCE if self._large else max(1, len(rows))
        for begin in range(0, len(rows), some):
            part = slice(begin, begin + some)
            torch.index_select(self._inputs, 0, rows[part], out=gathered[part])
            if self._large:
                let_go(self._file)
        for flip, chosen in zip(self._flips, block.chosen, strict=True):
            mirror(gathered, flip, chosen.to(gathered.device))
        return desk.prepare(gathered)

    def _block(self, block: _Rows, inputs: torch.Tensor) -> Block:
        rows, sizes = block.rows, torch.tensor(block.sizes, device=block.rows.device)
        weight = self._weight[rows]
        return Block(
            first=block.first,
            sizes=block.sizes,
            inputs=inputs,
            target=self._target[rows],
            weight=weight,
            share=weight / sizes.repeat_interleave(sizes),
            outputs=weight.new_empty(len(weight), 2) if self._objective.has_width else torch.empty_like(weight),
            kind=self._kind,
            objective=self._objective,
        )


class _Desk:
    """Memory to gather a block's inputs in: once as they are, once in the form and place that the network asked for."""

    def __init__(self, inputs: torch.Tensor, prepared: torch.Tensor) -> None:
        """For blocks of as many events as ``prepared`` has."""
        self._across = prepared.device != inputs.device
        shape = (len(prepared), *inputs.shape[1:])
        self._raw = torch.empty(shape, device=inputs.device, pin_memory=self._across)
        self._prepared = prepared
        self._copied: torch.cuda.Event | None = None

    def gathered(self, rows: int) -> torch.Tensor:
        """Memory for so many events as they are, once nobody reads it any more."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._raw[:rows]

    def prepare(self, gathered: torch.Tensor) -> torch.Tensor:
        """The gathered events in the network's form."""
        inputs = self._prepared[: len(gathered)]
        inputs[:, : gathered.shape[1]].copy_(gathered, non_blocking=self._across)
        if self._across:
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()
        return inputs
