"""Near copies: found when rounded or jittered, left alone where values are coarse or rows lie close by chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.audit import audit, audit_files, neighbours
from hepsieve.audit.neighbours import near_rows, near_rows_between
from hepsieve.config import AuditConfig, TaskConfig
from hepsieve.errors import AuditStop
from hepsieve.events import Events
from hepsieve.models.config import TreesConfig
from hepsieve.sample import Sample, audit_sample

CLASSES = ("background", "signal")
Values = NDArray[np.float32]


def table(n: int, p: int = 6, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(size=(n, p)).astype(np.float32)


def jittered(values: Values, size: float, seed: int = 1) -> Values:
    return (values * (1 + size * np.random.default_rng(seed).normal(size=values.shape))).astype(np.float32)


def codes(events: Events) -> list[tuple[str, str]]:
    found = audit(events, AuditConfig(), classes=CLASSES).findings
    return [(one.code, one.severity) for one in found if "near" in one.code]


def nearest_by_hand(values: Values, asked: int) -> int:
    """The row that is nearest to one other in the scaled columns, largest difference counted; the slow way."""
    x = values.astype(np.float64)
    ordered = np.sort(x, axis=0)
    low, centre, high = (ordered[len(x) * quarter // 4] for quarter in (1, 2, 3))
    z = np.arcsinh((x - centre) / (high - low))
    distance = np.abs(z - z[asked]).max(axis=1)
    distance[asked] = np.inf
    return int(distance.argmin())


@pytest.mark.parametrize("size", [1e-6, 1e-5])
def test_jittered_copies_are_found_with_their_originals(size: float) -> None:
    x = table(400)
    whole = np.concatenate([x, jittered(x[:20], size)])
    found = near_rows(whole)
    assert found is not None
    assert found.rows.tolist() == [*range(20), *range(400, 420)]
    assert found.partners.tolist() == [*range(400, 420), *range(20)]
    assert found.partners.tolist() == [nearest_by_hand(whole, row) for row in found.rows]
    across = near_rows_between(jittered(x[:20], size), x)
    assert across is not None
    assert (across.rows.tolist(), across.partners.tolist()) == (list(range(20)), list(range(20)))


def test_rounded_copies_are_found_where_rows_are_far_apart() -> None:
    x = table(400, 28)
    rounded = np.round(x[:20], 2)
    found = near_rows(np.concatenate([x, rounded]))
    assert found is not None
    assert set(found.rows.tolist()) <= {*range(20), *range(400, 420)}
    assert len(found.rows) > 20
    across = near_rows_between(rounded, x)
    assert across is not None
    assert len(across.rows) > 10


@pytest.mark.parametrize("p", [1, 2, 3, 6, 40])
@pytest.mark.parametrize("seed", range(5))
def test_rows_by_chance_are_no_copies(p: int, seed: int) -> None:
    assert near_rows(table(1500, p, seed)) is None
    assert near_rows_between(table(300, p, seed + 50), table(1500, p, seed)) is None


def test_rows_of_counts_and_rows_on_a_line_are_no_copies() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(3, (2000, 5)).astype(np.float32)
    with_energy = np.column_stack([counts, rng.exponential(size=2000).astype(np.float32)])
    line = np.outer(rng.normal(size=2000), np.arange(1, 9)).astype(np.float32)
    coarse = np.round(rng.normal(size=(2000, 4)), 1).astype(np.float32)
    for values in (counts, with_energy, line, coarse):
        assert near_rows(values) is None


@pytest.mark.parametrize(("n", "p", "missing"), [(1000, 12, 0.3), (4000, 10, 0.5), (4000, 8, 0.6)])
def test_sentinels_make_no_copies_of_rows_that_lack_the_same_columns(n: int, p: int, missing: float) -> None:
    # Next to -999 all other values seem alike; and few rows lack the same columns of many.
    x = table(n, p)
    x[np.random.default_rng(1).random((n, p)) < missing] = -999
    assert near_rows(x) is None
    assert near_rows_between(x[::4], x[1::4]) is None
    again = near_rows(np.concatenate([x, np.where(x == -999, x, jittered(x, 1e-6))[:50]]))
    assert again is not None
    # Rows of one or two values may agree by chance: they are left alone.
    assert len(again.rows) > 40


@pytest.mark.parametrize("noise", [1e-5, 1e-4, 1e-3])
def test_coarse_values_with_a_little_noise_are_no_copies(noise: float) -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(4, (3000, 4)) + noise * rng.normal(size=(3000, 4))
    tags = (rng.random((3000, 4)) < (0.05, 0.3, 0.5, 0.9)) + noise * rng.normal(size=(3000, 4))
    for values in (counts, tags, np.column_stack([counts, rng.normal(size=(3000, 2))])):
        assert near_rows(values.astype(np.float32)) is None


def test_identical_rows_are_not_meant() -> None:
    x = table(300)
    assert near_rows(np.concatenate([x, x[:50]])) is None
    assert near_rows_between(x[:50], x) is None


def test_missing_values_and_blank_images_are_no_copies() -> None:
    x = table(300)
    x[::3, 2] = np.nan
    assert near_rows(x) is None
    images = np.random.default_rng(3).gamma(1, size=(300, 6, 6, 1)).astype(np.float32)
    images[:40] = 0
    assert near_rows(images) is None


def test_of_very_many_rows_the_same_cells_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST", 1000)
    x = table(6000)
    whole = np.concatenate([x, jittered(x[:3000], 1e-6)])
    found = near_rows(whole)
    assert found is not None
    # About a ninth of the rows is looked at, and of these cells all copies are seen.
    assert 300 < found.compared < 2500
    assert len(found.rows) > 0.4 * found.compared
    assert ((found.rows - found.partners) % 6000 == 0).all()


def test_near_copies_stop_with_their_numbers_unless_a_group_ties_them() -> None:
    x = table(400)
    target = np.arange(420) % 2
    events = Events.from_arrays(np.concatenate([x, jittered(x[:20], 1e-6)]), target)
    assert codes(events) == [("near-duplicate-rows", "stop")]
    report = audit(events, AuditConfig(), classes=CLASSES)
    with pytest.raises(AuditStop, match=r"at least 40 of 420 events are near copies .*\(events 1 and 401, 2 and 402"):
        report.require_clean()
    report.accept(["near-duplicate-rows"]).require_clean()
    tied = events.replace(group=np.concatenate([np.arange(400), np.arange(20)]))
    assert codes(tied) == []


def test_near_copies_of_training_events_in_a_test_file_stop() -> None:
    x, y = table(400), table(100, seed=9)
    train = Events.from_arrays(x, np.arange(400) % 2)
    test = Events.from_arrays(np.concatenate([y, jittered(x[:5], 1e-6)]), np.arange(105) % 2)
    (finding,) = audit_files(train, validation=None, test=test).findings
    assert (finding.code, finding.severity) == ("test-near-duplicates-in-training", "stop")
    assert "at least 5 of 105 test events are near copies" in finding.message
    (between,) = audit_files(table_events(table(400, seed=5)), validation=train, test=test).findings
    assert between.code == "test-near-duplicates-in-validation"
    assert "in the validation data" in between.message


def test_copies_within_a_test_file_are_on_one_side() -> None:
    x = table(400)
    config = TaskConfig(task="copies", models={"trees": TreesConfig()})
    test = table_events(np.concatenate([table(100, seed=9), jittered(table(100, seed=9), 1e-6)]))
    report = audit_sample(Sample(events=table_events(x), test=test), config)
    assert [(one.code, one.severity) for one in report.findings if one.severity != "note"] == [
        ("test-near-duplicate-rows", "warn")
    ]


def table_events(values: Values) -> Events:
    return Events.from_arrays(values, np.arange(len(values)) % 2)
