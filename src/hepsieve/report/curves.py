"""Figures of one model: how it learned, and how its scores fall. Results in, a Figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.results import ScoreDistributions
from hepsieve.history import EpochRecord
from hepsieve.report.style import (
    BACKGROUND,
    INK,
    MUTED,
    SIGNAL,
    TRAIN,
    VALIDATION,
    experiment_label,
    house_style,
    model_line,
    new_figure,
    plain_axes,
    points,
    shorten,
    steps,
)

QUANTITIES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "auc": "AUC",
    "tolerance_accuracy": "accuracy to 0.1",
    "rmse": "RMSE",
}
"""What can be drawn by epoch, and what it is called."""
_MOST_POINTS = 400
T = TypeVar("T")


def best_epoch(history: Sequence[EpochRecord], monitor: str) -> EpochRecord | None:
    """The first epoch with the best validation figure: the smallest loss or RMSE, or the largest accuracy or AUC."""
    measured = [record for record in history if _value(record, "validation", monitor) is not None]
    sign = 1 if monitor in ("loss", "rmse") else -1
    return min(measured, key=lambda record: sign * (_value(record, "validation", monitor) or 0.0), default=None)


def drawn_quantities(history: Sequence[EpochRecord]) -> tuple[str, ...]:
    """Which of ``QUANTITIES`` were recorded in two epochs or more, so that a curve can be drawn."""
    return tuple(
        quantity
        for quantity in QUANTITIES
        if any(len(_curve(history, part, quantity)[0]) > 1 for part in ("train", "validation"))
    )


@house_style()
def learning_curves(history: Sequence[EpochRecord], *, monitor: str, rounds: bool = False) -> Figure:
    """What was recorded by epoch, in train and validation; the best epoch is marked, of folds their range.

    Args:
        history: one record per epoch, at least two; of a cross-validated model all folds, one line each.
        monitor: the validation figure that decides which epoch is best.
        rounds: call the epochs boosting rounds.
    """
    quantities = drawn_quantities(history)
    figure = new_figure(420, 30 + 155 * len(quantities))
    panels = figure.subplots(len(quantities), 1, sharex=True, squeeze=False)[:, 0]
    folds = by_fold(history)
    best = [record.epoch for fold in folds if (record := best_epoch(fold, monitor)) is not None]
    for axes, quantity in zip(panels, quantities, strict=True):
        for fold in folds:
            _draw_curve(axes, fold, quantity, thin=len(folds) > 1, label=fold is folds[0])
        for epoch in best:
            axes.axvline(epoch, color=MUTED, linewidth=1 if len(best) == 1 else 0.6, linestyle=(0, (4, 2)))
        axes.set_ylabel(QUANTITIES[quantity])
        axes.yaxis.set_major_locator(MaxNLocator(5))
        plain_axes(axes)
    panels[0].legend(loc="best")
    if best:
        _mark_best(panels[0], best, monitor)
    panels[-1].set_xlabel("boosting round" if rounds else "epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@house_style()
def all_learning_curves(
    histories: Mapping[str, Sequence[EpochRecord]], order: Sequence[str], *, quantities: Sequence[str], best: str
) -> Figure:
    """Validation figures of many models by epoch, one line each, of a cross-validated one a line for each fold.

    Args:
        histories: by model, one record per epoch.
        order: all models of the run, for their colours.
        quantities: what to draw, one panel each.
        best: the model whose line is thick.
    """
    legend_height = 18 * ((len(histories) + 2) // 3)
    figure = new_figure(620, 40 + 190 * len(quantities) + legend_height)
    panels = figure.subplots(len(quantities), 1, sharex=True, squeeze=False)[:, 0]
    for axes, quantity in zip(panels, quantities, strict=True):
        for name, history in histories.items():
            for fold in by_fold(history):
                epochs, values = _curve(fold, "validation", quantity)
                axes.plot(epochs, values, **model_line(order.index(name)), linewidth=2.6 if name == best else 1.2)
        axes.set_ylabel(f"{QUANTITIES[quantity]} on validation")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        plain_axes(axes)
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(8, integer=True))
    lines = [Line2D([], [], **model_line(order.index(name))) for name in histories]
    box = figure.legend(lines, [" "] * len(lines), loc="outside lower center", ncols=3, handlelength=2.6)
    for text, name in zip(box.get_texts(), histories, strict=True):
        text.set_text(shorten(name, 24))
    return figure


@house_style()
def score_distributions(scores: ScoreDistributions, classes: tuple[str, str], *, simulated: bool = False) -> Figure:
    """Normalised score densities: train as filled steps, test as points with their standard errors."""
    edges = np.asarray(scores.edges)
    widths = np.diff(edges)
    figure = new_figure(420, 300)
    axes = figure.add_subplot()
    background, signal = (shorten(name, 22) for name in classes)
    for name, colour, marker, train, test, error in (
        (background, BACKGROUND, "o", scores.train_background, scores.test_background, scores.test_background_error),
        (signal, SIGNAL, "s", scores.train_signal, scores.test_signal, scores.test_signal_error),
    ):
        steps(axes, np.asarray(train) / widths, edges, color=colour, filled=0.25, linewidth=1, label=f"{name}, train")
        points(
            axes,
            np.asarray(test) / widths,
            np.asarray(error) / widths,
            edges,
            color=colour,
            marker=marker,
            label=f"{name}, test",
        )
    axes.set_xlim(edges[0], edges[-1])
    # Room for the legend above the highest point.
    axes.set_ylim(0, 1.22 * axes.dataLim.ymax)
    axes.set_xlabel("score")
    axes.set_ylabel("density")
    axes.legend(loc="upper center", ncols=2, fontsize=9.5)
    experiment_label(axes, simulated=simulated)
    plain_axes(axes)
    return figure


def by_fold(history: Sequence[EpochRecord]) -> list[list[EpochRecord]]:
    """The epochs of each fold; one list for a model that was trained once."""
    folds: dict[int | None, list[EpochRecord]] = {}
    for record in history:
        folds.setdefault(record.fold, []).append(record)
    return list(folds.values())


def thinned(entries: list[T]) -> list[T]:
    """At most some 400 of them, the last one too: two thousand rounds are more points than a screen has pixels for."""
    step = max(1, len(entries) // _MOST_POINTS)
    return entries[::step] if not entries or (len(entries) - 1) % step == 0 else [*entries[::step], entries[-1]]


def _draw_curve(axes: Axes, history: Sequence[EpochRecord], quantity: str, *, thin: bool, label: bool) -> None:
    for part, colour, dashes in (("train", TRAIN, (0, (5, 1.6))), ("validation", VALIDATION, "solid")):
        epochs, values = _curve(history, part, quantity)
        if len(epochs):
            width = 0.8 if thin else None
            axes.plot(epochs, values, color=colour, linestyle=dashes, linewidth=width, label=part if label else None)


def _mark_best(axes: Axes, best: Sequence[int], monitor: str) -> None:
    extreme = "lowest" if monitor in ("loss", "rmse") else "highest"
    where = f"{best[0]}" if len(best) == 1 else f"{min(best)} to {max(best)} in {len(best)} folds"
    axes.set_title(f"{extreme} validation {QUANTITIES[monitor]} at {where}", fontsize=9.5, color=INK)


def _value(record: EpochRecord, part: str, quantity: str) -> float | None:
    value: float | None = getattr(record, f"{part}_{quantity}", None)
    return value


def _curve(history: Sequence[EpochRecord], part: str, quantity: str) -> tuple[list[int], list[float]]:
    pairs = [(record.epoch, value) for record in history if (value := _value(record, part, quantity)) is not None]
    shown = thinned(pairs)
    return [epoch for epoch, _ in shown], [value for _, value in shown]
