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
            kind = self.kind  # type: ignore[attr-defined]
            raise ValueError(f"a model of kind {kind} looks at images; shower_shapes is for mlp, tabm, trees, adaboost")
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

    Each stage but the first begins with a block that halves the image. With the default three and four blocks
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
        require_as_many(self.filters, self.blocks)
        return self


class VGGConfig(ImageNetwork):
    """VGG16 (arXiv:1409.1556, configuration D) with one logit as output: 13 convolutions and three dense layers.

    Attributes:
        dense: width of its two hidden dense layers.
    """

    kind: Literal["vgg16"] = "vgg16"
    dense: PositiveInt = 4096


class ShowerNetConfig(ImageNetwork):
    """A residual network for showers that stand in the centre of the image: it looks only where they are.

    The window around the centre crystal is a quarter of an image of 32 × 32. Only the first stage, of few channels,
    sees it crystal by crystal; each further one begins with a convolution that halves it. So most of the network works
    on few pixels, and trains several times faster than a residual network on the whole image.

    Attributes:
        window: rows and columns around the centre crystal that are looked at; odd numbers. With 13 × 21 crystals of an
            electromagnetic calorimeter whose columns are the bending direction, half a per cent of the energy of
            50 GeV showers lies outside.
        kernel: rows and columns of the first convolution; odd numbers.
        filters: channels of each stage.
        blocks: residual blocks of each stage, as many stages as ``filters``.
    """

    kind: Literal["shower"] = "shower"
    window: tuple[PositiveInt, PositiveInt] = (13, 21)
    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    filters: Widths = (16, 32, 64)
    blocks: Widths = (1, 1, 1)

    @model_validator(mode="after")
    def _has_a_centre(self) -> ShowerNetConfig:
        for name, sizes in (("window", self.window), ("kernel", self.kernel)):
            if any(size % 2 == 0 for size in sizes):
                raise ValueError(f"{name}: {sizes} has no crystal in its centre; use odd numbers")
        require_as_many(self.filters, self.blocks)
        return self


def require_as_many(filters: tuple[int, ...], blocks: tuple[int, ...]) -> None:
    """Refuse stages without blocks, and blocks without a stage."""
    if len(filters) != len(blocks):
        raise ValueError(f"{len(filters)} filters for {len(blocks)} stages of blocks; give one for each")
