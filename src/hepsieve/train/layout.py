"""Many tensors as one vector, of which each is a view that keeps its order in memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def as_vector(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The values of dense tensors of one type, each in its own order in memory (channels last, say)."""
    flat = [torch.as_strided(tensor.detach(), (tensor.numel(),), (1,)) for tensor in tensors]
    return torch.cat(flat) if flat else torch.empty(0)


def views(vector: torch.Tensor, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The tensors in a vector that ``as_vector`` gave, or one like it: shapes and order in memory as in ``like``."""
    found, begin = [], vector.storage_offset()
    for tensor in like:
        found.append(torch.as_strided(vector, tensor.shape, tensor.stride(), begin))
        begin += tensor.numel()
    return found
