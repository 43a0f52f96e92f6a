"""A convolution along time, rectified units and max pooling in one pass: most of what they compute is thrown away."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import max_pool2d

from hepsieve.models.torch.rectify import Rectify

# Values of the convolution that are in memory at once: few enough for the processor's caches.
_VALUES_AT_ONCE = 1 << 21

_max_pool_into = torch.ops.aten.max_pool2d_with_indices.out
_threshold_backward = torch.ops.aten.threshold_backward


class PooledConvolution(torch.nn.Conv2d):
    """An unpadded convolution along the rows of images of one row, with bias, rectified, the largest of each window.

    The weights have the names and shapes of ``torch.nn.Conv2d``, the values those of the three layers one by one, and
    so have the derivatives to weights and biases. The derivative to the images, should anybody ask for it, is found
    layer by layer, as everything is on a GPU.
    """

    def __init__(self, channels: int, filters: int, *, kernel: int, window: int, device: str) -> None:
        """Take the layers' sizes.

        Args:
            channels: of the images.
            filters: channels that come out.
            kernel: values along the row that each filter sees.
            window: values that each maximum is taken of; what is left at the end is dropped.
            device: where the weights are.
        """
        super().__init__(channels, filters, (1, kernel), device=device)
        self.window = window
        self.rectify = Rectify()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (n, filters, 1, windows) of images (n, channels, 1, samples), in memory with channels last."""
        if image.requires_grad or image.device.type != "cpu":
            return max_pool2d(self.rectify(super().forward(image)), (1, self.window))
        assert self.bias is not None
        largest = pooled_convolution(
            image.permute(0, 2, 3, 1).squeeze(1), self.weight.squeeze(2), self.bias, window=self.window
        )
        return largest.unsqueeze(1).permute(0, 3, 1, 2)


def is_worth_pooling(*, channels: int, kernel: int, window: int) -> bool:
    """Whether ``PooledConvolution`` is faster than its three layers one by one, or as fast, in bfloat16 too.

    Its matrix has zeros where a value does not see a sample, the more the longer the window; but the largest value's
    derivative takes as many steps as a filter has weights, for so many fewer values.
    """
    return channels * kernel <= window


def pooled_convolution(
    waveforms: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, window: int
) -> torch.Tensor:
    """``max_pool1d(relu(conv1d(waveforms)))``, on a CPU, channels last.

    All values of a window come from one matrix product; their largest alone gets its bias and is rectified, as neither
    changes which one is the largest. Of autocast it takes the precision of what comes out; it computes in that of its
    inputs, where PyTorch's convolution would round each value before they are compared.

    Args:
        waveforms: shape (n, samples, channels), without derivative.
        weight: shape (filters, channels, kernel).
        bias: shape (filters,).
        window: values that each maximum is taken of.

    Returns:
        Shape (n, windows, filters).
    """
    if torch.is_grad_enabled() and (weight.requires_grad or bias.requires_grad):
        found: torch.Tensor = _PooledConvolution.apply(waveforms, weight, bias, window)  # type: ignore[no-untyped-call]
        return found
    with torch.autocast("cpu", enabled=False):
        largest, _ = _largest(_seen(waveforms, weight.shape[2], window), weight, window, places=False)
    return _out(largest, bias, len(waveforms))


class _PooledConvolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, waveforms: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, window: int
    ) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            seen = _seen(waveforms, weight.shape[2], window)
            largest, places = _largest(seen, weight, window, places=True)
        out = _out(largest, bias, len(waveforms))
        ctx.save_for_backward(seen, out, places)
        ctx.shape, ctx.window = weight.shape, window
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, torch.Tensor, torch.Tensor, None]:
        seen, out, places = ctx.saved_tensors
        filters, channels, kernel = ctx.shape
        passed = _threshold_backward(gradients[0], out, 0).to(seen.dtype).view(-1, filters)
        samples = seen.view(len(seen), -1, channels)
        weight = seen.new_empty(ctx.shape)
        at_largest = torch.empty_like(passed)
        for step in range(kernel):
            for channel in range(channels):
                torch.gather(samples[:, step : step + ctx.window, channel], 1, places, out=at_largest)
                weight[:, channel, step] = at_largest.mul_(passed).sum(0)
        return None, weight, passed.sum(0), None


def _largest(
    seen: torch.Tensor, weight: torch.Tensor, window: int, *, places: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest value of each window, without bias, and where it is in its window, each (windows, filters)."""
    filters = len(weight)
    matrix = _spread(weight, window)
    rows = min(len(seen), -(-_VALUES_AT_ONCE // matrix.shape[1]))
    # The same memory for all of them: to ask the system for more each time takes as long as to compute.
    values = seen.new_empty(rows, matrix.shape[1])
    largest = seen.new_empty(len(seen), filters)
    where = torch.empty(len(seen) if places else 0, filters, dtype=torch.int64)
    for begin in range(0, len(seen), rows):
        some = slice(begin, begin + rows)
        few = values[: len(seen[some])]
        torch.mm(seen[some], matrix, out=few)
        if places:
            # As an image with channels last: of these PyTorch pools many channels at once.
            image = few.view(-1, window, 1, filters).permute(0, 3, 1, 2)
            _max_pool_into(image, (window, 1), out=largest[some, :, None, None], indices=where[some, :, None, None])
        else:
            torch.amax(few.view(-1, window, filters), 1, out=largest[some])
    return largest, where


def _out(largest: torch.Tensor, bias: torch.Tensor, n: int) -> torch.Tensor:
    """The largest values with their bias, rectified, in autocast's precision."""
    half = torch.is_autocast_enabled("cpu")
    kept = largest.add_(bias).relu_().to(torch.get_autocast_dtype("cpu") if half else largest.dtype)
    return kept.view(n, -1, len(bias))


def _seen(waveforms: torch.Tensor, kernel: int, window: int) -> torch.Tensor:
    """The samples that each window's values come from, shape (n · windows, (window + kernel - 1) · channels)."""
    n, samples, channels = waveforms.shape
    windows, reach = (samples - kernel + 1) // window, (window + kernel - 1) * channels
    runs = waveforms.reshape(n, samples * channels).unfold(1, reach, window * channels)
    return runs[:, :windows].reshape(n * windows, reach)


def _spread(weight: torch.Tensor, window: int) -> torch.Tensor:
    """The matrix from a window's samples to its values, shape ((window + kernel - 1) · channels, window · filters).

    >>> _spread(torch.tensor([[[1.0, 2.0]]]), 3).tolist()
    [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]]
    """
    filters, channels, kernel = weight.shape
    matrix = weight.new_zeros(window + kernel - 1, channels, window, filters)
    # By channel, filter, position in the kernel and position in the window.
    matrix.unfold(0, kernel, 1).diagonal(dim1=0, dim2=2).copy_(weight.permute(1, 0, 2).unsqueeze(3))
    return matrix.view(-1, window * filters)
