"""EpochRecord: what one epoch of training leaves in history.jsonl."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class EpochRecord(BaseModel):
    """One epoch (or boosting round) of training, as in history.jsonl; None where a backend has no such figure.

    Attributes:
        model: the model's name in the task.
        fold: which training of the model, counted from 1, where it was cross-validated.
        epoch: counted from 1; boosting rounds and ensemble members count likewise.
        seconds: wall-clock time of this epoch.
        train_loss: mean training loss while the epoch ran (dropout active, weights moving).
        train_accuracy: share of training events on the right side of 0.5, likewise.
        train_rmse: root of the mean squared residual while the epoch ran; of a regression, a share of the full scale.
        train_tolerance_accuracy: of a regression, the share of events whose prediction rounds to the same tenth of the
            full scale as the truth.
        validation_loss: loss on validation after the epoch, with the training's weighting.
        learning_rate: of the epoch's last step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    fold: int | None = None
    epoch: int
    seconds: float
    train_loss: float | None = None
    train_accuracy: float | None = None
    train_auc: float | None = None
    train_rmse: float | None = None
    train_tolerance_accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_auc: float | None = None
    validation_rmse: float | None = None
    validation_tolerance_accuracy: float | None = None
    learning_rate: float | None = None
