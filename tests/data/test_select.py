"""Events kept by the value of a spectator, in tables and in arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.waveform_files import COUNT, pulses, separations

from hepsieve.config import DataConfig
from hepsieve.data.read import read_files
from hepsieve.errors import ConfigError, DataError

NEAR = {"d": (0.0, 0.01)}


def table(path: Path, n: int = 50) -> Path:
    rows = [f"{k % 2},{k},{k / 100},{k // 3},{'' if k % 10 == 9 else k % 7}" for k in range(n)]
    path.write_text("\n".join(["label,a,pt,run,d", *rows, ""]))
    return path


def expected(n: int = 50) -> list[int]:
    """Rows with d from 2 to 4, or without d."""
    return [k for k in range(n) if k % 10 == 9 or 2 <= k % 7 <= 4]


@pytest.mark.parametrize("spectators", [(), ("d",), ("pt", "d")])
def test_rows_of_a_table_are_chosen_by_a_spectator(tmp_path: Path, spectators: tuple[str, ...]) -> None:
    data = DataConfig(
        label="label", features=("a",), spectators=spectators, group="run", select={"D": (2, 4)}, missing=("",)
    )
    path = table(tmp_path / "a.csv")
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        events = read_files([path], data, cache=cache)
        rows = np.array(expected())
        assert events.features[:, 0].tolist() == rows.tolist()
        assert events.target.tolist() == (rows % 2).tolist()
        assert events.group is not None
        assert events.group.tolist() == (rows // 3).tolist()
        assert events.spectator_names == spectators
        if "pt" in spectators:
            np.testing.assert_allclose(events.spectator("pt"), rows / 100)
        assert events.origin.details["data.select"] == f"D from 2 to 4: {len(rows)} of 50 events"


def test_the_whole_of_a_table_stays_the_same(tmp_path: Path) -> None:
    data = DataConfig(label="label", features=("a",), spectators=("d",), missing=("",))
    path = table(tmp_path / "a.csv")
    whole, selected = (read_files([path], d) for d in (data, data.model_copy(update={"select": {"d": (0, 6)}})))
    assert whole.origin.fingerprint == selected.origin.fingerprint


def test_waveforms_of_near_pulses_and_all_single_ones(tmp_path: Path) -> None:
    one, two = tmp_path / "1s2.npz", tmp_path / "2s2.npz"
    np.savez(one, waveforms=pulses(10, seed=1))
    np.savez(two, waveforms=pulses(801, seed=2), d=separations(801))
    near = np.flatnonzero(separations(801) <= 0.01)
    data = COUNT.model_copy(update={"spectators": ("d",), "select": NEAR})
    events = read_files([one, two], data, cache=tmp_path / "cache")
    assert len(near) == 9  # 0 to 8 of 800
    assert events.target.tolist() == [0] * 10 + [1] * 9
    np.testing.assert_array_equal(events.features, np.concatenate([pulses(10, seed=1), pulses(801, seed=2)[near]]))
    np.testing.assert_array_equal(events.spectator("d")[10:], separations(801)[near])
    assert events.origin.details["data.select"] == "d from 0 to 0.01: 19 of 811 events"
    assert events.origin.details["2s2.npz"].startswith("9 rows, ")


def test_a_selection_that_can_not_be(tmp_path: Path) -> None:
    one = tmp_path / "1s2.npz"
    np.savez(one, waveforms=pulses(10))
    data = COUNT.model_copy(update={"select": NEAR})
    with pytest.raises(
        DataError, match=r"1s2\.npz: no array d in any file \(by which data\.select chooses\); it has wave"
    ):
        read_files([one], data)
    assert len(read_files([one], data, use="apply")) == 10
    with pytest.raises(ConfigError, match=r"data\.select: d from 2 to 1 is no range"):
        read_files([one], COUNT.model_copy(update={"select": {"d": (2, 1)}}))
    path, csv = table(tmp_path / "a.csv"), DataConfig(label="label", features=("a",), missing=("",))
    with pytest.raises(DataError, match=r"data\.select: none of 50 events has a from 100 to 200; widen the range"):
        read_files([path], csv.model_copy(update={"select": {"a": (100, 200)}}), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not any((tmp_path / "cache").iterdir())
    with pytest.raises(DataError, match="no column e"):
        read_files([path], csv.model_copy(update={"select": {"e": (0, 1)}}))
    assert len(read_files([path], csv.model_copy(update={"select": {"e": (0, 1)}}), use="apply")) == 50
