"""Features that tell the place in the file are named; honest ones in sorted files are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.audit import audit
from hepsieve.audit.order import row_order
from hepsieve.config import AuditConfig
from hepsieve.events import Events, TargetScale

N = 800


def found(column: NDArray[np.floating], target: NDArray[np.integer]) -> list[str]:
    x = np.random.default_rng(0).normal(size=(len(column), 2))
    events = Events.from_arrays(np.column_stack([x, column]), target, names=("a", "b", "c"))
    findings = list(row_order(events))
    assert all((one.key, one.severity) == ("row-order-in-feature:c", "warn") for one in findings)
    return [one.message for one in findings]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("number", "rises in 798 of 798 steps"),
        ("countdown", "falls in 798 of 798 steps"),
        ("two files", "rises in 796 of 798 steps"),
        ("smeared time", "rank correlation with the row number is 0.99"),
        ("runs", "by chance it would"),
        ("shuffled", "whole numbers from 1000 to 1799 for 800 events, and none of them twice"),
    ],
)
def test_the_place_in_the_file_is_seen(kind: str, says: str) -> None:
    rng, rows = np.random.default_rng(1), np.arange(N)
    columns = {
        "number": rows,
        "countdown": -rows,
        "two files": rows % 400,
        "smeared time": rows + rng.normal(scale=20, size=N),
        "runs": np.array([7, 3, 9, 1])[rows // 200],
        "shuffled": rng.permutation(N) + 1000,
    }
    (message,) = found(columns[kind].astype(float), rng.integers(0, 2, N))
    assert "feature c tells where in the file an event stands" in message
    assert says in message


@pytest.mark.parametrize("seed", range(20))
def test_honest_features_pass_in_sorted_and_in_mixed_files(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixed = rng.integers(0, 2, N)
    for target in (mixed, np.sort(mixed)):
        honest = [
            rng.normal(size=N) + 2 * target,
            rng.poisson(3 + target).astype(float),
            np.where(target == 1, rng.random(N) < 0.97, rng.random(N) < 0.03).astype(float),
            rng.integers(0, 10**6, N).astype(float),  # few of so many numbers come twice by chance
            np.round(rng.uniform(0, 50, N)),
        ]
        for column in honest:
            assert found(column, target) == []


@pytest.mark.parametrize("signal", ["mixed", "constant"])
def test_what_one_class_alone_does_accuses_no_feature(signal: str) -> None:
    # Background comes from slices of a simulation, or was sorted by the feature; it is 97 % of the file.
    rng = np.random.default_rng(4)
    target = (np.arange(4000) >= 3880).astype(int)
    last = rng.integers(0, 10, 120) if signal == "mixed" else np.zeros(120)
    assert found(np.concatenate([np.arange(3880) // 388, last]).astype(float), target) == []
    assert found(np.concatenate([np.sort(rng.normal(size=3880)), rng.normal(size=120)]), target) == []
    # The number of a file that holds both classes is another matter.
    files = np.random.default_rng(6).permutation(10)
    (message,) = found(files[np.concatenate([np.arange(3880) // 388, np.arange(120) // 12])].astype(float), target)
    assert "by chance it would" in message


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_good_features_of_a_scan_follow_the_target_and_not_the_row(noise: float) -> None:
    rng = np.random.default_rng(5)
    for d in (np.sort(rng.uniform(size=2000)), np.repeat(np.arange(20) / 19, 100)):
        features = np.column_stack([d + noise * rng.normal(size=2000), np.rint(4 * d + 0.1 * rng.normal(size=2000))])
        events = Events.from_arrays(features, d, scale=TargetScale(name="d"))
        assert list(row_order(events)) == []
        counted = events.replace(features=np.column_stack([features[:, 0], np.arange(2000)]).astype(np.float32))
        assert [one.key for one in row_order(counted)] == ["row-order-in-feature:x1"]


def test_a_regression_has_it_too() -> None:
    rng = np.random.default_rng(2)
    d = rng.uniform(size=N)
    features = np.column_stack([d + rng.normal(size=N), np.arange(N)])
    events = Events.from_arrays(features, d, scale=TargetScale(name="d"))
    report = audit(events, AuditConfig(), classes=("", ""))
    assert [one.key for one in report.findings if one.severity == "warn"] == ["row-order-in-feature:x1"]


def test_a_long_file_is_looked_at_in_sixteen_places() -> None:
    rng = np.random.default_rng(3)
    target = rng.integers(0, 2, 100_000)
    assert "rises in 65504 of 65504 steps" in found(np.arange(100_000.0), target)[0]
    assert found(rng.normal(size=100_000), target) == []
