"""Events to the sides that the audit compares: background and signal, or all events of a regression as one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from hepsieve.events import Events
from hepsieve.shower_shapes import are_images
from hepsieve.waveforms import are_waveforms

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]
BY_CHANCE = 1e-3
"""In how many clean samples a finding may appear."""
_FIRST = 5


def sides(events: Events, rows: slice) -> Mask:
    """Which of these events are background, and which signal; shape (2, m).

    In a regression all events whose target is known stand on the first side; all events, where no target is known at
    all. Events that are labelled as neither class stand on none.
    """
    target = np.asarray(events.target[rows])
    if events.kind == "regression":
        known = np.isfinite(target)
        if not known.any() and not np.isfinite(events.target).any():
            known[:] = True
        return np.stack([known, np.zeros(len(target), np.bool_)])
    return np.stack([target == 0, target == 1])


def side_names(events: Events, classes: tuple[str, str]) -> tuple[str, str]:
    """What background and signal are called; a regression's events have no such names."""
    return classes if events.kind == "classification" else ("", "")


def words(events: Events) -> tuple[str, str]:
    """What a column and a row of these events are called."""
    if are_images(events):
        return "channel", "image"
    return ("channel", "waveform") if are_waveforms(events) else ("feature", "event")


def shares(marked: Counts, of: Counts, names: tuple[str, str], row: str) -> str:
    """How many rows are marked, in each class where there are some.

    >>> shares(np.array([1, 3]), np.array([50, 60]), ("photon", "electron"), "image")
    '3 of 60 electron images (5.00%) and 1 of 50 photon images (2.00%)'
    >>> shares(np.array([1, 0]), np.array([50, 0]), ("", ""), "waveform")
    '1 of 50 waveforms (2.00%)'
    """
    shown = (1, 0) if any(names) else (0,)
    return " and ".join(
        f"{marked[side]} of {of[side]} {f'{names[side]} ' if names[side] else ''}{row}s "
        f"({marked[side] / max(of[side], 1):.2%})"
        for side in shown
    )


def by_chance(marked: Counts, of: Counts) -> float:
    """How probable shares of marked rows on the two sides are that differ at least so much (Fisher's test)."""
    return float(fisher_exact(np.stack([marked, of - marked])).pvalue)


def first_rows(marks: Mask) -> tuple[int, ...]:
    """The positions of the first few marked rows."""
    return tuple(np.flatnonzero(marks)[:_FIRST].tolist())


def listed(rows: tuple[int, ...], word: str) -> str:
    """The first few rows in words, counted from 1.

    >>> listed((4, 9), "waveform"), listed((4,), "waveform")
    ('first: waveforms 5, 10', 'first: waveform 5')
    """
    numbers = ", ".join(str(row + 1) for row in rows)
    return f"first: {word}{'s' if len(rows) > 1 else ''} {numbers}"
