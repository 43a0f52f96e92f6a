"""What a user may choose about networks for tables: an ensemble within one network, and embeddings of its inputs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hepsieve.models.learner import Activation, Frozen
from hepsieve.models.network import Network


class Piecewise(Frozen):
    """Piecewise-linear encoding of each input, then a linear layer of its own and ReLU (arXiv:2203.05556, sec. 3.2).

    Attributes:
        bins: how many intervals an input is divided into, at quantiles of the training part; an input of fewer distinct
            values gets fewer.
        size: how many numbers stand for each input.
        linear: the layer sees the input itself, too: embedded = ReLU(W · encoding(x) + v · x + b). The encoding then
            ends at 0 and 1; without it the first and the last bin go on outside the edges, as in the paper.
    """

    kind: Literal["piecewise"] = "piecewise"
    bins: Annotated[int, Field(ge=2)] = 32
    size: PositiveInt = 8
    linear: bool = True


class Periodic(Frozen):
    """Sines and cosines of each input, then a linear layer of its own and ReLU (arXiv:2203.05556, sec. 3.3).

    Attributes:
        frequencies: how many are learned for each input.
        sigma: standard deviation of the first frequencies, in periods per unit of the prepared input.
        size: how many numbers stand for each input.
    """

    kind: Literal["periodic"] = "periodic"
    frequencies: PositiveInt = 24
    sigma: Annotated[float, Field(gt=0)] = 0.1
    size: PositiveInt = 8


EmbeddingConfig = Annotated[Piecewise | Periodic, Field(discriminator="kind")]


class TabMConfig(Network):
    """An ensemble of networks in one for tables, TabM (arXiv:2410.24210); images and waveforms are flattened for it.

    The members share each layer's matrix W, before and after which each has factors r and s and a bias b of its own:
    its layer is ((x · r) W) · s + b. Each member learns by itself, all see the same batches, and the score is the mean
    of theirs. Unless ``initialiser`` says otherwise weights begin as the paper's.

    Attributes:
        members: how many; with 1 this is a single network.
        blocks: hidden layers; with ``residual`` blocks of two layers each, after a first layer.
        width: nodes of each hidden layer.
        residual: add each block's input to its output.
        normalisation: ``layer`` normalises (arXiv:1607.06450) before every activation, and with ``residual`` the input
            of every block and of the outputs.
        dropout: the share of nodes left out in training, drawn for each member by itself; PyTorch on a CPU takes the
            nearest multiple of 1/256 where layers are plain ones of ReLU.
        embedding: what each input becomes first, the same for all members; null leaves inputs as they are.
    """

    kind: Literal["tabm"] = "tabm"
    members: PositiveInt = 32
    blocks: PositiveInt = 2
    width: PositiveInt = 256
    residual: bool = False
    normalisation: Literal["none", "layer"] = "none"
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    embedding: EmbeddingConfig | None = None
