"""What a user may choose about a network that looks at waveforms."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from hepsieve.models.image_config import Widths, require_as_many
from hepsieve.models.network import Network


class WaveformNetwork(Network):
    """What every network that looks at waveforms may have of its own.

    Attributes:
        dropout: between the dense layers at its end.
    """

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _sees_samples(self) -> Self:
        if self.shower_shapes or self.pulse_shapes:
            kind = self.kind  # type: ignore[attr-defined]
            raise ValueError(f"a model of kind {kind} looks at waveforms; shapes are for mlp, tabm, trees, adaboost")
        return self


class WaveCNNConfig(WaveformNetwork):
    """One convolution along time, max pooling, one dense layer: the network of many a first try.

    With the default numbers and 5,000 samples it has 998,729 parameters.

    Attributes:
        filters: channels of the convolution.
        kernel: samples that each of its values sees; none are added at the ends.
        pool: samples that each maximum is taken of; what is left at the end is dropped.
        dense: width of the hidden dense layer.
    """

    kind: Literal["wave-cnn"] = "wave-cnn"
    filters: PositiveInt = 32
    kernel: PositiveInt = 3
    pool: PositiveInt = 16
    dense: PositiveInt = 100


class WaveResNetConfig(WaveformNetwork):
    """A residual network along time (arXiv:1512.03385): a strided convolution, then stages of residual blocks.

    Each stage but the first begins with a block that halves the waveform.

    Attributes:
        kernel: samples that each convolution sees; an odd number.
        stem: samples that the first convolution sees; an odd number.
        stride: samples from one position of the first convolution to the next.
        filters: channels of each stage.
        blocks: residual blocks of each stage, as many stages as ``filters``.
        normalise: normalise each convolution's output over the batch (arXiv:1502.03167).
    """

    kind: Literal["wave-resnet"] = "wave-resnet"
    kernel: PositiveInt = 7
    stem: PositiveInt = 31
    stride: PositiveInt = 10
    filters: Widths = (16, 32, 64)
    blocks: Widths = (2, 2, 2)
    normalise: bool = True

    @model_validator(mode="after")
    def _can_be_built(self) -> WaveResNetConfig:
        require_as_many(self.filters, self.blocks)
        _require_odd(kernel=self.kernel, stem=self.stem)
        return self


class PulseNetConfig(WaveformNetwork):
    """A network for pulses that are much longer than a sample: it bins samples, looks ever wider, and measures times.

    Bins keep what there is to know, as the light of one electron spreads over microseconds, and leave a fraction of the
    work. Residual blocks of convolutions with growing gaps (dilation, arXiv:1609.03499) see both pulses at once. Of
    what they find only the positions along time go on, to small dense layers (arXiv:1801.07372).

    Attributes:
        rebin: samples that one bin is the mean of.
        root: take the square root of the bins first, so that photons make as much noise wherever they are; pulses of
            few electrons show then.
        stem: bins that the first convolution sees; an odd number.
        stride: bins from one position of the first convolution to the next.
        filters: channels of all convolutions.
        kernel: positions that each further convolution sees; an odd number.
        dilations: one residual block for each: the gap from one of those positions to the next.
        normalise: normalise each convolution's output over the batch (arXiv:1502.03167).
        positions: how many it measures.
        dense: widths of the hidden dense layers.
    """

    kind: Literal["pulse"] = "pulse"
    rebin: PositiveInt = 20
    root: bool = True
    stem: PositiveInt = 11
    stride: PositiveInt = 2
    filters: PositiveInt = 32
    kernel: PositiveInt = 5
    dilations: Widths = (1, 2, 4, 8, 16)
    normalise: bool = True
    positions: PositiveInt = 16
    dense: tuple[PositiveInt, ...] = (64,)

    @model_validator(mode="after")
    def _can_be_built(self) -> PulseNetConfig:
        _require_odd(kernel=self.kernel, stem=self.stem)
        return self


def _require_odd(**sizes: int) -> None:
    for name, size in sizes.items():
        if size % 2 == 0:
            raise ValueError(f"{name}: {size} has no middle; use an odd number")
