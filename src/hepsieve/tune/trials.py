"""Proposals of a search to orders for its workers: each preparation is fitted and written once, for all trials."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path

import numpy as np

from hepsieve.config import TaskConfig
from hepsieve.engines import Engine
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, IntArray
from hepsieve.models.config import ModelConfig
from hepsieve.prepare import Split
from hepsieve.prepare.split import folds
from hepsieve.progress import Progress
from hepsieve.spill import positions
from hepsieve.train.elsewhere import Order
from hepsieve.train.inputs import Inputs, inputs_key, inputs_of, learned_from, part_of, require_inputs, watched_fold
from hepsieve.train.objective import keeps_last
from hepsieve.train.stored_inputs import StoredInputs, store_inputs
from hepsieve.tune.trial import TrialOrder, carry_out_trial, known_outcome
from hepsieve.tune.trial_values import Proposal, TrialOutcome
from hepsieve.tune_config import TuneMetric


class Trials:
    """What sends the trials of a search to an engine.

    A trial learns from the training part alone. It is judged on the validation part, or, with folds, on each fold by a
    training that neither learned from it nor was stopped by it.
    """

    def __init__(self, parts: Split, config: TaskConfig, *, folder: Path, engine: Engine, progress: Progress) -> None:
        """Begin with nothing prepared.

        Args:
            parts: the divided events.
            config: the task, with its section ``tune``.
            folder: of the study; prepared inputs, states of trainings and outcomes are kept there.
            engine: what carries the trials out.
            progress: shows that events are prepared.
        """
        assert config.tune is not None
        self._parts, self._config = parts, config
        self._metric: TuneMetric = config.tune.metric or config.selects_by
        self._folds, self._threads = config.tune.folds, config.tune.threads
        self._folder, self._engine, self._progress = folder, engine, progress
        self._stored: dict[Hashable, list[tuple[StoredInputs, StoredInputs]]] = {}

    def __call__(self, proposal: Proposal) -> Future[TrialOutcome]:
        """Send a trial; one that was carried out before, or that the data can't have, is there at once."""
        done: Future[TrialOutcome] = Future()
        try:
            order = self._order(proposal)
        except (ConfigError, DataError) as error:
            done.set_result(TrialOutcome(figure=None, epochs=None, seconds=0.0, error=str(error), ended=True))
            return done
        known = known_outcome(order)
        if known is None:
            return self._engine.submit(carry_out_trial, order)
        done.set_result(known)
        return done

    def _order(self, proposal: Proposal) -> TrialOrder:
        task, model = proposal.task, proposal.task.trained()[proposal.model]
        require_inputs({proposal.model: model}, self._parts, task.prepare, task.train)
        stored = self._inputs(task, proposal.model, model)
        orders = tuple(
            Order(
                title=f"trial {proposal.number}",
                config=model,
                settings=task.train,
                seed=self._config.seed + number,
                inputs=inputs,
                checkpoint=self._folder / "checkpoints" / _digest(model, task, self._config.seed + number, inputs),
                share=proposal.share,
                threads=self._threads,
            )
            for number, (inputs, _) in enumerate(stored)
        )
        return TrialOrder(
            orders=orders,
            held_out=tuple(held_out for _, held_out in stored),
            metric=self._metric,
            folder=self._folder,
        )

    def _inputs(self, task: TaskConfig, name: str, model: ModelConfig) -> list[tuple[StoredInputs, StoredInputs]]:
        """For each training what it gets, and what it is judged on."""
        same = (
            inputs_key(name, model, task.train),
            task.prepare.model_dump_json(),
            task.train.balance,
            task.train.negative_weights,
            task.train.symmetries,
            keeps_last(model, task.train),
        )
        if same not in self._stored:
            number_of_trainings = 1 if self._fold is None else int(self._fold.max()) + 1
            with self._progress.task("preparing events", number_of_trainings) as advance:
                self._stored[same] = []
                for number in range(number_of_trainings):
                    self._stored[same].append(self._prepared(number, task, name, model))
                    advance()
        return self._stored[same]

    def _prepared(
        self, number: int, task: TaskConfig, name: str, model: ModelConfig
    ) -> tuple[StoredInputs, StoredInputs]:
        learned, watched, held_out = self._divided(number, last=keeps_last(model, task.train))
        inputs = inputs_of(
            model,
            learned,
            watched,
            prepare=task.prepare,
            settings=task.train,
            seed=self._config.seed + number,
            impute=task.audit.missing == "impute",
            simulated=self._parts.simulated,
            name=name,
            fold=None if self._fold is None else number,
        )
        stored = store_inputs(inputs, self._folder / "inputs")
        if held_out is watched and not model.train_on:
            return stored, stored
        judged = part_of(held_out, inputs.preparation)
        none = part_of(held_out[np.arange(0)], inputs.preparation)
        alone = Inputs(preparation=inputs.preparation, train=none, validation=judged)
        return stored, store_inputs(alone, self._folder / "inputs")

    @cached_property
    def _fold(self) -> IntArray | None:
        """Of each event of the training part the fold that holds it out; None where the parts say what is held out."""
        if self._parts.fold is None and self._folds is not None:
            blocks = self._config.split.file_order_blocks
            return folds(self._parts.train, self._folds, file_order_blocks=blocks, seed=self._config.seed)
        return self._parts.fold

    def _divided(self, number: int, *, last: bool) -> tuple[Events, Events, Events]:
        """What a training learns from, is watched on and is judged on."""
        train, fold = self._parts.train, self._fold
        if fold is None:
            return train, self._parts.validation, self._parts.validation
        k = int(fold.max()) + 1
        learned = train[positions(learned_from(fold, number, k, keeps_last=last))]
        held_out, watched = train[positions(fold, number)], watched_fold(number, k, keeps_last=last)
        return learned, held_out if watched == number else train[positions(fold, watched)], held_out


def _digest(model: ModelConfig, task: TaskConfig, seed: int, inputs: StoredInputs) -> str:
    """The same for all shares of one training."""
    content = [model.model_dump(mode="json"), task.train.model_dump(mode="json"), seed, inputs.digest]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
