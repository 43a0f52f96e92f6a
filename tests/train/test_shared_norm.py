"""Batch normalisation of shares against PyTorch's of the whole batch."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from hepsieve.train.shared_norm import Sum, has_shared_norm, share_normalisations

SHAPES = {"tables": (11, 3), "images": (11, 3, 4, 2)}


class Exchange:
    """Sums among threads that play the processes."""

    def __init__(self, members: int) -> None:
        self._barrier = threading.Barrier(members, timeout=20)
        self._given: dict[int, torch.Tensor] = {}

    def of(self, member: int) -> Sum:
        def total(values: torch.Tensor) -> torch.Tensor:
            self._given[member] = values.detach().clone()
            self._barrier.wait()
            found = torch.stack([self._given[k] for k in sorted(self._given)]).sum(0)
            self._barrier.wait()
            return found

        return total


def norm(kind: str) -> torch.nn.Sequential:
    layer = torch.nn.BatchNorm1d(3) if kind == "tables" else torch.nn.BatchNorm2d(3)
    layer.weight.data = torch.tensor([0.5, 1.0, 2.0])
    layer.bias.data = torch.tensor([0.1, 0.0, -1.0])
    return torch.nn.Sequential(torch.nn.Sequential(layer))


@pytest.mark.parametrize("kind", SHAPES)
def test_shares_give_what_the_whole_batch_gives(kind: str) -> None:
    random = torch.Generator().manual_seed(1)
    values = 3 + 2 * torch.randn(SHAPES[kind], generator=random)
    wish = torch.randn(SHAPES[kind], generator=random)
    whole = norm(kind).train()
    inputs = values.clone().requires_grad_()
    outputs = whole(inputs)
    (outputs * wish).sum().backward()

    # One of three has most of the events, which a mean of means would get wrong.
    bounds = [(0, 7), (7, 9), (9, 11)]
    exchange = Exchange(3)
    shares = [copy.deepcopy(norm(kind)).train() for _ in bounds]
    for member, share in enumerate(shares):
        share_normalisations(share, exchange.of(member))
        assert has_shared_norm(share)

    def carry_out(member: int) -> tuple[torch.Tensor, torch.Tensor]:
        begin, end = bounds[member]
        own = values[begin:end].clone().requires_grad_()
        found = shares[member](own)
        (found * wish[begin:end]).sum().backward()
        assert own.grad is not None
        return found.detach(), own.grad

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(carry_out, range(3)))
    torch.testing.assert_close(torch.cat([each[0] for each in found]), outputs.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.cat([each[1] for each in found]), inputs.grad, rtol=1e-4, atol=1e-5)
    for name, expected in whole.named_parameters():
        parts = [dict(share.named_parameters())[name].grad for share in shares]
        total = torch.stack([part for part in parts if part is not None]).sum(0)
        torch.testing.assert_close(total, expected.grad, rtol=1e-4, atol=1e-5)
    for share in shares:
        for name in ("running_mean", "running_var"):
            torch.testing.assert_close(share.state_dict()[f"0.0.{name}"], whole.state_dict()[f"0.0.{name}"])
        # In inference mode nothing is exchanged: no other thread takes part.
        torch.testing.assert_close(share.eval()(values), whole.eval()(values))
