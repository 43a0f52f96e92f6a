"""Shower shapes of one image, crystal by crystal: slow and obvious."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def shapes(energy: NDArray[np.float32], time: NDArray[np.float32]) -> dict[str, float]:
    """All shapes of one image, energy and time of shape (height, width); deposits are never negative."""
    found = {place: float(energy[place]) for place in np.ndindex(*energy.shape)}
    seed = max(found, key=lambda place: (found[place], -place[0], -place[1]))
    rows = {place: place[0] - seed[0] for place in found}
    columns = {place: place[1] - seed[1] for place in found}

    def window(half: int) -> float:
        return math.fsum(e for p, e in found.items() if max(abs(rows[p]), abs(columns[p])) <= half)

    total = math.fsum(found.values())

    def mean(values: dict[tuple[int, ...], float]) -> float:
        return math.fsum(found[p] * values[p] for p in found) / total

    def spread(values: dict[tuple[int, ...], int]) -> tuple[float, float, float]:
        centre = mean({p: float(v) for p, v in values.items()})
        width = math.sqrt(mean({p: (v - centre) ** 2 for p, v in values.items()}))
        third = mean({p: (v - centre) ** 3 for p, v in values.items()})
        return centre, width, third / width**3 if width else 0.0

    row_mean, row_width, _ = spread(rows)
    column_mean, column_width, skewness = spread(columns)
    outside = {p: e for p, e in found.items() if abs(rows[p]) > 3 or abs(columns[p]) > 5}
    clusters = [math.fsum(e for p, e in outside.items() if abs(p[0] - r) <= 1 and abs(p[1] - c) <= 1) for r, c in found]
    when = mean({p: float(time[p]) for p in found})
    return {
        "total energy": total,
        "hits": sum(e > 0 for e in found.values()),
        "hits above 0.01": sum(e > 0.01 for e in found.values()),
        "hits above 0.1": sum(e > 0.1 for e in found.values()),
        "far hits": sum(e > 0 and max(abs(rows[p]), abs(columns[p])) > 5 for p, e in found.items()),
        "e1": window(0),
        "e9": window(1),
        "e25": window(2),
        "e49": window(3),
        "e1/e9": window(0) / window(1),
        "e9/e25": window(1) / window(2),
        "e25/total": window(2) / total,
        "second hottest": sorted(found.values())[-2],
        "second cluster": max(clusters),
        "row width": row_width,
        "column width": column_width,
        "column skewness": skewness,
        "row offset": row_mean,
        "column offset": column_mean,
        "side": math.fsum(found[p] * np.sign(columns[p]) for p in found) / total,
        "mean time": when,
        "time spread": math.sqrt(mean({p: (float(time[p]) - when) ** 2 for p in found})),
        "seed time": float(time[seed]),
    }
