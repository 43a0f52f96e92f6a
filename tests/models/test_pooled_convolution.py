"""A convolution, rectified units and max pooling in one pass give what PyTorch's three layers give."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv1d, max_pool1d

from hepsieve.models.layers import Activate, Convolution, Layers, MaxPool
from hepsieve.models.torch import pooled_convolution as module
from hepsieve.models.torch.blocks import sequence
from hepsieve.models.torch.pooled_convolution import PooledConvolution, pooled_convolution

# Waveforms, samples, channels, filters, kernel, window: with samples left over at the end, and with none.
SIZES = [
    (3, 50, 1, 4, 3, 16),
    (5, 66, 1, 32, 3, 16),
    (1, 40, 2, 3, 5, 7),
    (4, 20, 3, 2, 1, 4),
    (2, 33, 1, 1, 8, 2),
    (3, 21, 2, 5, 4, 1),
]


def some(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layer_by_layer(waveforms: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, window: int) -> torch.Tensor:
    convolved = conv1d(waveforms.transpose(1, 2), weight, bias)
    return max_pool1d(torch.relu(convolved), window).transpose(1, 2)


def both(waveforms: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, window: int) -> list[list[torch.Tensor]]:
    """Values and derivatives to weight and bias: ours, then layer by layer."""
    found = []
    for compute in (pooled_convolution, layer_by_layer):
        leaves = weight.clone().requires_grad_(), bias.clone().requires_grad_()
        out = compute(waveforms, *leaves, window=window)
        derivatives = torch.autograd.grad(out, leaves, some(*out.shape, seed=4, dtype=out.dtype))
        found.append([out.detach(), *derivatives])
    return found


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("at_once", [1, 1000, 1 << 21])
@pytest.mark.parametrize(("n", "samples", "channels", "filters", "kernel", "window"), SIZES)
def test_values_and_derivatives_are_those_of_the_layers(
    monkeypatch: pytest.MonkeyPatch,
    n: int,
    samples: int,
    channels: int,
    filters: int,
    kernel: int,
    window: int,
    at_once: int,
    dtype: torch.dtype,
) -> None:
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", at_once)
    waveforms = some(n, samples, channels, seed=1, dtype=dtype)
    weight = some(filters, channels, kernel, seed=2, dtype=dtype)
    ours, theirs = both(waveforms, weight, some(filters, seed=3, dtype=dtype) - 2.5, window)
    assert 0 < (theirs[0] > 0).sum() < theirs[0].numel()
    tolerance = 1e-12 if dtype == torch.float64 else 2e-5
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)


def test_of_equal_values_the_first_passes_its_derivative_on() -> None:
    """Steps between whole numbers: many values of a window are equal, and the samples that gave them are not."""
    waveforms = torch.randint(0, 2, (20, 100, 1), generator=torch.Generator().manual_seed(1)).double()
    weight = torch.tensor([[[1.0, 0.0, 1.0]], [[1.0, 1.0, -1.0]]], dtype=torch.float64)
    bias = torch.tensor([-1.0, 0.0], dtype=torch.float64)
    ours, theirs = both(waveforms, weight, bias, 8)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)
    # A flat waveform that stays at the bias: nothing is above 0, and nothing passes.
    for derivative in both(torch.zeros(2, 30, 1), torch.ones(3, 1, 3), torch.zeros(3), 4)[0][1:]:
        assert not derivative.any()


def test_the_same_without_derivatives_and_whatever_stands_beside() -> None:
    weight, bias = some(4, 1, 3, seed=2, dtype=torch.float32).requires_grad_(), torch.zeros(4)
    waveforms = some(7, 200, 1, seed=1, dtype=torch.float32)
    trained = pooled_convolution(waveforms, weight, bias, window=16)
    with torch.no_grad():
        assert torch.equal(pooled_convolution(waveforms, weight, bias, window=16), trained)
        assert torch.equal(pooled_convolution(waveforms.flip(0), weight, bias, window=16).flip(0), trained)


def test_a_nan_is_seen() -> None:
    waveforms = torch.zeros(2, 40, 1)
    waveforms[1, 20] = torch.nan
    weight = torch.ones(2, 1, 3)
    for wish in (True, False):
        found = pooled_convolution(waveforms, weight.requires_grad_(wish), torch.zeros(2), window=8).isnan()
        # Of the five windows of 8 values the third one's last six see sample 20, and no other's do.
        assert found.any(2).tolist() == [[False] * 4, [False, False, True, False]]


def test_autocast_rounds_what_comes_out() -> None:
    one = PooledConvolution(1, 4, kernel=3, window=16, device="cpu")
    image = some(3, 100, 1, seed=1, dtype=torch.float32).unsqueeze(1).permute(0, 3, 1, 2)
    exact = one(image)
    exact.backward(torch.ones_like(exact))
    expected = [parameter.grad.clone() for parameter in one.parameters() if parameter.grad is not None]
    one.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = one(image)
    rounded.backward(torch.ones_like(rounded))
    assert torch.equal(rounded, exact.bfloat16())
    assert rounded.stride() == exact.stride()
    assert rounded.is_contiguous(memory_format=torch.channels_last)
    for parameter, gradient in zip(one.parameters(), expected, strict=True):
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient)


def test_the_derivative_to_the_waveforms_is_found_layer_by_layer() -> None:
    one = PooledConvolution(2, 4, kernel=3, window=5, device="cpu").double()
    image = some(3, 2, 1, 40, seed=1)
    asked = image.clone().requires_grad_()
    found = one(asked)
    torch.testing.assert_close(found, one(image), rtol=0, atol=1e-12)
    upstream = some(*found.shape, seed=4)
    found.backward(upstream)
    assert asked.grad is not None
    step = 1e-6 * some(*image.shape, seed=5)
    difference = ((one(image + step) - one(image - step)) * upstream).sum() / 2
    assert (asked.grad * step).sum().item() == pytest.approx(difference.item(), rel=1e-6)


def test_on_another_device_pytorchs_own_layers_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "pooled_convolution")
    one = PooledConvolution(1, 4, kernel=3, window=5, device="meta")
    assert one(torch.empty(3, 1, 1, 40, device="meta")).shape == (3, 4, 1, 7)


@pytest.mark.parametrize(
    ("layers", "together"),
    [
        ((Convolution(4, (3,), (1,), padded=False), Activate(), MaxPool((16,)), Activate()), True),
        ((Convolution(4, (3,), (1,), padded=False), Activate(), MaxPool((2,))), False),
        ((Convolution(4, (3,), (1,)), Activate(), MaxPool((16,))), False),
        ((Convolution(4, (3,), (2,), padded=False), Activate(), MaxPool((16,))), False),
        ((Convolution(4, (3,), (1,), 2, padded=False), Activate(), MaxPool((16,))), False),
        ((Convolution(4, (3,), (1,), padded=False, bias=False), Activate(), MaxPool((16,))), False),
        ((Convolution(4, (3,), (1,), padded=False), MaxPool((16,))), False),
        ((Convolution(4, (1, 3), padded=False), Activate(), MaxPool((1, 16))), False),
    ],
)
def test_layers_are_taken_together_where_they_may(layers: Layers, together: bool) -> None:
    shape = (100, 1) if len(layers[0].kernel) == 1 else (1, 100, 1)  # type: ignore[union-attr]
    found = sequence(layers, shape)
    assert any(isinstance(part, PooledConvolution) for part in found) == together
    assert len(found) == len(layers)
    assert {"0.weight"} <= set(found.state_dict()) <= {"0.weight", "0.bias"}
