"""Rectified units that compare bfloat16 numbers as integers give what PyTorch's own give."""

from __future__ import annotations

import pytest
import torch

from hepsieve.models.torch.rectify import Rectify


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_values_and_derivatives_are_pytorchs(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(3, 4, 5, 6, generator=generator).to(dtype)
    values[0, 0, 0, :4] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf])
    values = values.to(memory_format=torch.channels_last)
    upstream = torch.randn(values.shape, generator=generator).to(dtype)
    found = []
    for rectify in (Rectify(), torch.nn.ReLU()):
        leaf = values.clone().requires_grad_()
        out = rectify(leaf)
        out.backward(upstream)
        assert leaf.grad is not None
        found.append((out.detach(), leaf.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
