"""Leaderboards made by hand, for tests of what a page and a terminal show of them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.report.conftest import MODELS, around, make_evaluation

from hepsieve.evaluate.compare import holm
from hepsieve.evaluate.leaderboard import EnsembleMembers, Leaderboard, LeaderboardRow, LeftOut, Span
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import Comparison, Evaluation

KINDS = ("tabm", "mlp", "trees", "adaboost")


def make_board(singles: int = 4, *, gain: Quantity | None = None, p: float = 0.004, metric: str = "auc") -> Leaderboard:
    """An ensemble of the first three models by weight; each further model is worse than the one before it."""
    gained = around(0.003, 0.002) if gain is None else gain
    sign = -1.0 if metric == "auc" else 1.0
    names = [f"{KINDS[k % len(KINDS)]}{'' if k < len(KINDS) else f'-{k // len(KINDS) + 1}'}" for k in range(singles)]
    weights = dict(zip(names, {1: (1.0,), 2: (0.7, 0.3)}.get(singles, (0.55, 0.3, 0.15)), strict=False))
    first = 0.81 if metric == "auc" else 0.05
    ps = [p, *(1e-5 for _ in names[1:])]
    adjusted = holm(ps)
    rows = [_row("ensemble", "ensemble", None, first, None)]
    for k, name in enumerate(names):
        lost = around(sign * 0.003 * (k + 1), 0.002)
        if k == 0 and gained.value is not None and gained.low is not None and gained.high is not None:
            ends = sorted((sign * gained.low, sign * gained.high))
            lost = Quantity(value=sign * gained.value, low=ends[0], high=ends[1])
        row = _row(name, KINDS[k % 4], weights.get(name, 0.0), first + (lost.value or 0.0), lost)
        rows.append(row.model_copy(update={"p_value": ps[k], "p_adjusted": adjusted[k]}))
    return Leaderboard(
        metric="auc" if metric == "auc" else "rmse",
        by=metric,
        rows=tuple(rows),
        ensemble=EnsembleMembers(name="ensemble", weights=weights),
        best_single=names[0],
        gain=gained,
        p_value=p,
        skipped=(
            LeftOut(name="tabm-large", why="it would have taken about 700 s, and 95 s were left", needs=700.0),
            LeftOut(name="forest", state="failed", why="the loss is no number in epoch 2"),
        ),
        budget=600.0,
        used=581.0,
        at_once=2,
        spans=make_spans(names),
        notes=("One model was trained with a second seed.",),
    )


def make_spans(names: Sequence[str]) -> tuple[Span, ...]:
    """Ten seconds of reading, pilots of two seconds each, then two trainings at a time."""
    spans = [Span(what="data", kind="other", begin=0.0, end=10.0)]
    spans += [Span(what=name, kind="pilot", begin=10 + 2 * k, end=12 + 2 * k) for k, name in enumerate(names)]
    start, each = 10.0 + 2 * len(names), 1000.0 / max(len(names), 2)
    for k, name in enumerate(names):
        begin = start + (k // 2) * each
        spans.append(Span(what=name, begin=begin, end=begin + each * (0.9 if k % 2 else 0.97)))
    return (*spans, Span(what="selection", kind="other", begin=579.0, end=581.0))


def _row(name: str, kind: str, weight: float | None, test: float, lost: Quantity | None) -> LeaderboardRow:
    return LeaderboardRow(
        name=name,
        kind=kind,
        seconds=90.0 if weight is not None else 1.2,
        weight=weight,
        validation=around(test + 0.002, 0.006),
        test=around(test, 0.006),
        difference=lost,
        cut="stopped after 12 of 30 epochs" if name == "adaboost" else "",
    )


def portfolio_evaluation(board: Leaderboard) -> Evaluation:
    """A run with these models, the ensemble the best of them."""
    plain = make_evaluation(features=["m_bb"], models=tuple(MODELS)[:1])
    (model,) = plain.models.values()
    models = {
        row.name: model.model_copy(
            update={
                "kind": row.kind,
                "metrics": {**model.metrics, "auc": row.test},
                "validation": {**model.validation, "auc": row.validation},
            }
        )
        for row in (*board.rows[1:], board.rows[0])
    }
    comparisons = tuple(
        Comparison(model=row.name, difference=row.difference, p_value=row.p_value, p_adjusted=row.p_adjusted)
        for row in board.rows
        if row.difference is not None
    )
    return plain.model_copy(
        update={
            "models": models,
            "best": board.ensemble.name,
            "best_by": "ensemble has the largest validation AUC, 0.8120, ahead of tabm with 0.8090.",
            "comparisons": comparisons,
            "working_points": {},
            "leaderboard": board,
        }
    )
