"""What a PyTorch network gives for a batch to its losses, and to their derivatives where these are written by hand."""

from __future__ import annotations

from typing import assert_never

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from hepsieve.models.torch.outputs import width
from hepsieve.train.losses import losses_of_shares
from hepsieve.train.objective import Objective


def weighted_losses(
    objective: Objective, outputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """The loss of each event times its share, shape (n,).

    Args:
        objective: which loss.
        outputs: logits, shape (n,), float32; with a predicted width (n, 2).
        target: in [0, 1], shape (n,).
        share: what each event's loss is weighted with, shape (n,).
    """
    if objective.loss == "cross_entropy":
        return binary_cross_entropy_with_logits(outputs, target, weight=share, reduction="none")
    raw = outputs[:, 1] if outputs.ndim == 2 else None
    predicted, wide = scores(outputs), None if raw is None else width(raw)
    losses: torch.Tensor = losses_of_shares(objective, predicted, wide, target, torch)
    return losses * share


def members_losses(
    objective: Objective, outputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """The mean of the members' own losses of each event times its share, shape (n,).

    Args:
        objective: which loss.
        outputs: of every member, shape (n, members, 1), or (n, members, 2) with predicted widths.
        target: in [0, 1], shape (n,).
        share: what each event's loss is weighted with, shape (n,).
    """
    events, members = outputs.shape[:2]
    target, share = (values.repeat_interleave(members) for values in (target, share))
    each = weighted_losses(objective, outputs.flatten(0, 1).squeeze(1), target, share)
    return each.view(events, members).mean(1)


def scores(outputs: torch.Tensor) -> torch.Tensor:
    """Sigmoids of the logits, shape (n,), whether or not raw widths stand beside them."""
    return torch.sigmoid(outputs if outputs.ndim == 1 else outputs[:, 0])


def logit_derivatives(objective: Objective, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The derivative of each event's loss with respect to its logit, shape (n,), where there is but one."""
    score = torch.sigmoid(logits)
    match objective.loss:
        case "cross_entropy":
            return score - target
        case "squared":
            return (score - target).mul_(2).mul_(score).mul_(1 - score)
        case "huber":
            delta = objective.huber_delta
            return (score - target).clamp_(-delta, delta).mul_(score).mul_(1 - score)
        case "gaussian":
            raise ValueError("a predicted width has a derivative of its own")
        case _:
            assert_never(objective.loss)
