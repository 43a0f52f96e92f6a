"""Layers that stand together in networks for images and for waveforms alike."""

from __future__ import annotations

from collections.abc import Iterable

from hepsieve.models.layers import (
    Activate,
    Convolution,
    Dense,
    Dropout,
    Layer,
    Layers,
    Normalise,
    Residual,
    Sizes,
)


def convolution(
    filters: int, normalise: bool, *, kernel: Sizes = (3, 3), stride: Sizes = (1, 1), dilation: int = 1
) -> Layers:
    """A padded convolution, normalised over the batch where wanted; a normalisation's shift stands in for the bias."""
    first = Convolution(filters, kernel, stride, dilation, bias=not normalise)
    return (first, Normalise()) if normalise else (first,)


def residual_block(
    channels: int,
    filters: int,
    normalise: bool,
    *,
    kernel: Sizes = (3, 3),
    stride: Sizes = (1, 1),
    dilation: int = 1,
) -> Residual:
    """Two convolutions, of which the first strides, beside a shortcut (arXiv:1512.03385, fig. 2).

    Args:
        channels: that go in.
        filters: channels that come out; the shortcut is the identity where nothing changes in number.
        normalise: normalise each convolution's output over the batch.
        kernel: of both convolutions.
        stride: of the first one, and of the shortcut.
        dilation: of both convolutions.
    """
    first = convolution(filters, normalise, kernel=kernel, stride=stride, dilation=dilation)
    body = (
        *first,
        Activate(),
        *convolution(filters, normalise, kernel=kernel, stride=(1,) * len(kernel), dilation=dilation),
    )
    if channels == filters and set(stride) == {1}:
        return Residual(body)
    return Residual(body, convolution(filters, normalise, kernel=(1,) * len(kernel), stride=stride))


def dense_layers(widths: Iterable[int], dropout: float) -> Layers:
    """Hidden dense layers of these widths, each rectified, with dropout behind it."""
    layers: list[Layer] = []
    for width in widths:
        layers += [Dense(width), Activate(), *dropout_layers(dropout)]
    return tuple(layers)


def dropout_layers(share: float) -> Layers:
    """One layer of dropout; none, where no share is to be dropped."""
    return (Dropout(share),) if share > 0 else ()
