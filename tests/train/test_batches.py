"""An epoch's batches: every event once, in a new order each time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hepsieve.train import batches as module
from hepsieve.train.batches import Batches
from hepsieve.train.trained import Part


def numbered(n: int) -> Part:
    """Events whose first input is their number."""
    number = np.arange(n, dtype=np.float32)
    inputs = np.stack([number, -number], axis=1)
    return Part(inputs=inputs, target=number % 2, weight=np.asarray(1 + number, np.float32))


def batches(n: int, size: int, *, seed: int = 1) -> Batches:
    return Batches(
        numbered(n), size, inputs=lambda rows: torch.full((rows, 4), 7.0), device=torch.device("cpu"), seed=seed
    )


def epoch(taken: Batches) -> tuple[NDArray[np.float32], list[int]]:
    """The numbers of the events in their order, and the sizes of the batches."""
    order: list[NDArray[np.float32]] = []
    sizes: list[int] = []
    for block in taken.epoch():
        for number, inputs, target, share, logits in block.batches():
            assert number == len(sizes)
            assert torch.equal(target, inputs[:, 0] % 2)
            assert torch.equal(inputs[:, 1], -inputs[:, 0])
            assert torch.equal(inputs[:, 2:], torch.full((len(inputs), 2), 7.0))
            torch.testing.assert_close(share, (1 + inputs[:, 0]) / len(inputs))
            assert logits.shape == target.shape
            order.append(inputs[:, 0].numpy().copy())
            sizes.append(len(inputs))
    return np.concatenate(order), sizes


@pytest.mark.parametrize(("n", "size", "sizes"), [(10, 4, [4, 3, 3]), (8, 4, [4, 4]), (3, 5, [3]), (1, 1, [1])])
def test_batches_are_nearly_equal(n: int, size: int, sizes: list[int]) -> None:
    taken = batches(n, size)
    assert epoch(taken)[1] == sizes
    assert (taken.number, taken.events) == (len(sizes), n)


def test_every_event_comes_once_and_elsewhere_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 50)
    taken = batches(1003, 10)
    first, second = epoch(taken)[0], epoch(taken)[0]
    assert sorted(first) == sorted(second) == list(range(1003))
    assert not np.array_equal(first, second)
    assert np.array_equal(epoch(batches(1003, 10))[0], first)
    assert not np.array_equal(epoch(batches(1003, 10, seed=2))[0], first)


def test_losses_and_right_sides_are_counted_by_batch() -> None:
    (block,) = batches(5, 2).epoch()
    block.outputs.copy_(torch.tensor([0.5, -1.0, 2.0, 0.1, -3.0]))
    z, t, w = (values.double().numpy() for values in (block.outputs, block.target, block.weight))
    each = w * (np.log1p(np.exp(z)) - t * z)
    expected = [each[:2].mean(), each[2:4].mean(), each[4]]
    np.testing.assert_allclose(block.losses(), expected, rtol=1e-6)
    assert block.right().item() == pytest.approx(w[(z > 0) == (t == 1)].sum())
