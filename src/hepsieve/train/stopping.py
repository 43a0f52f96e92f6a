"""When to stop: a pure rule that each epoch's monitored figure moves on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hepsieve.models.config import Monitor
from hepsieve.models.train_config import Keep
from hepsieve.train.objective import better_when_lower


def improves(monitor: Monitor, value: float, *, over: float, by: float = 0.0) -> bool:
    """Whether ``value`` is better than ``over`` by more than ``by``; a NaN never is.

    >>> improves("loss", 0.49, over=0.5), improves("auc", 0.49, over=0.5), improves("loss", 0.49, over=0.5, by=0.02)
    (True, False, False)
    """
    return over - value > by if better_when_lower(monitor) else value - over > by


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """Where a training stands: its best epoch so far, and how long ago that was.

    Attributes:
        monitor: the figure on validation; loss and RMSE fall, accuracies and AUC rise.
        patience: epochs without improvement after which training stops; None never stops.
        min_delta: a gain must exceed this to count, for stopping and for the best epoch alike.
        keep: ``last`` calls every epoch the best, whatever its figure.
        epoch: epochs seen.
        best_epoch: the last epoch that improved, from 1; None before the first, 0 for the weights that it began with.
        best: its figure.
    """

    monitor: Monitor
    patience: int | None
    min_delta: float = 0.0
    keep: Keep = "best"
    epoch: int = 0
    best_epoch: int | None = None
    best: float | None = None

    def begun(self, value: float) -> Stopping:
        """The rule of a training whose first weights, which others trained, give this figure: it must be beaten."""
        return replace(self, best_epoch=0, best=value)

    def seen(self, value: float) -> Stopping:
        """The rule after one more epoch, which gave this figure."""
        epoch = self.epoch + 1
        if self.keep == "last" or self.best is None or improves(self.monitor, value, over=self.best, by=self.min_delta):
            return replace(self, epoch=epoch, best_epoch=epoch, best=value)
        return replace(self, epoch=epoch)

    @property
    def improved(self) -> bool:
        """Whether the last epoch is the best one."""
        return self.best_epoch is not None and self.best_epoch == self.epoch

    @property
    def stop(self) -> bool:
        """Whether patience has run out."""
        return (
            self.patience is not None and self.best_epoch is not None and self.epoch - self.best_epoch >= self.patience
        )


def none_better(best_epoch: int | None) -> str | None:
    """A sentence where what a training began with is what it ends with."""
    if best_epoch != 0:
        return None
    return "no epoch was better on validation than what it began with, which is kept"
