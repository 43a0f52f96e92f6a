"""The layers that networks for images and waveforms are made of: what each does to a shape, and its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import assert_never

Shape = tuple[int, ...]
Sizes = tuple[int, ...]
"""One number for each axis: (rows, columns) of an image, (samples,) of a waveform."""

# How long a waveform is in the unit in which positions are measured.
SPAN = 10.0
# Of the normalisation over the batch, in every framework.
EPSILON = 1e-3
# The share of the running mean and variance that survives each batch.
MOMENTUM = 0.9


@dataclass(frozen=True)
class Convolution:
    """Filters that slide over the image, or along the waveform.

    Attributes:
        filters: channels that come out.
        kernel: rows and columns, or samples.
        stride: likewise, from one position to the next.
        dilation: from one of the positions that a filter sees to the next, along each axis (arXiv:1511.07122).
        padded: half a (dilated) kernel of zeros stands on either side, whatever the stride; the kernel is odd then.
        bias: add a number to each channel.
    """

    filters: int
    kernel: Sizes = (3, 3)
    stride: Sizes = (1, 1)
    dilation: int = 1
    padded: bool = True
    bias: bool = True

    def margins(self) -> Sizes:
        """Zeros on either side of each axis."""
        return tuple(self.dilation * (size // 2) if self.padded else 0 for size in self.kernel)

    def reach(self) -> Sizes:
        """From the first position that a filter sees to one past the last, along each axis."""
        return tuple(self.dilation * (size - 1) + 1 for size in self.kernel)


@dataclass(frozen=True)
class Normalise:
    """Each channel normalised over the batch; by running mean and variance after training (arXiv:1502.03167)."""


@dataclass(frozen=True)
class Activate:
    """Rectified linear units."""


@dataclass(frozen=True)
class MaxPool:
    """The largest value of windows that touch but don't overlap; what is left at the edge is dropped."""

    window: Sizes = (2, 2)


@dataclass(frozen=True)
class AveragePool:
    """The mean value of windows that touch but don't overlap; what is left at the edge is dropped."""

    window: Sizes = (2, 2)


@dataclass(frozen=True)
class GlobalAverage:
    """The mean value of each channel."""


@dataclass(frozen=True)
class Root:
    """The square root of what is above 0: counts of photons have the same noise then, however many they are.

    Attributes:
        floor: is added before, and its root subtracted after: what is far below it stays as it is but for a factor,
            and 0 stays 0.
    """

    floor: float = 0.002


@dataclass(frozen=True)
class Positions:
    """Where along a waveform each channel is large: the mean position under its softmax (arXiv:1801.07372, sec. 3.2).

    A pulse that comes later moves them by as much, wherever it stands and however large it is; and they are finer than
    the step from one sample to the next.
    """

    def of(self, samples: int) -> tuple[float, ...]:
        """The position of each sample, 0 in the middle; the waveform is ``SPAN`` long.

        >>> Positions().of(4)
        (-3.75, -1.25, 1.25, 3.75)
        """
        return tuple(SPAN * ((number + 0.5) / samples - 0.5) for number in range(samples))


@dataclass(frozen=True)
class Crop:
    """So many rows and columns (odd numbers) around the centre crystal; all there are, where the image is smaller."""

    rows: int
    columns: int

    def bounds(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and one past the last, of rows and of columns.

        >>> Crop(5, 21).bounds((32, 16, 1))
        ((14, 19), (0, 16))
        """
        (top, bottom), (left, right) = (
            (max(0, size // 2 - kept // 2), min(size, size // 2 + kept // 2 + 1))
            for size, kept in zip(shape[:2], (self.rows, self.columns), strict=True)
        )
        return (top, bottom), (left, right)


@dataclass(frozen=True)
class Flatten:
    """Image or waveform to vector: by rows, then columns (or by samples), then channels, in every framework."""


@dataclass(frozen=True)
class Dense:
    """Each number that comes out is a weighted sum of all that go in."""

    width: int


@dataclass(frozen=True)
class Dropout:
    """In training, a share of the numbers is set to zero by chance and the others grow to make up for it."""

    share: float


@dataclass(frozen=True)
class Residual:
    """The sum of two ways through the network; an empty ``shortcut`` is the identity (arXiv:1512.03385)."""

    body: Layers
    shortcut: Layers = ()


Layer = (
    Convolution
    | Normalise
    | Activate
    | MaxPool
    | AveragePool
    | GlobalAverage
    | Root
    | Positions
    | Crop
    | Flatten
    | Dense
    | Dropout
    | Residual
)
Layers = tuple[Layer, ...]


def shape_after(layers: Layers, shape: Shape) -> Shape:
    """The shape of one image, waveform or vector after these layers."""
    for layer in layers:
        shape = _shape_after(layer, shape)
    return shape


def shapes_on_the_way(layers: Layers, shape: Shape) -> Iterator[Shape]:
    """Each shape that one image or waveform takes, from that which goes in to that which comes out.

    >>> list(shapes_on_the_way((Residual((Convolution(8), Convolution(2))), Flatten()), (5, 5, 2)))
    [(5, 5, 2), (5, 5, 2), (5, 5, 8), (5, 5, 2), (5, 5, 2), (5, 5, 2), (50,)]
    """
    yield shape
    for layer in layers:
        if isinstance(layer, Residual):
            yield from shapes_on_the_way(layer.body, shape)
            yield from shapes_on_the_way(layer.shortcut, shape)
        shape = _shape_after(layer, shape)
        yield shape


def shapes_of_weights(layers: Layers, shape: Shape, prefix: str) -> dict[str, Shape]:
    """The canonical names and shapes of these layers' weights: those of PyTorch, ``prefix`` and a number before them.

    Args:
        layers: from input to output.
        shape: what goes in: (rows, columns, channels), (samples, channels) or (width,).
        prefix: what the names begin with.

    >>> shapes_of_weights((Activate(), Convolution(8, bias=False)), (32, 32, 2), "layers.")
    {'layers.1.weight': (8, 2, 3, 3)}
    """
    shapes: dict[str, Shape] = {}
    for number, layer in enumerate(layers):
        shapes |= _weight_shapes(layer, shape, f"{prefix}{number}.")
        shape = _shape_after(layer, shape)
    return shapes


def _shape_after(layer: Layer, shape: Shape) -> Shape:
    match layer:
        case Convolution():
            steps = zip(shape[:-1], layer.margins(), layer.reach(), layer.stride, strict=True)
            return *((size + 2 * margin - reach) // step + 1 for size, margin, reach, step in steps), layer.filters
        case MaxPool() | AveragePool():
            return *(size // window for size, window in zip(shape[:-1], layer.window, strict=True)), shape[-1]
        case Crop():
            (top, bottom), (left, right) = layer.bounds(shape)
            return bottom - top, right - left, shape[2]
        case GlobalAverage() | Positions():
            return shape[-1:]
        case Flatten():
            return (prod(shape),)
        case Dense():
            return (layer.width,)
        case Residual():
            return shape_after(layer.body, shape)
        case Normalise() | Activate() | Root() | Dropout():
            return shape
        case _:
            assert_never(layer)


def _weight_shapes(layer: Layer, shape: Shape, prefix: str) -> dict[str, Shape]:
    match layer:
        case Convolution():
            kernels = {f"{prefix}weight": (layer.filters, shape[-1], *layer.kernel)}
            return kernels | ({f"{prefix}bias": (layer.filters,)} if layer.bias else {})
        case Dense():
            return {f"{prefix}weight": (layer.width, shape[0]), f"{prefix}bias": (layer.width,)}
        case Normalise():
            names = ("weight", "bias", "running_mean", "running_var")
            return {f"{prefix}{name}": (shape[-1],) for name in names}
        case Residual():
            body = shapes_of_weights(layer.body, shape, f"{prefix}body.")
            return body | shapes_of_weights(layer.shortcut, shape, f"{prefix}shortcut.")
        case MaxPool() | AveragePool() | GlobalAverage() | Positions() | Crop() | Flatten():
            return {}
        case Activate() | Root() | Dropout():
            return {}
        case _:
            assert_never(layer)
