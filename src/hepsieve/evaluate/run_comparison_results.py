"""The frozen results of comparing models of one or several runs on the same test events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.leaderboard import EnsembleMembers
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.regression_results import TargetDescription
from hepsieve.evaluate.results import RocCurve
from hepsieve.evaluate.selection_results import SIGNIFICANT, Selection


class ComparedModel(Result):
    """One model of a run, judged on the events that all runs share; ``best`` if its own run chose it."""

    run: str
    model: str
    best: bool
    metrics: dict[str, Quantity]
    roc: RocCurve | None = None


class ModelPair(Result):
    """Two models on the same events.

    Attributes:
        first: the model with the better figure; of equals the one named first.
        second: the other one.
        difference: the first's figure minus the second's, paired.
        p_value: of no difference, two-sided.
        p_adjusted: the same after Holm's correction for all pairs.
    """

    first: str
    second: str
    difference: Quantity
    p_value: float | None
    p_adjusted: float | None

    @property
    def significant(self) -> bool:
        """Whether the difference stands at 5 % after the correction."""
        return self.p_adjusted is not None and self.p_adjusted < SIGNIFICANT


class ComparedRun(Result):
    """One of the runs.

    Attributes:
        path: of its folder, as it was given.
        created: when it was started.
        n_test: how many test events it has.
        test_openings: how often its test part was opened.
        models: all of its models.
        best: the one that its validation preferred.
        settings: its values of the keys in which the runs differ.
        ensemble: of a portfolio, its members and weights; None where there was none.
        budget: seconds that the portfolio was given.
    """

    path: str
    created: str
    n_test: int
    test_openings: int
    models: tuple[str, ...]
    best: str
    settings: Mapping[str, Any]
    ensemble: EnsembleMembers | None = None
    budget: float | None = None


class RunComparison(Result):
    """Models of one or several runs on the test events that all of them share.

    Attributes:
        task: the runs' task.
        kind: as of an evaluation.
        classes: the names of background and signal; empty of a regression.
        target: what was regressed; None of classes.
        origin: whether the events are real or simulated.
        fingerprint: of the data that the events are from.
        runs: by name.
        models: by label, what each reaches on the shared events.
        n_events: how many are shared.
        n_signal: how many of them are signal; None of a regression.
        by: the metric in which pairs are compared.
        pairs: all pairs of models, the best first.
        selection: what picking the best of them on these events gives by itself.
        warnings: what takes from the figures' worth.
    """

    task: str
    kind: Literal["classification", "regression"]
    classes: tuple[str, ...]
    target: TargetDescription | None
    origin: Literal["real", "simulated"]
    fingerprint: str
    runs: dict[str, ComparedRun]
    models: dict[str, ComparedModel]
    n_events: int
    n_signal: int | None
    by: str
    pairs: tuple[ModelPair, ...]
    selection: Selection | None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Valid JSON text; equal comparisons give equal text."""
        return self.model_dump_json(indent=2) + "\n"
