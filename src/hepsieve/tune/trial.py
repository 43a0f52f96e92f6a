"""One trial of a search as it is sent to a worker, carried out there, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepsieve.errors import ConfigError, DataError, HepsieveError, TrainingError
from hepsieve.manifest import new_file
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.elsewhere import Order, trained
from hepsieve.train.share import most_epochs, paused_after
from hepsieve.train.stored_inputs import StoredInputs
from hepsieve.train.trained import Part, Trained
from hepsieve.tune.figure import figure
from hepsieve.tune.trial_values import TrialOutcome
from hepsieve.tune_config import TuneMetric

# What PyTorch, numpy and xgboost say when memory runs out, whichever type of error they raise.
_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|bad_alloc|unable to allocate", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TrialOrder:
    """A trial for a worker: one training, or one for each fold.

    Attributes:
        orders: the trainings.
        held_out: for each, the validation events of these stored inputs are what it is judged on.
        metric: by which figure.
        folder: of the study; what becomes of the trial is kept there.
    """

    orders: tuple[Order, ...]
    held_out: tuple[StoredInputs, ...]
    metric: TuneMetric
    folder: Path

    @property
    def outcome(self) -> Path:
        """The file that holds what became of this trial; its name says all that the figure depends on."""
        digest = hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:24]
        return self.folder / "outcomes" / f"{digest}.json"

    def _content(self) -> list[Any]:
        trainings = [
            [
                order.config.model_dump(mode="json"),
                order.settings.model_dump(mode="json"),
                order.seed,
                order.inputs.digest,
                held_out.digest,
                order.share,
            ]
            for order, held_out in zip(self.orders, self.held_out, strict=True)
        ]
        return [self.metric, trainings]


def known_outcome(order: TrialOrder) -> TrialOutcome | None:
    """What became of a trial that was carried out before; None where it was not, or failed for want of room."""
    try:
        return TrialOutcome(**json.loads(order.outcome.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def carry_out_trial(order: TrialOrder) -> TrialOutcome:
    """Train and judge, in whichever process this is; what comes of it is kept before it is told.

    A training that fails, or for which there is no memory, is an outcome too.
    """
    if (known := known_outcome(order)) is not None:
        return known
    try:
        outcome = _tried(order)
    except (TrainingError, ConfigError, DataError) as error:
        # Whoever shows it says which trial it was of; so the same reason is the same text.
        outcome = _failed(str(error).removeprefix(f"{order.orders[0].title}: "))
    except (MemoryError, RuntimeError) as error:
        said = " ".join(str(error).split())
        if not isinstance(error, MemoryError) and not _OUT_OF_MEMORY.search(said):
            raise
        outcome = _failed(f"out of memory{f' ({said[:200]})' if said else ''}")
    with suppress(HepsieveError), new_file(order.outcome) as temporary:  # a full disk is no reason to lose the figure
        temporary.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    if outcome.error or outcome.ended or all(each.share >= 1 for each in order.orders):
        _forget(order)
    return outcome


def _tried(order: TrialOrder) -> TrialOutcome:
    """The figure over all trainings: of several the mean, each on the events of its own fold."""
    figures, weights, done = [], [], []
    for each, held_out in zip(order.orders, order.held_out, strict=True):
        result = trained(each)
        judged = held_out.mapped().validation
        figures.append(figure(order.metric, result.model.scores(np.asarray(judged.inputs)), judged))
        weights.append(_size(judged))
        done.append(result)
    return TrialOutcome(
        figure=_mean(order.metric, figures, weights),
        epochs=sum(result.history[-1].epoch for result in done),
        seconds=sum(result.seconds for result in done),
        error="",
        ended=all(_ended(result, each) for result, each in zip(done, order.orders, strict=True)),
    )


def _mean(metric: TuneMetric, figures: list[float], weights: list[float]) -> float:
    """Of root mean squares the squares are averaged."""
    if len(figures) == 1:
        return figures[0]
    power = 2 if metric == "rmse" else 1
    return float(np.average(np.power(figures, power), weights=weights) ** (1 / power))


def _size(part: Part) -> float:
    return float(part.weight.sum(dtype=np.float64))


def _ended(result: Trained, order: Order) -> bool:
    """Whether a training came to its end before its share was up: patience ran out."""
    return result.history[-1].epoch < paused_after(order.share, most_epochs(order.config, order.settings))


def _failed(error: str) -> TrialOutcome:
    return TrialOutcome(figure=None, epochs=None, seconds=0.0, error=error, ended=True)


def _forget(order: TrialOrder) -> None:
    """No later order goes on from these checkpoints."""
    for each in order.orders:
        if each.checkpoint is not None:
            Checkpoint(folder=each.checkpoint).discard()
