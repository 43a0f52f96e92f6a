"""Chunks that are unpacked by hepsieve itself are those that the HDF5 library unpacks."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.data.image_files import EGAMMA, classes, showers, write_h5

from hepsieve.config import DataConfig
from hepsieve.data import arrays, hdf5_chunks
from hepsieve.data.hdf5_chunks import can_unpack, unpack
from hepsieve.data.read import read_files


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "u1", "<i2"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_are_those_of_the_library(tmp_path: Path, kind: str, shuffle: bool) -> None:
    path = write_h5(tmp_path / "a.h5", (200 * showers(47)).astype(kind), classes(47), shuffle=shuffle)
    with h5py.File(path) as file, ThreadPoolExecutor(2) as pool:
        array = file["X"]
        assert can_unpack(array)
        for rows in (slice(0, 10), slice(20, 47), slice(0, 47), slice(40, 41), slice(10, 35)):
            found = unpack(array, rows, pool)
            assert found.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
            np.testing.assert_array_equal(found, array[rows])


@pytest.mark.parametrize(
    "settings",
    [
        {"compression": None},
        {"compression": "lzf"},
        {"fletcher32": True},
        {"chunks": (10, 16, 32, 2)},
        {"compression": None, "chunks": None},
    ],
    ids=str,
)
def test_other_arrays_are_left_to_the_library(tmp_path: Path, settings: dict[str, object]) -> None:
    path = write_h5(tmp_path / "a.h5", showers(25), classes(25), **settings)
    with h5py.File(path) as file:
        assert not can_unpack(file["X"])
    np.testing.assert_array_equal(read_files([path], EGAMMA).features, showers(25))


def test_numbers_of_an_unusual_make_are_left_to_the_library(tmp_path: Path) -> None:
    kind = h5py.h5t.STD_I16LE.copy()
    kind.set_precision(12)
    kind.set_offset(4)  # the upper twelve of sixteen bits
    values = np.arange(4 * 8 * 8, dtype=np.int16).reshape(4, 8, 8, 1)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((2, 8, 8, 1))
        plan.set_deflate(4)
        space = h5py.h5s.create_simple(values.shape)
        array = h5py.Dataset(h5py.h5d.create(file.id, b"X", kind, space, dcpl=plan))
        array[...] = values
        assert not can_unpack(array)
        file["y"] = classes(4)
    np.testing.assert_array_equal(read_files([tmp_path / "a.h5"], DataConfig()).features, values)


def test_a_chunk_that_was_not_worth_packing(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(30), classes(30))
    other = showers(10, seed=9)
    with h5py.File(path, "a") as file:
        file["X"].id.write_direct_chunk((10, 0, 0, 0), other.tobytes(), filter_mask=1)
    expected = np.concatenate([showers(30)[:10], other, showers(30)[20:]])
    np.testing.assert_array_equal(read_files([path], EGAMMA).features, expected)


@pytest.mark.parametrize("length", [-8, 8], ids=["too short", "too long"])
def test_a_chunk_of_another_length(tmp_path: Path, length: int) -> None:
    path = write_h5(tmp_path / "a.h5", showers(30), classes(30))
    content = showers(11)[:10].tobytes() + bytes(8)
    packed = zlib.compress(content[: 10 * 8192 + length])
    with h5py.File(path, "a") as file:
        file["X"].id.write_direct_chunk((20, 0, 0, 0), packed)
    with h5py.File(path) as file, ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="instead of 81,920"):
        unpack(file["X"], slice(20, 30), pool)


def test_chunks_are_read_once_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_h5(tmp_path / "a.h5", showers(95), classes(95))
    begun: list[int] = []
    packed = hdf5_chunks._packed

    def watched(array: h5py.Dataset, start: int) -> object:
        begun.append(start)
        return packed(array, start)

    monkeypatch.setattr(hdf5_chunks, "_packed", watched)
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 30 * 32 * 32 * 2 * 4)
    events = read_files([path], EGAMMA, cache=tmp_path / "cache")
    np.testing.assert_array_equal(events.features, showers(95))
    assert begun == list(range(0, 95, 10))
