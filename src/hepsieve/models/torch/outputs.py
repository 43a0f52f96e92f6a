"""The raw width of a network to a standard deviation, for tensors that PyTorch differentiates."""

from __future__ import annotations

import torch

from hepsieve.models.outputs import NARROWEST, WIDEST


def width(raw: torch.Tensor) -> torch.Tensor:
    """As ``hepsieve.models.outputs.width``: the same shape, positive."""
    return NARROWEST + (WIDEST - NARROWEST) * torch.sigmoid(raw)
