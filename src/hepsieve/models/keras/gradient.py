"""A Keras network and its inputs turned into the derivatives of the logits, by the backend's own differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]


def input_gradient(model: Any, inputs: Batch, *, rows: int) -> Batch | None:
    """How fast each input's logit rises with each of its values, in inference mode, the shape of ``inputs``.

    None on a backend other than PyTorch and TensorFlow.

    Args:
        model: to logits, shape (n, 1), or to logits and raw widths, shape (n, 2).
        inputs: prepared inputs.
        rows: inputs in a batch.
    """
    match keras.backend.backend():
        case "torch":
            gradient = _on_torch(model)
        case "tensorflow":
            gradient = _on_tensorflow(model)
        case _:
            return None
    batches = [np.asarray(inputs[k : k + rows]) for k in range(0, len(inputs), rows)]
    found = [np.asarray(gradient(batch), np.float32) for batch in batches]
    return np.concatenate([np.empty((0, *inputs.shape[1:]), np.float32), *found])


def _on_torch(model: Any) -> Callable[[Batch], Batch]:
    import torch

    def gradient(batch: Batch) -> Batch:
        values = torch.tensor(batch, requires_grad=True)
        # Each logit depends on its own input alone, so that the sum's derivative is that of each.
        (found,) = torch.autograd.grad(model(values, training=False)[:, 0].sum(), values)
        return np.asarray(found.cpu().numpy())

    return gradient


def _on_tensorflow(model: Any) -> Callable[[Batch], Batch]:
    import tensorflow

    # As a graph, from which the derivatives of the weights are left out; some builds can't take those of small batches.
    @tensorflow.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def graph(values: Any) -> Any:
        with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            total = tensorflow.reduce_sum(model(values, training=False)[:, 0])
        return tape.gradient(total, values)

    return lambda batch: np.asarray(graph(tensorflow.convert_to_tensor(batch)))
