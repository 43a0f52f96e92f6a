"""The 16 columns against a slow reference, and the definitions that the genuine files show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.reference import hnl as slow

from hepsieve.simulate.hnl_columns import COLUMNS, NAMES, TARGET, UNITS, find_vertex, impact_parameter, table
from hepsieve.simulate.particles import Floats

MASSES = (0.13957, 0.10566)


def pairs(n: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Momenta and points of forward tracks at angles of some tenths of a radian."""
    rng = np.random.default_rng(4)
    first, second = rng.normal([0, 0, 12], [1, 1, 3], (2, n, 3))
    one, other = rng.normal(0, 50, (2, n, 3))
    return (first, second), (one, other)


def test_vertices_are_where_a_search_finds_them() -> None:
    momenta, points = pairs(25)
    vertex = find_vertex(momenta, points)
    for row in range(25):
        a, b = (tuple(m[row].tolist()) for m in momenta)
        middle, distance = slow.nearest(tuple(points[0][row]), a, tuple(points[1][row]), b)
        np.testing.assert_allclose(vertex.point[row], middle, atol=1e-4)
        assert vertex.doca[row] == pytest.approx(distance, abs=1e-6)
        assert vertex.angle[row] == pytest.approx(slow.angle(a, b), rel=1e-9)


def test_tracks_from_one_point_meet_there() -> None:
    momenta, points = pairs(50)
    there = points[0]
    moved = [there + momentum * 200 for momentum in momenta]
    vertex = find_vertex(momenta, (moved[0], moved[1]))
    np.testing.assert_allclose(vertex.point, there, atol=1e-7)
    np.testing.assert_allclose(vertex.doca, 0.0, atol=1e-7)


def test_parallel_tracks_keep_their_distance() -> None:
    along = np.array([[0.0, 0.0, 5.0]])
    vertex = find_vertex((along, along), (np.array([[0.0, 0.0, 9.0]]), np.array([[3.0, 4.0, 9.0]])))
    assert vertex.doca.tolist() == pytest.approx([5.0])
    assert vertex.angle[0] < 1e-6


def test_columns_follow_their_definitions() -> None:
    momenta, points = pairs(40)
    vertex = find_vertex(momenta, points)
    rows = table(vertex, momenta, momenta, (np.full(40, MASSES[0]), np.full(40, MASSES[1])))
    values = dict(zip(NAMES, rows.T, strict=True))
    for who in ("Mother", "Daughter1", "Daughter2"):
        share = values[f"{who} Transverse Momentum"] / values[f"{who} Total Momentum"]
        np.testing.assert_array_equal(values[f"{who} Fraction of Transverse Momentum"], share)
    for row in range(40):
        a, b = (tuple(m[row].tolist()) for m in momenta)
        mother = (a[0] + b[0], a[1] + b[1], a[2] + b[2])
        assert values["Mother Total Momentum"][row] == pytest.approx(slow.size(mother), rel=1e-12)
        assert values["Invariant Mass"][row] == pytest.approx(slow.mass(a, b, MASSES), rel=1e-9)
        distance = slow.distance_to_line(tuple(vertex.point[row]), mother, TARGET)
        assert values["Impact Parameter"][row] == pytest.approx(distance, rel=1e-9)
    np.testing.assert_array_equal(rows[:, 11:14], vertex.point[:, [2, 0, 1]])


def test_a_line_through_the_target_has_no_impact_parameter() -> None:
    along = np.array([[0.3, -0.2, 9.0]])
    through = np.array(TARGET) + 500 * along
    assert impact_parameter(through, along)[0] == pytest.approx(0.0, abs=1e-9)
    # Moved sideways by 3 cm in x and 4 cm in y, a line along z passes the target at 5 cm.
    assert impact_parameter(np.array([[3.0, 4.0, 0.0]]), np.array([[0.0, 0.0, 2.0]])).tolist() == [5.0]


@pytest.mark.genuine
def test_genuine_rows_follow_the_same_definitions(genuine: Callable[[str], Path]) -> None:
    for name in ("HNLtoPimu", "Back"):
        path = genuine(f"hnl/kinematic_variables_{name}.dat")
        header = path.read_text(encoding="utf-8").partition("\n")[0].split(", ")
        assert header[:16] == [f"{column} ({unit})" if unit else column for column, unit in COLUMNS]
        values = dict(zip(NAMES, np.loadtxt(path, delimiter=",", skiprows=1)[:, :16].T, strict=True))
        for who in ("Mother", "Daughter1", "Daughter2"):
            share = values[f"{who} Transverse Momentum"] / values[f"{who} Total Momentum"]
            np.testing.assert_allclose(values[f"{who} Fraction of Transverse Momentum"], share, rtol=1e-9)
    assert set(UNITS) == {"GeV/c", "", "rad", "cm", "GeV/c^2"}
