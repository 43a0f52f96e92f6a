"""Predictor: what every trained model can do, whichever framework it lives in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Predictor(Protocol):
    """A trained model that turns prepared inputs into scores."""

    @property
    def framework(self) -> str:
        """``torch``, ``keras``, ``xgboost`` or ``scikit-learn``."""

    @property
    def parameters(self) -> int:
        """How many numbers the training chose."""

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores in [0, 1], shape (n,), of prepared inputs of shape (n, q); computed in batches.

        Of a regression these are the predictions, as shares of the target's full scale.
        """

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """The standard deviation of each score, shape (n,), where the model predicts one (``loss: gaussian``)."""

    def save(self, folder: Path) -> None:
        """Write the model into an existing folder, in files that hold numbers only."""


@runtime_checkable
class Differentiable(Protocol):
    """A trained network, which tells how its logits change with its inputs; trees can't."""

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """How fast each input's logit rises with each of its values, the shape of ``inputs``; None where unknown."""
