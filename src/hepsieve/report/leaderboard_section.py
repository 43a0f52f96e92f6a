"""A portfolio as a section of the page and as a table for a terminal: its models, their ensemble, what that gained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.leaderboard import Leaderboard, LeaderboardRow, LeftOut
from hepsieve.evaluate.quantity import Quantity
from hepsieve.report.leaderboard_pictures import leaderboard_pictures
from hepsieve.report.leaderboard_sentences import (
    budget_sentence,
    ensemble_sentence,
    gain_how,
    gain_sentence,
)
from hepsieve.report.picture import Picture
from hepsieve.report.summary import UNKNOWN, Cell, column_cells, p_value, seconds


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """One model in the table.

    Attributes:
        name: of the model.
        badge: ``best single``; empty for the others.
        cut: how its training was cut short; empty where it was not.
        cells: the columns after the name, with what they are sorted by.
        ensemble: whether it is the ensemble.
    """

    name: str
    badge: str
    cut: str
    cells: tuple[tuple[Cell, str], ...]
    ensemble: bool


@dataclass(frozen=True, kw_only=True)
class LeaderboardSection:
    """What the section shows.

    Attributes:
        gain: what the ensemble gained, and whether that is significant.
        gain_how: how it was tested.
        budget: what was trained in which time.
        ensemble: what it is made of.
        columns: of the table, the name first.
        rows: the ensemble first, the others by what chose.
        pictures: of the leaderboard.
        skipped: what could not be trained, and why.
        notes: what else is to be said.
    """

    gain: str
    gain_how: str
    budget: str
    ensemble: str
    columns: tuple[str, ...]
    rows: tuple[BoardRow, ...]
    pictures: Mapping[str, Picture]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def leaderboard_section(evaluation: AnyEvaluation) -> dict[str, Any]:
    """The section's part of a page's context; ``leaderboard`` is None where there was no portfolio."""
    board = evaluation.leaderboard
    if board is None:
        return {"leaderboard": None}
    cells = _cells(board)
    section = LeaderboardSection(
        gain=gain_sentence(board),
        gain_how=gain_how(board),
        budget=budget_sentence(board),
        ensemble=ensemble_sentence(board),
        columns=("model", *cells),
        rows=tuple(
            BoardRow(
                name=row.name,
                badge="best single" if row.name == board.best_single else "",
                cut=row.cut,
                cells=tuple(column[at] for column in cells.values()),
                ensemble=row.name == board.ensemble.name,
            )
            for at, row in enumerate(board.rows)
        ),
        pictures=leaderboard_pictures(board),
        skipped=tuple(map(left_out_sentence, board.skipped)),
        notes=board.notes,
    )
    return {"leaderboard": section}


def board_rows(board: Leaderboard) -> list[dict[str, str]]:
    """The leaderboard as a table of text: column title to entry, the ensemble with a star."""
    cells = _cells(board)
    marks = {board.ensemble.name: " ★"}
    return [
        {"model": row.name + marks.get(row.name, ""), **{title: str(column[at][0]) for title, column in cells.items()}}
        for at, row in enumerate(board.rows)
    ]


def board_columns(board: Leaderboard) -> tuple[str, ...]:
    """The columns of ``board_rows`` that fit a terminal."""
    word = metric_word(board.metric)
    return ("model", "weight", word, f"{word} − ensemble", "p (Holm)")


def left_out_sentence(one: LeftOut) -> str:
    """Why a model is not there."""
    return f"{one.name} {one.state}: {one.why.rstrip('.')}."


def _cells(board: Leaderboard) -> dict[str, list[tuple[Cell, str]]]:
    """The columns after the name: title to entries with what they are sorted by."""
    rows, chosen, word = board.rows, metric_word(board.by), metric_word(board.metric)
    return {
        "kind": [(Cell(value=row.kind), row.kind) for row in rows],
        "seconds": [(Cell(value=seconds(row.seconds)), repr(row.seconds)) for row in rows],
        "weight": [(Cell(value=_weight(row)), repr(row.weight or 0.0)) for row in rows],
        f"{board.on} {chosen}": _column([row.validation for row in rows]),
        word: _column([row.test for row in rows]),
        f"{word} − ensemble": _column([row.difference for row in rows]),
        "p (Holm)": [(_p(row), _sort(row.p_adjusted)) for row in rows],
    }


def _column(quantities: list[Quantity | None]) -> list[tuple[Cell, str]]:
    values = [None if one is None else one.value for one in quantities]
    return list(zip(column_cells(quantities), map(_sort, values), strict=True))


def _sort(value: float | None) -> str:
    return "" if value is None else repr(value)


def _weight(row: LeaderboardRow) -> str:
    if row.weight is None:
        return UNKNOWN
    return f"{100 * row.weight:.0f} %" if row.weight else "0"


def _p(row: LeaderboardRow) -> Cell:
    if row.p_adjusted is None:
        return Cell(value=UNKNOWN)
    return Cell(value=p_value(row.p_adjusted) + (" *" if row.significant else ""))
