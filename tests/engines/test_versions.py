"""A worker with other packages is named, and every package that differs."""

from __future__ import annotations

import pytest

from hepsieve.engines.versions import require_same
from hepsieve.errors import HepsieveError

OURS = {"python": "3.11.7", "hepsieve": "0.8", "torch": "2.13.0", "keras": None}
ADDRESS = "tcp://10.0.0.1:8786"


def test_the_same_versions_are_let_through() -> None:
    bare = {"python": "3.11.7", "hepsieve": None, "torch": None}  # the scheduler carries nothing out
    require_same(ADDRESS, OURS, scheduler=bare, workers={"tcp://10.0.0.2:1": OURS})


def test_every_difference_is_named() -> None:
    workers = {
        "tcp://10.0.0.2:1": {**OURS, "torch": "2.12.0"},
        "tcp://10.0.0.3:1": {**OURS, "torch": "2.12.0", "hepsieve": None},
        "tcp://10.0.0.4:1": OURS,
    }
    with pytest.raises(HepsieveError) as caught:
        require_same(ADDRESS, OURS, scheduler={**OURS, "python": "3.12.1"}, workers=workers)
    assert str(caught.value) == (
        "--scheduler tcp://10.0.0.1:8786: other versions than here: python 3.12.1 instead of 3.11.7 (the scheduler); "
        "torch 2.12.0 instead of 2.13.0 (tcp://10.0.0.2:1 and 1 more); hepsieve missing instead of 0.8 "
        "(tcp://10.0.0.3:1); install the same there"
    )
