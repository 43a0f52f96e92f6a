"""Events kept by the value of a spectator, on their way from the files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.chunks import Chunk, Digest, Plan, Source
from hepsieve.data.columns import normalise
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Origin


def selected_by(data: DataConfig) -> tuple[str, ...]:
    """The columns of ``data.select`` that are no spectators and have to be read too.

    Raises:
        ConfigError: if a range is none.
    """
    for name, (low, high) in data.select.items():
        if not low <= high:
            raise ConfigError(
                f"data.select: {name} from {low:g} to {high:g} is no range; the smaller value comes first"
            )
    known = {normalise(name) for name in data.spectators}
    return tuple(name for name in data.select if normalise(name) not in known)


def select(plan: Plan, data: DataConfig) -> Plan:
    """The plan without the events that ``data.select`` leaves out; those without a value stay.

    Columns that were read for this alone, as `selected_by` says, are left out of the events.
    """
    if not data.select:
        return plan
    keys = {normalise(name): bounds for name, bounds in data.select.items()}
    ranges = {k: keys[normalise(name)] for k, name in enumerate(plan.spectators) if normalise(name) in keys}
    extra = {normalise(name) for name in selected_by(data)}
    stay = [k for k, name in enumerate(plan.spectators) if normalise(name) not in extra]
    said = " and ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in data.select.items())
    counts = {"read": 0, "kept": 0}

    def chunks() -> Generator[Chunk, None, None]:
        counts.update(read=0, kept=0)
        for chunk in plan.chunks():
            kept = _kept(chunk, ranges)
            counts["read"] += len(kept)
            counts["kept"] += int(kept.sum())
            if kept.any():
                yield _cut(chunk, kept, stay)
        if not counts["kept"]:
            raise DataError(f"data.select: none of {counts['read']:,} events has {said}; widen the range")

    def origin(sources: Sequence[Source], digest: Digest, rows: Sequence[int]) -> Origin:
        whole = plan.origin(sources, digest, rows)
        note = f"{said}: {counts['kept']:,} of {counts['read']:,} events"
        return replace(whole, details={**whole.details, "data.select": note})

    return replace(plan, spectators=tuple(plan.spectators[k] for k in stay), chunks=chunks, origin=origin)


def _kept(chunk: Chunk, ranges: dict[int, tuple[float, float]]) -> NDArray[np.bool_]:
    kept = np.ones(len(chunk.target), np.bool_)
    for k, (low, high) in ranges.items():
        assert chunk.spectators is not None
        values = chunk.spectators[:, k]
        kept &= ~((values < low) | (values > high))  # NaN is neither
    return kept


def _cut(chunk: Chunk, kept: NDArray[np.bool_], stay: Sequence[int]) -> Chunk:
    whole = bool(kept.all())

    def rows(array: NDArray[Any]) -> NDArray[Any]:
        return array if whole else array[kept]

    spectators = None if chunk.spectators is None or not stay else rows(chunk.spectators)[:, list(stay)]
    return replace(
        chunk,
        features=rows(chunk.features),
        target=rows(chunk.target),
        weight=rows(chunk.weight),
        group=None if chunk.group is None else rows(chunk.group),
        spectators=spectators,
    )
