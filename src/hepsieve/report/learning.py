"""The learning curves of a run's models as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.history import EpochRecord
from hepsieve.report.curves import (
    QUANTITIES,
    all_learning_curves,
    best_epoch,
    by_fold,
    drawn_quantities,
    learning_curves,
    thinned,
)
from hepsieve.report.inputs import RunRecord
from hepsieve.report.numbers import Value, columns, short
from hepsieve.report.picture import Picture, picture

# Trees learn by boosting rounds, networks by epochs.
_BY_ROUND = ("trees", "adaboost")
FEWEST_TOGETHER = 5
MOST_CURVES = 6
"""Models of a portfolio with a picture of their own, each of which takes as long as a small training."""


def learning_section(record: RunRecord) -> dict[str, Any]:
    """Curves of all models that have some (of a large portfolio: of those that matter), and who has none.

    An ensemble has nothing to learn; its members have.
    """
    models = record.evaluation.models
    histories = {name: record.history.get(name, ()) for name, model in models.items() if model.kind != "ensemble"}
    curved = [name for name in histories if drawn_quantities(histories[name])]
    drawn = _that_matter(record.evaluation.leaderboard, curved)
    return {
        "learning_overview": _overview(record, drawn),
        "learning": [_learning_picture(record, name) for name in drawn],
        "learning_left": len(curved) - len(drawn),
        "curveless": {name: len(epochs) for name, epochs in histories.items() if not drawn_quantities(epochs)},
    }


def _that_matter(board: Leaderboard | None, names: Sequence[str]) -> list[str]:
    """All of these models; of a portfolio with many the best single one and those with the largest weights."""
    if board is None:
        return list(names)
    rows = [row for row in board.rows if row.name in names]
    order = sorted(rows, key=lambda row: (row.name != board.best_single, -(row.weight or 0.0)))
    return [row.name for row in order[:MOST_CURVES]]


def _overview(record: RunRecord, drawn: Sequence[str]) -> Picture | None:
    """All networks' validation figures in one picture; None where there are few networks."""
    evaluation = record.evaluation
    networks = {
        name: record.history.get(name, ()) for name, model in evaluation.models.items() if model.kind not in _BY_ROUND
    }
    networks = {name: history for name, history in networks.items() if drawn_quantities(history)}
    if len(networks) < FEWEST_TOGETHER:
        return None
    # Losses of unlike networks can't be compared; what a regression is judged by can.
    further = ("rmse", "tolerance_accuracy") if evaluation.kind == "regression" else ("loss", "accuracy")
    quantities = [one for one in further if any(one in drawn_quantities(history) for history in networks.values())]
    if not quantities:
        return None
    said = [
        "Each on its own is below." if set(networks) <= set(drawn) else "",
        f"Thick: {evaluation.best}." if evaluation.best in networks else "",
    ]
    return picture(
        all_learning_curves(networks, list(evaluation.models), quantities=quantities, best=evaluation.best),
        "Validation figures of all networks by epoch.",
        title="All networks on validation",
        note=" ".join(filter(None, said)) if evaluation.best in networks else "",
        numbers=history_numbers(networks, [f"validation_{quantity}" for quantity in quantities], by="epoch"),
    )


def _learning_picture(record: RunRecord, name: str) -> Picture:
    """How a model learned, epoch by epoch (or round by round)."""
    history = record.history[name]
    network = record.evaluation.models[name].kind not in _BY_ROUND
    # Trees follow the loss whatever the networks' training monitors.
    wanted = record.config.train.monitor if network else "loss"
    monitor = wanted if best_epoch(history, wanted) is not None else drawn_quantities(history)[0]
    quantities = ", ".join(QUANTITIES[quantity] for quantity in drawn_quantities(history))
    alt = f"Of {name}, on train and validation, by {'epoch' if network else 'boosting round'}: {quantities}."
    return picture(
        learning_curves(history, monitor=monitor, rounds=not network),
        alt,
        title=name,
        numbers=history_numbers(
            {name: history},
            [f"{part}_{quantity}" for quantity in drawn_quantities(history) for part in ("train", "validation")],
            by="epoch" if network else "boosting round",
        ),
    )


def history_numbers(
    histories: Mapping[str, Sequence[EpochRecord]], fields: Sequence[str], *, by: str
) -> dict[str, list[Value]]:
    """What was recorded, one row for each drawn epoch of each fold of each model, to seven digits.

    Args:
        histories: by model, one record per epoch.
        fields: of the records.
        by: what an epoch is called.
    """
    rows: list[dict[str, Value]] = []
    for name, history in histories.items():
        for fold in by_fold(history):
            for record in thinned(fold):
                row: dict[str, Value] = {} if record.fold is None else {"fold": record.fold}
                row[by] = record.epoch
                for field in fields:
                    value: float | None = getattr(record, field)
                    row[field.replace("_", " ")] = None if value is None else short(value)
                rows.append(row if len(histories) == 1 else {"model": name, **row})
    found = columns(rows)
    return {name: values for name, values in found.items() if any(value is not None for value in values)}
