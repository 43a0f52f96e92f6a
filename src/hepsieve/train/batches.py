"""A part's events to shuffled batches, many gathered at once; the inputs stay where they are, also in a mapped file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from hepsieve.models.config import Flip
from hepsieve.models.learner import Symmetry
from hepsieve.models.torch.mlp import as_tensor
from hepsieve.spill import empty, let_go
from hepsieve.train.flips import applicable, mirror
from hepsieve.train.losses import within_tolerance
from hepsieve.train.objective import CROSS_ENTROPY, Kind, Objective
from hepsieve.train.ranks import ALONE, Ranks
from hepsieve.train.raw_rows import RawRows
from hepsieve.train.symmetric import in_order
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
    """Some batches of an epoch, one after the other; of each, the share of one process.

    Attributes:
        first: number of the first batch in its epoch, from 0.
        sizes: events of each batch.
        own: how many of them are here.
        inputs: shape (n, columns) or that of images or waveforms, in the form that the network asked for.
        target: shape (n,).
        weight: shape (n,).
        share: each event's weight over the size of its batch, shape (n,).
        outputs: to be filled in: logits, shape (n,); with predicted widths (n, 2).
        kind: of the targets.
        objective: what is minimised.
        ranks: the processes that share the batches.
    """

    first: int
    sizes: list[int]
    own: list[int]
    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    share: torch.Tensor
    outputs: torch.Tensor
    kind: Kind
    objective: Objective
    ranks: Ranks = ALONE

    def batches(self) -> Iterator[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Number, inputs, target, share and outputs of each batch."""
        numbers = range(self.first, self.first + len(self.sizes))
        columns = (torch.split(values, self.own) for values in (self.inputs, self.target, self.share, self.outputs))
        return zip(numbers, *columns, strict=True)

    def losses(self) -> NDArray[np.float64]:
        """The mean weighted loss of each batch, shape (batches,), from the outputs."""
        weighted = weighted_losses(self.objective, self.outputs, self.target, self.share)
        starts = [0, *accumulate(self.own[:-1])]
        return self.ranks.total(np.add.reduceat(weighted.double().cpu().numpy(), starts))

    def right(self) -> torch.Tensor:
        """The summed weight of the events that are right: on the target's side of 0.5, or within the tolerance."""
        if self.kind == "classification":
            return self.ranks.sum((self.weight * ((self.outputs > 0) == (self.target == 1))).sum())
        right: torch.Tensor = within_tolerance(scores(self.outputs).double(), self.target.double(), torch)
        return self.ranks.sum((self.weight * right).sum())

    def squares(self) -> torch.Tensor:
        """The summed weighted squared residuals of a regression; of classes nobody asks for them."""
        if self.kind == "classification":
            return torch.zeros((), device=self.outputs.device)
        return self.ranks.sum((self.weight * (scores(self.outputs) - self.target).square()).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """Which events make up a block, and which of them each flip mirrors.

    ``turns`` has a number for each event and each symmetry of its table. ``own`` says how many events of each batch are
    here. Where a batch has fewer events than there are processes, some
    would have none; these get one that does not count: 0 in ``counts``, which is None where all do.
    """

    first: int
    sizes: list[int]
    own: list[int]
    rows: torch.Tensor
    chosen: list[torch.Tensor]
    turns: list[torch.Tensor]
    counts: torch.Tensor | None = None

    def of(self, ranks: Ranks) -> _Rows:
        """The share of one process."""
        if ranks.size == 1:
            return self
        begins = [0, *accumulate(self.sizes)]
        shares = [ranks.share(size) for size in self.sizes]
        places = torch.tensor(
            [begin + place for begin, share in zip(begins, shares, strict=False) for place in share or (0,)],
            device=self.rows.device,
        )
        own = [max(1, len(share)) for share in shares]
        counts = None
        if not all(shares):
            found = torch.tensor([float(bool(share)) for share in shares], device=self.rows.device)
            counts = found.repeat_interleave(torch.tensor(own, device=self.rows.device))
        chosen, turns = ([each[places] for each in every] for every in (self.chosen, self.turns))
        return replace(self, own=own, rows=self.rows[places], chosen=chosen, turns=turns, counts=counts)


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
        symmetries: Sequence[Symmetry] = (),
        objective: Objective = CROSS_ENTROPY,
        ranks: Ranks = ALONE,
    ) -> None:
        """Take up a part; on the CPU nothing of it is copied, elsewhere only events of few values.

        Args:
            part: prepared and weighed.
            batch_size: the most events in a batch.
            inputs: gives the memory that so many events' inputs are gathered into, in their first columns.
            device: where training happens.
            seed: of the orders and flips.
            flips: how images are mirrored by chance; tables and flattened images never are.
            symmetries: how tables are changed by chance, where the part has its raw rows.
            objective: what is minimised; it says how many outputs there will be.
            ranks: the processes that share every batch. All draw the same orders and flips.
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
        self._raw = part.raw
        self._symmetries = () if part.raw is None else in_order(symmetries)
        # What is drawn anew for each epoch, on files like the events themselves: one number for each of them.
        self._order = self._memory(np.int64, device)
        self._drawn = [(self._memory(np.float32, device), self._memory(np.bool_, device)) for _ in self._flips]
        self._turns = [self._memory(np.float32, device) for _ in self._symmetries]
        size, larger = divmod(len(part), self.number)
        self._sizes = [size + 1] * larger + [size] * (self.number - larger)
        self._together = max(1, _VALUES_AT_ONCE // (self._sizes[0] * prod(shape)))
        self._ranks = ranks
        rows = sum(ranks.most(size) for size in self._sizes[: self._together])
        self._desks = [_Desk(self._inputs, inputs(rows)) for _ in range(2 if self._large else 1)]

    def epoch(self, *, done: int = 0) -> Iterator[Block]:
        """All events once, in blocks; the memory of one is used again by the next but one.

        Args:
            done: so many blocks are left out: they were trained on before a break.
        """
        # All that is drawn for an epoch is drawn here: between epochs the generator's state says what is to come.
        order = torch.randperm(self.events, generator=self.shuffle, device=self._order.device, out=self._order)
        chosen = [torch.lt(drawn.uniform_(generator=self.shuffle), 0.5, out=mask) for drawn, mask in self._drawn]
        turns = [drawn.uniform_(generator=self.shuffle) for drawn in self._turns]
        blocks = []
        begin = 0
        for first in range(0, self.number, self._together):
            sizes = self._sizes[first : first + self._together]
            part = slice(begin, begin + sum(sizes))
            rows = _Rows(
                first=first,
                sizes=sizes,
                own=sizes,
                rows=order[part],
                chosen=[each[part] for each in chosen],
                turns=[each[part] for each in turns],
            )
            blocks.append(rows)
            begin = part.stop
        for block, inputs in self._gathered(blocks[done:]):
            yield self._block(block, inputs)

    def _memory(self, dtype: DTypeLike, device: torch.device) -> torch.Tensor:
        return torch.from_numpy(empty(self.events, dtype)).to(device)

    def _gathered(self, blocks: list[_Rows]) -> Iterator[tuple[_Rows, torch.Tensor]]:
        """The share of each block, and its inputs; large ones are gathered while the block before is trained on."""
        if not self._large:
            yield from (self._gather(block, self._desks[0]) for block in blocks)
            return
        if not blocks:
            return
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as helper:
            ahead = helper.submit(self._gather, blocks[0], self._desks[0])
            for number in range(1, len(blocks) + 1):
                gathered = ahead.result()
                if number < len(blocks):
                    ahead = helper.submit(self._gather, blocks[number], self._desks[number % 2])
                yield gathered

    def _gather(self, whole: _Rows, desk: _Desk) -> tuple[_Rows, torch.Tensor]:
        block = whole.of(self._ranks)
        gathered = desk.gathered(len(block.rows))
        if self._raw is not None and self._symmetries:
            gathered.copy_(torch.from_numpy(self._turned(block, self._raw)))
            return block, desk.prepare(gathered)
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
        return block, desk.prepare(gathered)

    def _turned(self, block: _Rows, raw: RawRows) -> NDArray[np.float32]:
        """The inputs of a block's events, each turned and mirrored as was drawn for it."""
        drawn = {name: turn.cpu().numpy() for name, turn in zip(self._symmetries, block.turns, strict=True)}
        return raw.inputs(block.rows.cpu().numpy(), drawn)

    def _block(self, block: _Rows, inputs: torch.Tensor) -> Block:
        rows = block.rows
        sizes, own = (torch.tensor(numbers, device=rows.device) for numbers in (block.sizes, block.own))
        weight = self._weight[rows] if block.counts is None else self._weight[rows] * block.counts
        return Block(
            first=block.first,
            sizes=block.sizes,
            own=block.own,
            inputs=inputs,
            target=self._target[rows],
            weight=weight,
            share=weight / sizes.repeat_interleave(own),
            outputs=weight.new_empty(len(weight), 2) if self._objective.has_width else torch.empty_like(weight),
            kind=self._kind,
            objective=self._objective,
            ranks=self._ranks,
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
