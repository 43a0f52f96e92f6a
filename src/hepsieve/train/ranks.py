"""Ranks: which share of every batch one of several processes computes, and what they tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch._C._distributed_c10d import GradBucket
from torch.nn.parallel import DistributedDataParallel

from hepsieve.errors import ConfigError
from hepsieve.train.shared_norm import has_shared_norm, share_normalisations

_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The processes that train one network together, as one of them sees them.

    Each of them holds the whole network, takes its share of every batch, and hears the sums over all shares: so they
    all take the same steps and all decide alike.

    Attributes:
        rank: which of them this is, from 0.
        size: how many there are. More than one have a process group of ``torch.distributed``.
        device: where this one computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    def share(self, events: int) -> range:
        """Which of so many events, one after the other, are this process's; ranges differ in length by one at most.

        >>> [list(Ranks(rank=rank, size=3).share(5)) for rank in range(3)]
        [[0, 1], [2, 3], [4]]
        """
        size, larger = divmod(events, self.size)
        begin = self.rank * size + min(self.rank, larger)
        return range(begin, begin + size + (self.rank < larger))

    def most(self, events: int) -> int:
        """The most of so many events that one process takes: at least one, of which a process has no use."""
        return -(-events // self.size)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sums over all processes, the same shape; every process calls this."""
        if self.size == 1:
            return values
        sums = values.clone()
        distributed.all_reduce(sums)
        return sums

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of numbers that are not on the device."""
        if self.size == 1:
            return values
        return np.asarray(self.sum(torch.tensor(values, device=self.device)).cpu().numpy())

    def joined(self, outputs: NDArray[np.float64], events: int) -> NDArray[np.float64]:
        """What all processes found for their shares of so many events, in order; every process calls this.

        Args:
            outputs: for this process's share, shape (k,) or (k, 2).
            events: of all processes.
        """
        if self.size == 1:
            return outputs
        share = self.share(events)
        # Zeros change no number that is added to them: what comes back are the very bits that each process found.
        whole = np.zeros((events, *outputs.shape[1:]))
        whole[share.start : share.stop] = outputs
        return self.total(whole)

    def exchanging(self, model: torch.nn.Module) -> torch.nn.Module:
        """The model, whose gradients are those of the sum of all processes' losses after ``backward``.

        Its batch normalisations are exchanged, in place, for such as see the whole batch.
        """
        if self.size == 1:
            return model
        share_normalisations(model, self.sum)
        network = DistributedDataParallel(model, broadcast_buffers=False)
        # Of annotations it takes none but evaluated ones; a lambda has none.
        network.register_comm_hook(None, lambda state, bucket: _summed(bucket))
        return network

    def require_events(self, model: torch.nn.Module, batch: int) -> None:
        """Do nothing if every process has events of a batch of so many, or needs none.

        Raises:
            ConfigError: if the model normalises over its batches and a process would have none to count.
        """
        if batch < self.size and has_shared_norm(model):
            raise ConfigError(
                f"train.processes: {self.size} for batches of {batch} events, but a network with batch normalisation "
                "needs an event for each process; take fewer processes or a larger train.batch_size"
            )

    def draw_anew(self, seed: int, *, epoch: int, block: int) -> None:
        """Let dropout draw from here on what this seed, process and place in the training say.

        Without it processes would leave out the same units of different events; and no process would have to remember
        where its generator was. One process alone draws on as it did.
        """
        if self.size > 1:
            drawn = np.random.SeedSequence([seed, self.rank, epoch, block]).generate_state(1, np.uint64)
            torch.manual_seed(int(drawn[0]))


ALONE = Ranks()
"""One process that trains a network by itself."""


def _summed(bucket: GradBucket) -> torch.futures.Future[torch.Tensor]:
    """The sum of the gradients: each event's share of the loss is already that of the whole batch, no mean is due."""
    work: Any = distributed.all_reduce(bucket.buffer(), async_op=True)
    future: torch.futures.Future[torch.Tensor] = work.get_future().then(lambda done: done.value()[0])
    return future
