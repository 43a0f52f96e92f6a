"""What the Keras training asks of a network, whichever kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

# Chooses Keras's backend, so it comes before keras.
from hepsieve.models.keras import mlp, spatial, tabular

# isort: split
import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import MLPConfig, TabMConfig
from hepsieve.models.mlp import Weights
from hepsieve.spill import blocks, let_go
from hepsieve.train.arithmetic import NetworkConfig

# Images or waveforms of a mapped file that are in memory at a time.
_IMAGES_AT_ONCE = 1 << 13

KerasNetworkPredictor = mlp.KerasPredictor | tabular.KerasTabularPredictor | spatial.KerasSpatialPredictor


@dataclass(frozen=True, eq=False)
class Family:
    """One network.

    Attributes:
        config: the architecture.
        train: the inputs of the training part, shape (n, …).
    """

    config: NetworkConfig
    train: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the inputs of one event."""
        return self.train.shape[1:]

    @property
    def members(self) -> bool:
        """Whether in training it gives the outputs of several members."""
        return isinstance(self.config, TabMConfig)

    def build(self, *, seed: int, precision: mlp.Precision) -> Any:
        """Untrained."""
        match self.config:
            case MLPConfig():
                return mlp.build(self.config, prod(self.shape), seed=seed, precision=precision)
            case TabMConfig():
                return tabular.build(self.config, prod(self.shape), train=self.train, seed=seed, precision=precision)
            case _:
                return spatial.build(self.config, self.shape, seed=seed, precision=precision)

    def weights(self, model: Any) -> Weights:
        """A copy under canonical names, with all that is not learned by descent."""
        match self.config:
            case MLPConfig():
                return mlp.weights(model)
            case TabMConfig():
                return tabular.weights(self.config, model)
            case _:
                return spatial.weights(model)

    def set_weights(self, model: Any, values: Weights) -> None:
        """Write canonical weights into the model, in place."""
        match self.config:
            case MLPConfig():
                mlp.set_weights(model, values)
            case TabMConfig():
                tabular.set_weights(self.config, model, values)
            case _:
                spatial.set_weights(model, values)

    def logits(self, model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shape (n,) or (n, 2), in inference mode; what lies on a file is no longer in memory afterwards."""
        match self.config:
            case MLPConfig():
                return mlp.logits(model, inputs)
            case TabMConfig():
                return tabular.logits(self.config, model, inputs)
        found = []
        for part in blocks(inputs, rows=_IMAGES_AT_ONCE):
            found.append(spatial.logits(model, inputs[part]))
            let_go(inputs)
        return np.concatenate(found)

    def predictor(self, values: Weights) -> KerasNetworkPredictor:
        """A float32 network with these weights, on the CPU."""
        match self.config:
            case MLPConfig():
                return mlp.from_weights(self.config, values)
            case TabMConfig():
                return tabular.from_weights(self.config, prod(self.shape), values)
            case _:
                return spatial.from_weights(self.config, self.shape, values)
