"""The page on scaling: its model goes through measurements that follow it, and all its figures are theirs."""

from __future__ import annotations

import pytest
from bench.scale import Grown, Measurements, Shared, overhead, speed_up
from bench.scale_model import Stored, fitted, page


def shared(engine: str, workers: int, wall: float, seconds: float, number: int) -> Shared:
    return Shared(engine=engine, workers=workers, start=3.0, wall=wall, trainings=(seconds,) * number)  # type: ignore[arg-type]


MEASURED = Measurements(
    rows=1000,
    epochs=2,
    scans=(
        *(shared("local", workers, 24.0 / workers, 2.0, 12) for workers in (1, 2)),
        *(shared("dask", workers, wall, 2.0, 12) for workers, wall in ((1, 25.2), (2, 14.0))),
    ),
    empty=tuple(shared(engine, workers, 2.0, 0.1, 10) for engine in ("local", "dask") for workers in (1, 2)),
    pieces=500.0,
    # 0.01 s and 2 µs an event; 4 bytes of memory an event.
    grown=tuple(
        Grown(rows=n, stored=120.0, seconds=0.01 + 2e-6 * n, before=280.0, most=300 + 4 * n / 2**20)
        for n in (10_000, 40_000, 160_000)
    ),
)


def test_ratio_and_overhead_are_those_of_the_workers() -> None:
    assert speed_up(MEASURED, "dask") == 25.2 / 14.0
    # Two workers for 2 s, ten trainings of 0.1 s: (2·2 − 1) / 10.
    assert overhead(MEASURED.empty[1]) == pytest.approx(0.3)


def test_the_model_goes_through_what_follows_it() -> None:
    model = fitted(MEASURED)
    assert (model.fixed, model.event) == pytest.approx((0.01, 2e-6), rel=1e-9)
    assert model.task == 1 / 500
    assert model.overhead == pytest.approx((0.1 + 0.3) / 2)
    # 10 trials on 4 workers are three rounds.
    assert model.wall(10, 4, 5.0) == 3 + 15
    # A thousand workers finish pieces of 1 s faster than their scheduler hands out 500 a second.
    assert model.wall(10_000, 1_000, 1.0) == 3 + 20


def test_the_page_is_written_from_the_stored_measurements_alone() -> None:
    stored = Stored(machine="two cores", measured=MEASURED)
    text = page(stored)
    assert page(Stored.model_validate_json(stored.model_dump_json())) == text
    assert "2.00 on local and 1.80 on dask" in text
    assert "grew by 4.0 bytes an event, which would be 4.0 GB" in text
    # 120 bytes times a billion.
    assert "120 GB of inputs" in text
