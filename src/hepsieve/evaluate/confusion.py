"""Confusion matrices, and accuracy, precision, recall and F1 from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.intervals import UNDEFINED, around, clopper_pearson, deciding_events, proportion
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.results import ClassFigures, Confusion, ConfusionFigures, Quantity

THRESHOLD = 0.5
Matrix = Sequence[Sequence[float]]


def confusion(sample: Ranked, classes: tuple[str, str]) -> tuple[Confusion, ConfusionFigures]:
    """The confusion matrix of a sample at threshold 0.5 (a score of 0.5 is called signal) and its figures."""
    counts, squares = np.zeros((2, 2)), np.zeros((2, 2))
    for truth, side in enumerate((sample.background, sample.signal)):
        called_signal = side.score >= THRESHOLD
        for prediction, chosen in enumerate((~called_signal, called_signal)):
            counts[truth, prediction] = side.weight[chosen].sum()
            squares[truth, prediction] = np.square(side.weight[chosen]).sum()
    rows = [[float(cell) for cell in row] for row in counts]
    matrix = Confusion(classes=classes, counts=((rows[0][0], rows[0][1]), (rows[1][0], rows[1][1])))
    events = (len(sample.background), len(sample.signal))
    return matrix, confusion_figures(counts.tolist(), classes, squares=squares.tolist(), events=events)


def confusion_figures(
    counts: Matrix,
    classes: tuple[str, str] = ("background", "signal"),
    *,
    squares: Matrix | None = None,
    events: tuple[int, int] | None = None,
) -> ConfusionFigures:
    """Accuracy, and precision, recall and F1 of each class, with Clopper–Pearson intervals.

    F1 is 2J/(1 + J) of the proportion J = TP/(TP + FP + FN), and takes its interval from there. A matrix with truth in
    the columns has the same accuracy and F1, but precision and recall change places: which axis is which has to be
    known, no matrix tells.

    Args:
        counts: Σw by truth (row) and prediction (column), background before signal: ``counts[0][1]`` is background
            called signal.
        classes: the names of background and signal.
        squares: Σw² likewise, which gives the effective numbers of events; ``counts`` if not given (unit weights).
        events: how many events each class has; the rounded sums of the rows if not given.

    Raises:
        DataError: if the matrix is not two by two, or holds what is no number or, without ``squares``, is negative.

    >>> figures = confusion_figures([[8, 2], [1, 9]], ("background", "signal"))
    >>> figures.accuracy.value, figures.per_class[1].recall.value
    (0.85, 0.9)
    >>> print(figures.per_class[1])
    signal: precision 0.8182 (0.4822–0.9772), recall 0.9000 (0.5550–0.9975), F1 0.8571 (0.5996–0.9718), 10 events
    """
    table = _table(counts)
    if squares is None and (table < 0).any():
        raise DataError(f"confusion matrix {table.tolist()}: {table.min():g} is no number of events; give 0 or more")
    square = table if squares is None else _table(squares)
    numbers = events if events is not None else (round(float(table[0].sum())), round(float(table[1].sum())))
    background, signal = (_of_class(table, square, c, classes[c], numbers[c]) for c in (0, 1))
    right = (float(np.trace(table)), float(np.trace(square)))
    accuracy = proportion(right[0], float(table.sum()), float(square.sum()), right[1])
    return ConfusionFigures(accuracy=accuracy, per_class=(background, signal))


def _of_class(table: Floats, square: Floats, c: int, name: str, events: int) -> ClassFigures:
    right, squares = float(table[c, c]), float(square[c, c])
    precision = proportion(right, float(table[:, c].sum()), float(square[:, c].sum()), squares)
    recall = proportion(right, float(table[c].sum()), float(square[c].sum()), squares)
    other = 1 - c
    f1 = _f1(right, float(table.sum() - table[other, other]), float(square.sum() - square[other, other]), squares)
    return ClassFigures(name=name, precision=precision, recall=recall, f1=f1, events=events)


def _f1(right: float, involved: float, squares: float, right_squares: float) -> Quantity:
    """F1 from the weight of true positives and of all events that are, or are called, of the class."""
    if not involved > 0 or not involved + right > 0:
        return UNDEFINED
    n = deciding_events(right / involved, involved, squares, right_squares)
    low, high = clopper_pearson(right / involved, n)
    return around(2 * right / (involved + right), (2 * low / (1 + low), 2 * high / (1 + high)))


def _table(rows: Matrix) -> Floats:
    try:
        table = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.shape != (2, 2) or not np.isfinite(table).all():
        shown = " ".join(str(rows).split())
        raise DataError(f"confusion matrix {shown:.200}: give two rows (truth) of two finite numbers (prediction)")
    return table
