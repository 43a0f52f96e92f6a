"""What happens after each round of boosting: record, decide whether to stop, and keep a state to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
import xgboost

from hepsieve.history import EpochRecord
from hepsieve.models.config import TreesConfig
from hepsieve.progress import Advance
from hepsieve.train.boosting import round_record
from hepsieve.train.checkpoint import Checkpoint, States
from hepsieve.train.objective import Kind
from hepsieve.train.stopping import Stopping
from hepsieve.train.trained import OnEpoch
from hepsieve.train.watch import summary

_FORMAT = 1


class Rounds(xgboost.callback.TrainingCallback):
    """Turns xgboost's log into records, stops it after too many rounds without a gain, and keeps the trees so far.

    Attributes:
        history: a record per round so far.
        began: when the training began, its time before a break included.
    """

    def __init__(
        self,
        name: str,
        config: TreesConfig,
        kind: Kind,
        *,
        began: float,
        most: int,
        on_epoch: OnEpoch,
        advance: Advance,
        checkpoint: Checkpoint | None,
        training: Mapping[str, Any],
        begun: float | None = None,
    ) -> None:
        """Begin before the first round.

        Args:
            name: the model's.
            config: how it learns.
            kind: of the targets.
            began: when, by ``perf_counter``.
            most: rounds after which this call ends; no state of a later round is taken up.
            on_epoch: hears of every round.
            advance: moves on by one for each.
            checkpoint: where states are kept; nowhere if None.
            training: what must be the same for a state to be this training's, as JSON.
            begun: the watched figure of the trees that it began with, which must be beaten; None without any.
        """
        super().__init__()
        self.history: list[EpochRecord] = []
        self.began = began
        self._round_began = perf_counter()
        self._name, self._config, self._kind, self._most = name, config, kind, most
        self._on_epoch, self._advance = on_epoch, advance
        self._states = States(checkpoint, {"format": _FORMAT, **training})
        stopping = Stopping(monitor="loss" if kind == "classification" else "rmse", patience=config.patience)
        self._stopping = stopping if begun is None else stopping.begun(begun)

    @property
    def best(self) -> int:
        """The best round on validation, from 1; 0 where none was better than the trees that it began with."""
        assert self._stopping.best_epoch is not None
        return self._stopping.best_epoch

    @property
    def left(self) -> int:
        """How many rounds may follow."""
        return 0 if self._stopping.stop else max(0, self._most - len(self.history))

    def taken_up(self) -> Any:
        """The trees of the last state, as a booster, after their rounds were told again; None without one."""
        found = self._states.load(fits=lambda facts: len(facts["history"]) <= self._most)
        if found is None:
            return None
        arrays, facts = found
        self.began -= facts["seconds"]
        for values in facts["history"]:
            self._count(EpochRecord.model_validate(values))
        self._states.tell(f"{self._name}: taken up after round {len(self.history)}")
        return xgboost.Booster(model_file=bytearray(arrays["trees"].tobytes()))

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Record a round; true ends the training."""
        now = perf_counter()
        before, seconds = len(self.history) - epoch, now - self._round_began
        record = round_record(
            self._name, self._config, self._kind, evals_log, number=epoch, seconds=seconds, before=before
        )
        self._round_began = now
        self._count(record)
        if self._states.due:
            self.save(model)
        return self._stopping.stop

    def save(self, booster: Any) -> None:
        """Keep these trees, which are all so far, if there is a place for them."""
        if not self._states.kept:
            return
        facts = {
            "history": [record.model_dump() for record in self.history],
            "seconds": perf_counter() - self.began,
        }
        self._states.save({"trees": np.frombuffer(booster.save_raw("ubj"), np.uint8)}, facts)

    def _count(self, record: EpochRecord) -> None:
        self.history.append(record)
        monitored = record.validation_loss if self._kind == "classification" else record.validation_rmse
        assert monitored is not None
        self._stopping = self._stopping.seen(monitored)
        self._on_epoch(record)
        self._advance(1, summary(record))
