"""A portfolio and the judgement of its models to the leaderboard of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hepsieve.config import TaskConfig
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.compare_regressions import compare_regressions
from hepsieve.evaluate.evaluation import AnyEvaluation, models_of
from hepsieve.evaluate.leaderboard import EnsembleMembers, Leaderboard, LeftOut, Span
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Comparison, Evaluation, Scored
from hepsieve.evaluate.standings import Standings, standings
from hepsieve.judge import Judged
from hepsieve.judge_regression import JudgedRegression


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """All that is known of a portfolio before the test part is opened.

    Attributes:
        config: the task, which says by what models are chosen and how they are judged.
        ensemble: the name of the ensemble among the run's models.
        weights: by member, adding up to 1.
        budget: seconds that were given, up to the evaluation.
        used: seconds of them that went by.
        at_once: trainings side by side.
        skipped: models that could not be trained.
        cut: by model whose training was cut short by the budget, how, in a few words.
        spans: what the time went into.
        notes: what else is to be said, a sentence each.
    """

    config: TaskConfig
    ensemble: str
    weights: Mapping[str, float]
    budget: float
    used: float
    at_once: int = 1
    skipped: tuple[LeftOut, ...] = ()
    cut: Mapping[str, str] = field(default_factory=dict)
    spans: Sequence[Span] = ()
    notes: tuple[str, ...] = ()

    def beside(self, judged: Judged | JudgedRegression) -> AnyEvaluation:
        """The evaluation with the leaderboard.

        What choosing the best model gives by itself is left out: it supposes that no model had a part in the choice,
        and the weights of the ensemble were chosen on these very events.
        """
        evaluation = judged.evaluation
        found = _standings(judged, self.config, ensemble=self.ensemble, weights=self.weights, cut=self.cut)
        board = Leaderboard(
            metric=_metric(evaluation),
            by=self.config.selects_by,
            on="validation" if evaluation.data.folds is None else "out-of-fold",
            rows=found.rows,
            ensemble=EnsembleMembers(name=self.ensemble, weights=_heaviest_first(self.weights)),
            best_single=found.best_single,
            gain=found.gain,
            p_value=found.p_value,
            skipped=self.skipped,
            budget=self.budget,
            used=self.used,
            at_once=self.at_once,
            spans=tuple(sorted(self.spans, key=lambda span: (span.begin, span.end))),
            notes=self.notes,
        )
        return evaluation.model_copy(update={"leaderboard": board, "selection": None})


def judged_again(board: Leaderboard | None, judged: Judged | JudgedRegression, config: TaskConfig) -> AnyEvaluation:
    """The evaluation with the leaderboard of the same models on the events that they were now judged on.

    Args:
        board: that of the run; None where it has none.
        judged: the same models, judged again or on other events.
        config: the task.
    """
    evaluation = judged.evaluation
    if board is None:
        return evaluation
    ensemble, cut = board.ensemble, {row.name: row.cut for row in board.rows}
    found = _standings(judged, config, ensemble=ensemble.name, weights=ensemble.weights, cut=cut)
    again = board.model_copy(
        update={"rows": found.rows, "best_single": found.best_single, "gain": found.gain, "p_value": found.p_value}
    )
    return evaluation.model_copy(update={"leaderboard": again, "selection": None})


def _standings(
    judged: Judged | JudgedRegression,
    config: TaskConfig,
    *,
    ensemble: str,
    weights: Mapping[str, float],
    cut: Mapping[str, str],
) -> Standings:
    return standings(
        models_of(judged.evaluation),
        _against(judged, ensemble, config),
        ensemble=ensemble,
        weights=weights,
        by=config.selects_by,
        metric=_metric(judged.evaluation),
        cut=cut,
    )


def _against(judged: Judged | JudgedRegression, ensemble: str, config: TaskConfig) -> tuple[Comparison, ...]:
    """Every other model against the ensemble; where it is the best model of the run, this was done already."""
    if judged.evaluation.best == ensemble:
        return judged.evaluation.comparisons
    test = judged.test
    target, weight = test.target.astype(np.float64), test.weight.astype(np.float64)
    if isinstance(judged, Judged):
        scored = {name: Scored(target=target, score=one, weight=weight) for name, one in judged.scores.items()}
        return compare_to_best(scored, ensemble)
    predicted = {name: Predicted(target=target, prediction=one, weight=weight) for name, one in judged.scores.items()}
    return compare_regressions(predicted, ensemble, resamples=config.evaluate.resamples, seed=config.seed)


def _metric(evaluation: AnyEvaluation) -> Literal["auc", "rmse"]:
    return "auc" if isinstance(evaluation, Evaluation) else "rmse"


def _heaviest_first(weights: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(weights.items(), key=lambda one: -one[1]))
