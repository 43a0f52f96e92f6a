"""A PyTorch network and its inputs turned into the derivatives of the logits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def input_gradient(model: torch.nn.Module, inputs: torch.Tensor, *, rows: int) -> NDArray[np.float32]:
    """How fast each input's logit rises with each of its values, in inference mode, the shape of ``inputs``.

    Args:
        model: to logits, shape (n,), or to logits and raw widths, shape (n, 2); left in the mode in which it was.
        inputs: on the model's device.
        rows: inputs in a batch.
    """
    was_training = model.training
    model.eval()
    found = []
    for batch in torch.split(inputs, rows):
        values = batch.clone().requires_grad_()
        outputs = model(values)
        logits = outputs if outputs.ndim == 1 else outputs[:, 0]
        # Each logit depends on its own input alone, so that the sum's derivative is that of each.
        (gradient,) = torch.autograd.grad(logits.sum(), values)
        found.append(gradient.cpu().numpy())
    model.train(was_training)
    return np.concatenate([np.empty((0, *inputs.shape[1:]), np.float32), *found])
