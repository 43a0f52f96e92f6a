"""A search without trainings: figures are a function of the point, and workers finish in any order that a seed says."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from hepsieve.config import TaskConfig
from hepsieve.errors import TrainingError
from hepsieve.tune.space import Space
from hepsieve.tune.study import run_study
from hepsieve.tune.trial_values import Proposal, Study, TrialOutcome, Tried

BOTH: dict[str, Any] = {
    "models.net.dropout": {"float": [0, 0.5]},
    "models.net.activation": {"choice": ["relu", "tanh"]},
    "models.trees.max_depth": {"int": [2, 12]},
    "train.learning_rate": {"log": [1e-4, 1e-1]},
}
SMALL: dict[str, Any] = {
    "models.net.activation": {"choice": ["relu", "tanh", "gelu"]},
    "models.net.dropout": {"float": [0, 0.2], "step": 0.1, "when": {"models.net.activation": ["relu", "gelu"]}},
}


def space_of(space: dict[str, Any] | None = None, **tune: Any) -> Space:
    """The space of a task with a network and trees."""
    return Space.of(
        TaskConfig.model_validate(
            {
                "task": "toy",
                "models": {"net": {"kind": "mlp"}, "trees": {"kind": "trees"}},
                "tune": {"space": BOTH if space is None else space, **tune},
            }
        )
    )


def figure_of(proposal: Proposal) -> float:
    """A figure in (0, 1) of which more is better; it rises with the share, for some points faster than for others."""
    task, model = proposal.task, proposal.model
    if model == "trees":
        value = 0.6 - 0.002 * (task.models["trees"].max_depth - 7) ** 2  # type: ignore[union-attr]
    else:
        net: Any = task.models["net"]
        value = (
            0.9
            - 0.1 * abs(math.log10(task.train.learning_rate) + 2)
            - net.dropout * (0.3 - 0.1 * len(net.activation) / 4)
        )
    return float(value * (1 - 0.3 * math.exp(-3 * proposal.share)))


class Workers:
    """Carries proposals out when it is asked to, in an order that the seed says; keeps outcomes as workers do."""

    def __init__(self, number: int, *, seed: int = 0, figure: Callable[[Proposal], float] = figure_of) -> None:
        """As many at a time as there are workers."""
        self._number, self._figure = number, figure
        self._rng = np.random.default_rng(seed)
        self._sent: list[tuple[Proposal, Slow]] = []
        self.trained: list[tuple[int, float]] = []
        self.outcomes: dict[str, TrialOutcome] = {}

    def __call__(self, proposal: Proposal) -> Future[TrialOutcome]:
        future = Slow(self)
        self._sent.append((proposal, future))
        return future

    def work(self) -> None:
        """One of those at the front is finished, whichever."""
        self._sent = [(proposal, future) for proposal, future in self._sent if not future.cancelled()]
        place = int(self._rng.integers(min(self._number, len(self._sent))))
        proposal, future = self._sent.pop(place)
        key = f"{sorted(proposal.point.items())} {proposal.share}"
        if key not in self.outcomes:
            self.trained.append((proposal.number, proposal.share))
            self.outcomes[key] = self._carried_out(proposal)
        future.set_result(self.outcomes[key])

    def _carried_out(self, proposal: Proposal) -> TrialOutcome:
        try:
            figure, error = self._figure(proposal), ""
        except TrainingError as failed:
            return TrialOutcome(figure=None, epochs=None, seconds=0.0, error=str(failed), ended=True)
        return TrialOutcome(
            figure=figure, epochs=round(90 * proposal.share), seconds=1.0, error=error, ended=proposal.share == 1
        )


class Slow(Future[TrialOutcome]):
    """A future that lets the workers work until its own result is there."""

    def __init__(self, workers: Workers) -> None:
        """Not begun."""
        super().__init__()
        self._workers = workers

    def result(self, timeout: float | None = None) -> TrialOutcome:
        """The outcome, after whatever else happens to be finished before."""
        while not self.done():
            self._workers.work()
        return super().result(timeout)


def searched(
    space: Space,
    folder: Path,
    workers: Workers | None = None,
    *,
    number: int = 2,
    seed: int = 1,
    on_trial: Callable[[Tried], None] = lambda tried: None,
    on_note: Callable[[str], None] = lambda note: None,
    **more: Any,
) -> Study:
    """A whole search by these workers."""
    sent = workers if workers is not None else Workers(number)
    return run_study(
        space, space.tune, folder, sent, seed=seed, workers=number, on_trial=on_trial, on_note=on_note, **more
    )
