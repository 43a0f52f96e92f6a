"""TabMConfig to a PyTorch module: in training the outputs of every member, otherwise those of all of them as one."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import ClassVar, assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import layer_norm, logsigmoid

from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import NARROWEST, WIDEST, scores_of, widths_of
from hepsieve.models.tabular import EDGES, LINEAR, initial_weights, weight_shapes
from hepsieve.models.tabular_config import Periodic, Piecewise, TabMConfig
from hepsieve.models.torch.gradient import input_gradient
from hepsieve.models.torch.mlp import WEIGHTS_FILE, activation, as_tensor
from hepsieve.models.torch.outputs import width
from hepsieve.models.torch.team import score_in_batches
from hepsieve.models.weights import load_shaped, save_arrays

# A batch's widest layer has so many values: they stay in the processor's caches.
_VALUES_AT_ONCE = 600_000
_ROWS_OF_GRADIENTS = 512


class TabM(torch.nn.Module):
    """An ensemble in one network; weights have their canonical names, with two underscores for a dot.

    Attributes:
        config: the architecture.
        outputs: of each member: 1, or 2 with a predicted width.
    """

    def __init__(self, config: TabMConfig, inputs: int) -> None:
        """A network whose weights are still unset."""
        super().__init__()
        self.config = config
        shapes = weight_shapes(config, inputs)
        self.outputs = shapes["heads.bias"][1]
        self.layers = sum(name.endswith("input_scale") for name in shapes)
        for name, shape in shapes.items():
            empty = torch.empty(shape)
            if name == EDGES:
                self.register_buffer(_attribute(name), empty)
            else:
                self.register_parameter(_attribute(name), torch.nn.Parameter(empty))
        self._activation = activation(config.activation)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Of inputs of shape (n, q).

        In training the outputs of every member, shape (n, members, outputs), float32; otherwise logits, shape (n,), or
        logits and raw widths, shape (n, 2).
        """
        values = self.embedded(inputs).unsqueeze(0)
        values = self._residual(values) if self.config.residual else self._plain(values)
        # Outputs in float32 whatever the precision: the loss needs theirs.
        with torch.autocast(inputs.device.type, enabled=False):
            heads = torch.baddbmm(self.of("heads.bias").unsqueeze(1), values.float(), self.of("heads.weight"))
        members = heads.transpose(0, 1)
        return members if self.training else joined(members)

    def _plain(self, values: torch.Tensor) -> torch.Tensor:
        for number in range(self.config.blocks):
            values = self._linear(number, values)
            values = self._dropped(self._activation(self._normalised(number, values)))
        return values

    def _residual(self, values: torch.Tensor) -> torch.Tensor:
        values = self._linear(0, values)
        for number in range(self.config.blocks):
            inside = self._activation(self._linear(2 * number + 1, self._normalised(number, values)))
            values = values + self._linear(2 * number + 2, self._dropped(inside))
        normalised: torch.Tensor = self._activation(self._normalised(self.config.blocks, values))
        return normalised

    def _linear(self, number: int, values: torch.Tensor) -> torch.Tensor:
        """Shape (members, n, in), of the first layer (1, n, in), to (members, n, out)."""
        before, after, bias = (
            self.of(f"layers.{number}.{name}").to(values.dtype).unsqueeze(1)
            for name in ("input_scale", "output_scale", "bias")
        )
        product = torch.nn.functional.linear(values * before, self.of(f"layers.{number}.weight"))
        return torch.addcmul(bias.to(product.dtype), product, after.to(product.dtype))

    def _normalised(self, number: int, values: torch.Tensor) -> torch.Tensor:
        if self.config.normalisation == "none":
            return values
        weight, bias = self.of(f"norms.{number}.weight"), self.of(f"norms.{number}.bias")
        return layer_norm(values.float(), (self.config.width,), weight, bias).to(values.dtype)

    def _dropped(self, values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(values, self.config.dropout, self.training)

    def embedded(self, inputs: torch.Tensor) -> torch.Tensor:
        """Shape (n, q) to (n, q) or (n, q · size)."""
        if self.config.embedding is None:
            return inputs
        bias = self.of("embedding.bias").unsqueeze(1)
        match self.config.embedding:
            case Piecewise(linear=linear):
                encoded = piecewise(inputs, self.of(EDGES), open_ends=not linear)
                if linear:
                    bias = torch.addcmul(bias, inputs.t().unsqueeze(2), self.of(LINEAR).unsqueeze(1))
            case Periodic():
                angles = 2 * pi * inputs.unsqueeze(2) * self.of("embedding.frequencies")
                encoded = torch.cat([torch.sin(angles), torch.cos(angles)], dim=2)
            case _:
                assert_never(self.config.embedding)
        embedded = torch.baddbmm(bias, encoded.transpose(0, 1), self.of("embedding.weight"))
        return torch.relu(embedded).transpose(0, 1).flatten(1)

    def of(self, name: str) -> torch.Tensor:
        """The weights of this canonical name."""
        found: torch.Tensor = getattr(self, _attribute(name))
        return found


def piecewise(inputs: torch.Tensor, edges: torch.Tensor, *, open_ends: bool) -> torch.Tensor:
    """Which share of each bin lies below each input, shape (n, q) to (n, q, bins); eq. (1) of arXiv:2203.05556.

    A bin of no width gives 0.

    Args:
        inputs: shape (n, q).
        edges: shape (q, bins + 1), rising.
        open_ends: the first bin goes on below 0 and the last above 1.
    """
    low, size = edges[:, :-1], edges.diff(dim=1)
    inverse = torch.where(size > 0, 1 / size, 0.0)
    shares = (inputs.unsqueeze(2) - low) * inverse
    if not open_ends:
        return torch.clamp(shares, 0, 1)
    least, most = shares.new_zeros(low.shape[1]), shares.new_ones(low.shape[1])
    least[0], most[-1] = -torch.inf, torch.inf
    return torch.clamp(shares, least, most)


def joined(members: torch.Tensor) -> torch.Tensor:
    """As ``hepsieve.models.tabular.joined``: outputs of all members, shape (n, members, outputs), as those of one."""
    each = members[..., 0]
    signal, background = logsigmoid(each), logsigmoid(-each)
    logit = torch.logsumexp(signal, 1) - torch.logsumexp(background, 1)
    if members.shape[2] == 1:
        return logit
    variance = width(members[..., 1]).square().mean(1) + signal.exp().var(1, correction=0)
    share = ((variance.sqrt() - NARROWEST) / (WIDEST - NARROWEST)).clamp(1e-6, 1 - 1e-6)
    return torch.stack([logit, torch.logit(share)], 1)


def build(config: TabMConfig, inputs: int, *, train: NDArray[np.float32], seed: int) -> TabM:
    """An untrained network; torch's global random state is neither read nor changed.

    Args:
        config: the architecture.
        inputs: number of prepared inputs, q.
        train: prepared inputs of the training part, shape (n, q), whose quantiles become edges of bins.
        seed: of the first weights.
    """
    model = TabM(config, inputs)
    set_weights(model, initial_weights(config, inputs, train=train, seed=seed))
    return model


def weights(model: TabM) -> Weights:
    """A copy of the weights under their canonical names, the edges of bins among them."""
    return {name: np.array(value.detach().cpu().numpy()) for name, value in _named(model).items()}


@torch.no_grad()
def set_weights(model: TabM, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    for name, value in _named(model).items():
        value.copy_(torch.tensor(values[name]))


def logits(model: TabM, inputs: torch.Tensor) -> NDArray[np.float64]:
    """Logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode and float32.

    Batch by batch, on the device of ``inputs``.
    """
    rows = max(1, _VALUES_AT_ONCE // (model.config.members * max(model.config.width, inputs.shape[1])))
    found = score_in_batches(model, inputs, rows=rows, outputs=model.outputs)
    return np.asarray(found.cpu().numpy())


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchTabularPredictor:
    """A trained PyTorch network for tables, on the CPU."""

    framework: ClassVar[str] = "torch"
    model: TabM

    @property
    def parameters(self) -> int:
        """Number of weights, factors and biases; edges of bins are not counted."""
        return sum(p.numel() for p in self.model.parameters())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Means of the members' scores, shape (n,)."""
        return scores_of(logits(self.model, as_tensor(inputs)))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if self.model.outputs == 1:
            return None
        return widths_of(logits(self.model, as_tensor(inputs)))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """How fast the logit of each event rises with each of its inputs, shape (n, q)."""
        return input_gradient(self.model, as_tensor(inputs), rows=_ROWS_OF_GRADIENTS)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def load(config: TabMConfig, folder: Path, inputs: int) -> TorchTabularPredictor:
    """The network that a predictor of either framework wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    model = TabM(config, inputs)
    set_weights(model, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, inputs)))
    return TorchTabularPredictor(model=model.eval())


def _named(model: TabM) -> dict[str, torch.Tensor]:
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name.replace("__", "."): value for name, value in tensors.items()}


def _attribute(name: str) -> str:
    return name.replace(".", "__")
