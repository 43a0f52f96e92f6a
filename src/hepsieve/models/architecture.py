"""What is the same about a network for images or waveforms in every framework: layers, numbers and initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from hepsieve.errors import ConfigError
from hepsieve.models.image_config import ImageNetwork
from hepsieve.models.image_layers import ImageConfig, image_layers
from hepsieve.models.initialise import draw
from hepsieve.models.layers import Layers, Shape, shape_after, shapes_of_weights, shapes_on_the_way
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import outputs_of
from hepsieve.models.waveform_layers import WaveformConfig, waveform_layers

__all__ = [
    "Architecture",
    "ImageConfig",
    "SpatialConfig",
    "WaveformConfig",
    "architecture",
    "initial_weights",
    "is_trained",
    "parameter_count",
    "weight_shapes",
]

SpatialConfig = ImageConfig | WaveformConfig

_RUNNING = ("running_mean", "running_var")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network from an image or a waveform to its outputs.

    Attributes:
        shape: rows, columns and channels of the image, or samples and channels of the waveform.
        layers: from there to a vector.
        width: of that vector, of which each output is a weighted sum.
        outputs: 1, a logit; or 2, a logit and a raw width.
    """

    shape: Shape
    layers: Layers
    width: int
    outputs: int


def architecture(config: SpatialConfig, shape: Shape) -> Architecture:
    """The layers of a network.

    Args:
        config: what the user chose.
        shape: rows, columns and channels of the images, or samples and channels of the waveforms.

    Raises:
        ConfigError: if this is the shape of something else, or so small that nothing is left of it on the way.
    """
    layers = _layers(config, shape)
    if any(min(size) < 1 for size in shapes_on_the_way(layers, shape)):
        raise ConfigError(_too_small(config, shape))
    return Architecture(shape=shape, layers=layers, width=shape_after(layers, shape)[0], outputs=outputs_of(config))


def weight_shapes(config: SpatialConfig, shape: Shape) -> dict[str, Shape]:
    """The canonical names and shapes of a network's weights, running means and variances among them.

    Convolutions are (out, in, rows, columns) or (out, in, samples), and dense layers (out, in), as in PyTorch.
    """
    network = architecture(config, shape)
    last = {"logit.weight": (network.outputs, network.width), "logit.bias": (network.outputs,)}
    return shapes_of_weights(network.layers, shape, "layers.") | last


def is_trained(name: str) -> bool:
    """Whether the optimiser changes this weight; the running means and variances follow the batches instead.

    >>> is_trained("layers.0.weight"), is_trained("layers.1.running_var")
    (True, False)
    """
    return not name.endswith(_RUNNING)


def parameter_count(config: SpatialConfig, shape: Shape) -> int:
    """Weights and biases, and the scales and shifts of normalisations; running means and variances are not counted.

    >>> from hepsieve.models.config import WaveCNNConfig
    >>> parameter_count(WaveCNNConfig(), (5000, 1))
    998729
    """
    return sum(prod(size) for name, size in weight_shapes(config, shape).items() if is_trained(name))


def initial_weights(config: SpatialConfig, shape: Shape, *, seed: int) -> Weights:
    """Random weights, zero biases, normalisations that change nothing; the same for every framework.

    Args:
        config: its initialiser chooses the distribution; ``default`` is Glorot's uniform one, as in Keras.
        shape: of one image or waveform.
        seed: equal seeds give equal weights.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, size in weight_shapes(config, shape).items():
        match size:
            case (width,):
                ones = name.endswith("running_var") or name.endswith(".weight")
                first = np.full(width, 1.0 if ones else 0.0)
            case (out, into, *kernel):
                area = prod(kernel)
                first = draw(config.initialiser, size, random, into=into * area, out=out * area)
        weights[name] = first.astype(np.float32)
    return weights


def _layers(config: SpatialConfig, shape: Shape) -> Layers:
    sees, axes = ("images", 2) if isinstance(config, ImageNetwork) else ("waveforms", 1)
    if len(shape) != axes + 1:
        size = " × ".join(map(str, shape))
        raise ConfigError(f"a model of kind {config.kind} looks at {sees}; inputs of shape {size} are none")
    return image_layers(config) if isinstance(config, ImageNetwork) else waveform_layers(config)


def _too_small(config: SpatialConfig, shape: Shape) -> str:
    if isinstance(config, ImageNetwork):
        size = f"{shape[0]} × {shape[1]}"
        return f"a model of kind {config.kind} halves images of {size} to nothing; use fewer stages"
    return (
        f"a model of kind {config.kind} leaves nothing of waveforms of {shape[0]} samples; "
        "use smaller kernels and windows, or longer waveforms"
    )
