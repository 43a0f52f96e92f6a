"""Watch: what happens after each epoch of a network, in every framework: measure, record, decide, keep the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig
from hepsieve.models.mlp import Weights
from hepsieve.models.predictor import Predictor
from hepsieve.progress import Advance
from hepsieve.train.dead import dead_model
from hepsieve.train.figures import Figures, measure
from hepsieve.train.objective import CROSS_ENTROPY, Objective
from hepsieve.train.stopping import Stopping, none_better
from hepsieve.train.trained import OnEpoch, Part, Trained

_BEST = "best."


def summary(record: EpochRecord) -> str:
    """An epoch's validation in a few words, for a line of progress."""
    figures = {"AUC": record.validation_auc, "RMSE": record.validation_rmse}
    rest = "".join(f"  {name} {value:.4f}" for name, value in figures.items() if value is not None)
    return f"loss {record.validation_loss:.4f}{rest}"


class Watch:
    """The state of one network's training between its epochs.

    Attributes:
        name: of the model.
        history: a record per epoch so far.
        monitored: the monitored figure of each.
        best: weights after the best epoch, or after the last one where that is kept; those that it began with where no
            epoch was better.
    """

    def __init__(
        self,
        name: str,
        settings: TrainConfig,
        validation: Part,
        *,
        on_epoch: OnEpoch,
        advance: Advance,
        objective: Objective = CROSS_ENTROPY,
    ) -> None:
        """Begin to watch; ``validation`` is weighed like the training part."""
        self.history: list[EpochRecord] = []
        self.monitored: list[float] = []
        self.best: Weights = {}
        self.name = name
        self._settings = settings
        self._told: list[dict[str, Any]] = []
        self._validation = validation
        self._objective = objective
        self._on_epoch = on_epoch
        self._advance = advance
        self._best_outputs: NDArray[np.float64] = np.zeros(len(validation))
        self._began = self._epoch_began = perf_counter()
        self._stopping = Stopping(
            monitor=settings.monitor, patience=settings.patience, min_delta=settings.min_delta, keep=settings.keep
        )

    def begin(self, *, outputs: NDArray[np.float64], weights: Weights) -> None:
        """Measure the weights of another run that this training begins with: an epoch that is no better is not kept.

        Args:
            outputs: what the network gives for validation with them, as for ``end_epoch``.
            weights: a copy of them.

        Raises:
            TrainingError: if the validation loss is no number.
        """
        figures = measure(outputs, self._validation, self._objective)
        if not isfinite(figures.loss):
            raise self._diverged("the weights of start_from on validation", figures.loss)
        self._stopping = self._stopping.begun(figures.of(self._settings.monitor))
        self.best, self._best_outputs = weights, outputs

    @property
    def epoch(self) -> int:
        """The epoch that runs now, from 1."""
        return len(self.history) + 1

    @property
    def stop(self) -> bool:
        """Whether patience has run out."""
        return self._stopping.stop

    def check_batches(self, losses: NDArray[np.float64], *, first: int = 0) -> None:
        """Stop at the first batch whose loss is no number; ``first`` is the number of ``losses[0]``, from 0.

        Raises:
            TrainingError: naming the epoch and the batch.
        """
        broken = np.flatnonzero(~np.isfinite(losses))
        if broken.size:
            raise self._diverged(f"batch {first + int(broken[0]) + 1}", float(losses[broken[0]]))

    def end_epoch(
        self,
        *,
        train: Figures,
        outputs: NDArray[np.float64],
        rate: float,
        weights: Callable[[], Weights],
    ) -> None:
        """Measure validation, record the epoch, and keep the weights if it is the best so far.

        Args:
            train: figures of the epoch while it ran.
            outputs: what the network gives for validation now: logits, shape (n,); with predicted widths (n, 2).
            rate: the epoch's last learning rate.
            weights: copies those of now.

        Raises:
            TrainingError: if the validation loss is no number.
        """
        figures = measure(outputs, self._validation, self._objective)
        if not isfinite(figures.loss):
            raise self._diverged("validation", figures.loss)
        now = perf_counter()
        record = EpochRecord.model_validate(
            {
                "model": self.name,
                "epoch": self.epoch,
                "seconds": now - self._epoch_began,
                **train.named("train"),
                **figures.named("validation"),
                "learning_rate": rate,
            }
        )
        self._epoch_began = now
        self._count(record, figures.of(self._settings.monitor))
        if self._stopping.improved:
            self.best, self._best_outputs = weights(), outputs
        self._tell(record)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``resume`` needs, as it was after the last epoch: arrays, and facts that JSON can hold."""
        best = {f"{_BEST}{name}": values for name, values in self.best.items()}
        facts = {
            "history": list(self._told),
            "monitored": list(self.monitored),
            "seconds": perf_counter() - self._began,
            "epoch_seconds": perf_counter() - self._epoch_began,
        }
        return {"logits": self._best_outputs, **best}, facts

    def resume(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave; the epochs until then are told again, and their time counts."""
        self._began = perf_counter() - facts["seconds"]
        self._epoch_began = perf_counter() - facts["epoch_seconds"]
        self._best_outputs = arrays["logits"]
        self.best = {name.removeprefix(_BEST): arrays[name] for name in arrays if name.startswith(_BEST)}
        for values, monitored in zip(facts["history"], facts["monitored"], strict=True):
            record = EpochRecord.model_validate(values)
            self._count(record, monitored)
            self._tell(record)

    def finish(self, model: Predictor) -> Trained:
        """The result, with ``model`` holding the best weights."""
        assert self._stopping.best_epoch is not None
        dead = dead_model(self._best_outputs, self._validation, self._objective)
        return Trained(
            model=model,
            history=tuple(self.history),
            best_epoch=self._stopping.best_epoch,
            seconds=perf_counter() - self._began,
            warnings=tuple(said for said in (dead, none_better(self._stopping.best_epoch)) if said is not None),
        )

    def _count(self, record: EpochRecord, monitored: float) -> None:
        self.history.append(record)
        self._told.append(record.model_dump())
        self.monitored.append(monitored)
        self._stopping = self._stopping.seen(monitored)

    def _tell(self, record: EpochRecord) -> None:
        self._on_epoch(record)
        self._advance(1, summary(record))

    def _diverged(self, place: str, loss: float) -> TrainingError:
        return TrainingError(
            f"{self.name}: epoch {self.epoch}, {place}: the loss is {loss}; "
            f"lower train.learning_rate (now {self._settings.learning_rate:g}) or check the inputs"
        )
