"""Events refuse what does not fit together, and stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hepsieve.errors import DataError
from hepsieve.events import Events, Origin


def sample(**changes: Any) -> Events:
    arguments: dict[str, Any] = {
        "features": np.arange(6, dtype=np.float32).reshape(3, 2),
        "target": np.array([0, 1, 1], np.float32),
        "weight": np.ones(3, np.float32),
        "names": ("pt", "eta"),
        "units": ("GeV", ""),
        "origin": Origin(kind="real"),
    }
    return Events(**(arguments | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"features": np.zeros((3, 2))}, "float64"),
        ({"features": np.zeros(3, np.float32)}, "shape"),
        ({"target": np.zeros(2, np.float32)}, "there are 3 events"),
        ({"weight": np.zeros((3, 1), np.float32)}, "there are 3 events"),
        ({"group": np.zeros(4, np.int64)}, "there are 3 events"),
        ({"names": ("pt",)}, "1 names for 2 features"),
        ({"names": ("pt", "pt")}, "twice: pt"),
        ({"units": ("GeV",)}, "1 units for 2 names"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        sample(**changes)


def test_rows_are_taken_from_every_column() -> None:
    events = sample(group=np.array([4, 5, 6]))[np.array([2, 0])]
    assert events.features.tolist() == [[4, 5], [0, 1]]
    assert events.target.tolist() == [1, 0]
    assert events.group is not None
    assert events.group.tolist() == [6, 4]


def test_replace_leaves_the_original_alone() -> None:
    events = sample()
    other = events.replace(target=np.zeros(3, np.float32))
    assert events.target.sum() == 2
    assert other.target.sum() == 0
    assert other.features is events.features
