"""What a user may choose about a network that looks at images."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from hepsieve.models.network import Network

Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class ImageNetwork(Network):
    """What every network that looks at images may have of its own.

    Attributes:
        channels: the channels that it gets; null takes those of ``prepare.features``, or all.
        dropout: between the dense layers at its end.
    """

    channels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _sees_pixels(self) -> Self:
        if self.shower_shapes:
            raise ValueError(f"a model of kind {self.kind} looks at images; shower_shapes is for mlp, trees, adaboost")  # type: ignore[attr-defined]
        if self.channels is not None and len(set(self.channels)) < len(self.channels):
            raise ValueError("channels: one stands there twice; name it once")
        return self


class CNNConfig(ImageNetwork):
    """A plain convolutional network: blocks of 3 × 3 convolutions, each followed by 2 × 2 max pooling; dense layers.

    Attributes:
        filters: channels of each block's convolutions.
        convolutions: how many a block has.
        dense: widths of the hidden dense layers.
    """

    kind: Literal["cnn"] = "cnn"
    filters: Widths = (16, 32, 64)
    convolutions: PositiveInt = 1
    dense: tuple[PositiveInt, ...] = (64,)


class ResNetConfig(ImageNetwork):
    """A residual network (arXiv:1512.03385): a 3 × 3 convolution, then stages of residual blocks of two of them.

    Each stage but the first begins with a block that halves the image. With the default three, one and three blocks
    there are 15 convolutions along the way through the network: ResNet-15.

    Attributes:
        filters: channels of each stage.
        blocks: residual blocks of each stage, as many stages as ``filters``.
        normalise: normalise each convolution's output over the batch (arXiv:1502.03167).
    """

    kind: Literal["resnet"] = "resnet"
    filters: Widths = (16, 32)
    blocks: Widths = (3, 4)
    normalise: bool = True

    @model_validator(mode="after")
    def _as_many_stages(self) -> ResNetConfig:
        if len(self.filters) != len(self.blocks):
            raise ValueError(f"{len(self.filters)} filters for {len(self.blocks)} stages of blocks; give one for each")
        return self


class VGGConfig(ImageNetwork):
    """VGG16 (arXiv:1409.1556, configuration D) with one logit as output: 13 convolutions and three dense layers.

    Attributes:
        dense: width of its two hidden dense layers.
    """

    kind: Literal["vgg16"] = "vgg16"
    dense: PositiveInt = 4096


class ShowerNetConfig(ImageNetwork):
    """A network for sparse showers that stand in the centre of the image: it looks closely only where showers are.

    Attributes:
        window: rows and columns around the centre crystal that are looked at crystal by crystal; odd numbers.
        filters: channels of its convolutions.
        dense: widths of the hidden dense layers.
    """

    kind: Literal["shower"] = "shower"
    window: tuple[PositiveInt, PositiveInt] = (13, 21)
    filters: Widths = (24, 48)
    dense: tuple[PositiveInt, ...] = (96,)

    @model_validator(mode="after")
    def _has_a_centre(self) -> ShowerNetConfig:
        if any(size % 2 == 0 for size in self.window):
            raise ValueError(f"window: {self.window} has no crystal in its centre; use odd numbers")
        return self
