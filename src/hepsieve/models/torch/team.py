"""Threads that each compute by themselves: none waits for another within an operation of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch

from hepsieve.spill import empty

Item = TypeVar("Item")


class Team:
    """Threads to share work among."""

    def __init__(self, threads: int, pool: ThreadPoolExecutor | None) -> None:
        """So many threads; without a pool, the caller's own."""
        self.threads = threads
        self._pool = pool

    def do(self, work: Callable[[Item], object], items: Iterable[Item]) -> None:
        """Do this with every item, several at a time; no item may depend on another."""
        for _ in map(work, items) if self._pool is None else self._pool.map(work, items):
            pass


def score_in_batches(model: torch.nn.Module, inputs: torch.Tensor, *, rows: int, outputs: int = 1) -> torch.Tensor:
    """What a model gives for each of the inputs, shape (n,) or (n, outputs), float64, in inference mode.

    On the CPU every thread takes batches of its own: so the outputs do not depend on the number of threads, and none
    waits for another.

    Args:
        model: from inputs to its outputs; left in the mode in which it was.
        inputs: on the model's device.
        rows: inputs in a batch.
        outputs: how many numbers it gives for each of them.
    """
    was_training = model.training
    model.eval()
    size = (len(inputs),) if outputs == 1 else (len(inputs), outputs)
    found = torch.from_numpy(empty(size, np.float64)).to(inputs.device)
    batches = list(zip(torch.split(inputs, rows), torch.split(found, rows), strict=True))
    several = len(batches) > 1

    @torch.no_grad()
    def fill_in(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
        values, place = batch
        if several and len(values) < rows:  # equal inputs have equal outputs only in batches of one size
            values = torch.cat([values, values.new_zeros(rows - len(values), *values.shape[1:])])
        place.copy_(model(values)[: len(place)])

    alone = inputs.device.type != "cpu" or not several
    with team(1 if alone else torch.get_num_threads()) as threads:
        threads.do(fill_in, batches)
    model.train(was_training)
    return found


@contextmanager
def team(threads: int) -> Iterator[Team]:
    """So many threads; what PyTorch computes for one of them it computes on that thread alone.

    The bits of a sum depend on how many threads share it: here they depend on the items only. On a machine that does
    other work too, the threads lose as much time as they are kept waiting, not many times as much.
    """
    before = torch.get_num_threads()
    try:
        if threads == 1:
            torch.set_num_threads(1)
            yield Team(1, None)
            return
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Team(threads, pool)
    finally:
        torch.set_num_threads(before)
