"""Events to findings about near copies: rows that were rounded or jittered and kept, in one sample or across two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.findings import Finding
from hepsieve.audit.neighbours import MOST, near_rows, near_rows_between
from hepsieve.audit.sides import words
from hepsieve.events import Events

_SHOWN = 3
_FEW = 3


def near_copies(events: Events) -> Iterator[Finding]:
    """Rows of one sample that agree with another to three digits, though not to the last; groups excuse them.

    Identical rows are kept together by the split, which can't be done for what is only alike: it stops.
    """
    if (found := near_rows(events.features)) is None:
        return
    apart = np.ones(len(found.rows), np.bool_)
    if events.group is not None:
        apart = np.asarray(events.group)[found.rows] != np.asarray(events.group)[found.partners]
    rows, partners = found.rows[apart], found.partners[apart]
    if len(rows) == 0:
        return
    event = words(events)[1]
    yield Finding(
        code="near-duplicate-rows",
        severity="stop" if len(rows) >= _FEW else "warn",
        rows=tuple(rows[:5].tolist()),
        message=f"at least {len(rows)} of {_compared(found.compared, len(events), event)} are near copies of another, "
        f"alike to three digits in everything and nearer than chance puts them ({_pairs(rows, partners, event)}): were "
        "they rounded, smeared or jittered? Divided by chance, one would be learned from and its copy judged: keep one "
        "of each, or tie copies together with data.group",
    )


def near_copies_between(train: Events, other: Events, *, part: str) -> Iterator[Finding]:
    """Test (or validation) rows of a file of their own that agree with a training row to three digits."""
    if train.features.shape[1:] != other.features.shape[1:]:
        return
    if (found := near_rows_between(other.features, train.features)) is None:
        return
    event = words(other)[1]
    count = len(found.rows)
    yield Finding(
        code=f"{part}-near-duplicates-in-training",
        severity="stop" if count >= _FEW else "warn",
        rows=tuple(found.rows[:5].tolist()),
        message=f"at least {count} of {_compared(found.compared, len(other), f'{part} {event}')} are near copies of "
        "events in the training data, alike to three digits in everything "
        f"({_pairs(found.rows, found.partners, event)}, counted in their files): every {part} figure would be "
        f"wrong; take these {event}s out of one of the two",
    )


def _compared(compared: int, n: int, event: str) -> str:
    """How many were compared: all, but for repetitions, or some of very many."""
    return f"{compared} compared {event}s ({n} in all)" if n > MOST // 2 and compared < n // 2 else f"{n} {event}s"


def _pairs(rows: NDArray[np.int64], partners: NDArray[np.int64], event: str) -> str:
    shown = ", ".join(f"{a + 1} and {b + 1}" for a, b in zip(rows[:_SHOWN], partners[:_SHOWN], strict=True))
    return f"{event}s {shown}"
