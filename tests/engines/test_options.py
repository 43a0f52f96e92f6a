"""What of an engine's options does not fit together gets one line."""

from __future__ import annotations

from typing import Any

import pytest

from hepsieve.engines import EngineOptions
from hepsieve.errors import HepsieveError


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"name": "local", "scheduler": "tcp://a:1"}, "--scheduler tcp://a:1: goes with --engine dask, not with local"),
        ({"name": "slurm", "scheduler": "tcp://a:1", "jobs": 2}, "--scheduler tcp://a:1: .* not with slurm"),
        ({"name": "dask", "scheduler": "node17"}, "--scheduler node17: no address such as tcp://"),
        (
            {"name": "dask", "scheduler": "tcp://a:1", "interface": "ib0"},
            "--interface ib0: .*runs already; leave it out",
        ),
        ({"name": "local", "interface": "ib0"}, "--interface ib0: goes with --engine dask or slurm"),
        ({"name": "slurm"}, "--engine slurm: say with --jobs how many"),
        ({"name": "local", "jobs": 0}, "--jobs 0: take at least 1"),
    ],
)
def test_refuses_what_does_not_fit_together(options: dict[str, Any], line: str) -> None:
    with pytest.raises(HepsieveError, match=line):
        EngineOptions(**options)


def test_nothing_is_chosen_unless_an_engine_is_named() -> None:
    assert EngineOptions.chosen(None, jobs=3) is None
    assert EngineOptions.chosen("dask", jobs=3) == EngineOptions(name="dask", jobs=3)
    with pytest.raises(HepsieveError, match="--scheduler tcp://a:1: goes with --engine dask"):
        EngineOptions.chosen(None, scheduler="tcp://a:1")
    with pytest.raises(HepsieveError, match="--interface ib0: goes with"):
        EngineOptions.chosen(None, interface="ib0")
