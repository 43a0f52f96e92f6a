"""A portfolio as pictures, with their words and numbers."""

from __future__ import annotations

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.report.leaderboard_figures import difference_forest, far_rows, figure_forest, weight_bars
from hepsieve.report.numbers import Row, columns, short
from hepsieve.report.picture import Picture, picture
from hepsieve.report.summary import decimals_for
from hepsieve.report.time_figure import time_bars

MOST_BARS = 20


def leaderboard_pictures(board: Leaderboard) -> dict[str, Picture]:
    """Those of ``figures``, ``differences``, ``weights`` and ``time`` that there is something to show of."""
    found = {"figures": _figures(board)}
    if any(row.difference is not None and row.difference.value is not None for row in board.rows):
        found["differences"] = _differences(board)
    if len(board.ensemble.weights) > 1:
        found["weights"] = _weights(board)
    if board.spans:
        found["time"] = _time(board)
    return found


def _figures(board: Leaderboard) -> Picture:
    word = metric_word(board.metric)
    known = [row.test for row in board.rows if row.test.value is not None]
    hollow = f" Small and hollow: the {board.on} figure, which chose." if board.by == board.metric else ""
    rows: list[Row] = [
        {
            "model": row.name,
            f"{word} on test": row.test.value,
            "low": row.test.low,
            "high": row.test.high,
            f"{board.on} {metric_word(board.by)}": row.validation.value,
        }
        for row in board.rows
    ]
    return picture(
        figure_forest(board, places=max(map(decimals_for, known), default=3)),
        f"The test {word} of the ensemble and of every model with its 95 % interval, as in the table.",
        title=f"Test {word}",
        note=f"Star: the ensemble; circles: its members; diamonds: models without weight.{hollow} Intervals are each "
        f"model's own; which differ is told by the differences.{_far(board)}",
        numbers=columns(rows),
    )


def _far(board: Leaderboard) -> str:
    """That some models are not drawn to scale; empty where all are."""
    return " Arrows: far worse, beyond the edge." if far_rows(board) else ""


def _differences(board: Leaderboard) -> Picture:
    word = metric_word(board.metric)
    known = [row.difference for row in board.rows if row.difference is not None and row.difference.value is not None]
    rows: list[Row] = [
        {
            "model": row.name,
            f"{word} minus that of the ensemble": row.difference.value,
            "low": row.difference.low,
            "high": row.difference.high,
            "p": row.p_value,
            "p after Holm": row.p_adjusted,
        }
        for row in board.rows
        if row.difference is not None
    ]
    return picture(
        difference_forest(board, places=max((decimals_for(one) for one in known), default=4)),
        f"The test {word} of every model minus that of the ensemble, with 95 % intervals, as in the table.",
        title="Differences from the ensemble",
        note="Paired on the same test events. Hollow: no significant difference, after Holm's correction."
        f"{_far(board)}",
        numbers=columns(rows),
    )


def _weights(board: Leaderboard) -> Picture:
    weights = list(board.ensemble.weights.items())
    left = f" Without {len(weights) - MOST_BARS} of the smallest." if len(weights) > MOST_BARS else ""
    return picture(
        weight_bars(weights[:MOST_BARS]),
        "The weight of each member in the ensemble.",
        title="Weights in the ensemble",
        note=f"Chosen by {board.on} figures, never by test; the other models were not selected.{left}",
        numbers=columns([{"model": name, "weight": short(weight)} for name, weight in weights]),
    )


def _time(board: Leaderboard) -> Picture:
    side = f"Up to {board.at_once} at a time. " if board.at_once > 1 else ""
    return picture(
        time_bars(board),
        "When each model was trained, from the start of the command to the end of the budget.",
        title="Where the time went",
        note=f"{side}The line is the end of the budget, up to which everything but the evaluation was to be done.",
        numbers=columns(
            [{"what": s.what, "kind": s.kind, "begin": short(s.begin), "end": short(s.end)} for s in board.spans]
        ),
    )
