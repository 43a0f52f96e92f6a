"""Targets in a file of their own, in every format that holds arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.data.waveform_files import SEPARATION, pulses, separations

from hepsieve.data.column_array import find_column, read_column
from hepsieve.data.read import read_files
from hepsieve.errors import DataError

Write = Callable[[Path, str, NDArray[np.float64]], None]


def _npz(path: Path, name: str, values: NDArray[np.float64]) -> None:
    np.savez(path, **{name: values})  # type: ignore[arg-type]


def _h5(path: Path, name: str, values: NDArray[np.float64]) -> None:
    with h5py.File(path, "w") as file:
        file[name] = values


@pytest.mark.parametrize(("ending", "write"), [(".npz", _npz), (".h5", _h5)])
@pytest.mark.parametrize("waveforms_in", [".npy", ".npz", ".h5"])
def test_targets_may_come_in_any_kind_of_file(tmp_path: Path, ending: str, write: Write, waveforms_in: str) -> None:
    waveforms, target = tmp_path / f"w{waveforms_in}", tmp_path / f"targets{ending}"
    if waveforms_in == ".npy":
        np.save(waveforms, pulses(40))
    else:
        {".npz": _npz, ".h5": _h5}[waveforms_in](waveforms, "waveforms", pulses(40).astype(np.float64))
    write(target, "d", separations(40)[:, np.newaxis])
    events = read_files([waveforms, target], SEPARATION)
    np.testing.assert_array_equal(events.target, separations(40).astype(np.float32))
    assert events.features.shape == (40, 200, 1)


@pytest.mark.parametrize(("ending", "write"), [(".npz", _npz), (".h5", _h5)])
def test_one_row_fewer_is_one_line(tmp_path: Path, ending: str, write: Write) -> None:
    np.save(tmp_path / "w.npy", pulses(40))
    write(tmp_path / f"d{ending}", "d", separations(39))
    with pytest.raises(DataError, match="40") as refused:
        read_files([tmp_path / "w.npy", tmp_path / f"d{ending}"], SEPARATION)
    assert "39" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_holds_more_is_no_column(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    np.savez(tmp_path / "deep.npz", a=np.zeros((3, 4)))
    np.save(tmp_path / "deep.npy", np.zeros((3, 4)))
    assert [find_column(tmp_path / name) for name in ("two.npz", "deep.npz", "deep.npy")] == [None] * 3


@pytest.mark.parametrize(("ending", "write"), [(".npz", _npz), (".h5", _h5)])
def test_rows_are_read_as_asked(tmp_path: Path, ending: str, write: Write) -> None:
    write(tmp_path / f"d{ending}", "d", np.arange(10.0))
    assert read_column(tmp_path / f"d{ending}", slice(3, 6)).tolist() == [3, 4, 5]
