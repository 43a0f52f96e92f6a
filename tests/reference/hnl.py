"""The columns of a pair of tracks, one pair at a time: slow and obvious."""

from __future__ import annotations

from math import acos, sqrt

import numpy as np

Vector = tuple[float, float, float]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def size(a: Vector) -> float:
    return sqrt(dot(a, a))


def angle(a: Vector, b: Vector) -> float:
    return acos(max(-1.0, min(1.0, dot(a, b) / size(a) / size(b))))


def nearest(point_a: Vector, along_a: Vector, point_b: Vector, along_b: Vector) -> tuple[Vector, float]:
    """The middle between two lines where they are nearest, and their distance there, by least squares."""
    a, b = np.array(along_a) / size(along_a), np.array(along_b) / size(along_b)
    # Ways s and t that bring (point_a + s a) − (point_b + t b) as near to zero as can be.
    (s, t), *_ = np.linalg.lstsq(np.stack([a, -b], axis=1), np.array(point_b) - np.array(point_a), rcond=None)
    one, other = np.array(point_a) + s * a, np.array(point_b) + t * b
    x, y, z = ((one + other) / 2).tolist()
    return (x, y, z), float(np.linalg.norm(one - other))


def distance_to_line(point: Vector, along: Vector, target: Vector) -> float:
    """The distance of a target from the line: take away from the way there what goes along the line."""
    way = tuple(t - p for t, p in zip(target, point, strict=True))
    unit = tuple(a / size(along) for a in along)
    forward = sum(w * u for w, u in zip(way, unit, strict=True))
    across = (way[0] - forward * unit[0], way[1] - forward * unit[1], way[2] - forward * unit[2])
    return size(across)


def mass(first: Vector, second: Vector, masses: tuple[float, float]) -> float:
    """√(m₁² + m₂² + 2 (E₁E₂ − p₁p₂ cos θ))."""
    e1, e2 = (sqrt(dot(p, p) + m * m) for p, m in zip((first, second), masses, strict=True))
    product = e1 * e2 - size(first) * size(second) * np.cos(angle(first, second))
    return sqrt(masses[0] ** 2 + masses[1] ** 2 + 2 * product)
