"""Arrays on temporary files: the same content, no memory of their own, nothing left behind."""

from __future__ import annotations

import errno
import gc
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from hepsieve import spill
from hepsieve.errors import HepsieveError
from hepsieve.events import Events


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def anonymous() -> int:
    """Bytes of this process that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon")))


def resident() -> int:
    """Bytes that this process has in memory, mapped files among them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("shape", [10, (3, 4), (0, 5), (spill.LARGE + 1,), (3_000_000, 2)])
def test_an_array_keeps_what_is_written(shape: int | tuple[int, ...], folder: Path) -> None:
    array = spill.empty(shape, np.float32)
    array[...] = np.arange(array.size).reshape(array.shape)
    assert (array.reshape(-1) == np.arange(array.size, dtype=np.float32)).all()
    assert array.dtype == np.float32
    assert array.flags.writeable
    assert array.flags.c_contiguous
    assert not folder.exists() or not list(folder.iterdir())  # the file has no name


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads Linux's figures of memory")
def test_a_large_array_takes_no_memory_of_its_own(folder: Path) -> None:
    before = anonymous()
    array = spill.empty(100_000_000, np.uint8)
    array[:] = 1
    assert anonymous() - before < 20_000_000
    part = array[5:]
    open_files = descriptors()
    del array
    gc.collect()
    assert part.sum() == 100_000_000 - 5  # what looks into the file keeps it
    del part
    gc.collect()
    assert descriptors() < open_files


def test_a_spilled_array_travels_to_another_process(folder: Path) -> None:
    array = spill.empty(spill.LARGE + 1, np.uint8)
    array[:] = 7
    assert (pickle.loads(pickle.dumps(array)) == 7).all()


def test_a_full_disk_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spill, "_reserve", refuse)
    with pytest.raises(HepsieveError, match=r"cache: no room for 100 MB of temporary data \(No space left") as caught:
        spill.empty(100_000_000, np.uint8)
    assert "\n" not in str(caught.value)


def test_temporary_files_go_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEPSIEVE_CACHE", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert spill.scratch_folder() == tmp_path / "own" / "hepsieve"
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    assert spill.scratch_folder() == tmp_path / "temporary"
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "chosen"))
    assert spill.scratch_folder() == tmp_path / "chosen"
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "file"))
    assert spill.scratch_folder() == tmp_path / "temporary"


def test_blocks_cover_all_rows() -> None:
    array = np.zeros((2_000_003, 3), np.float64)
    parts = list(spill.blocks(array))
    assert len(parts) > 1
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, len(array))
    assert list(spill.blocks(array[:0])) == []
    assert [part.stop for part in spill.blocks(array[:5], rows=2)] == [2, 4, 5]


def test_rows_taken_are_those_that_numpy_takes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "LARGE", 100)
    monkeypatch.setattr(spill, "_BLOCK", 64)
    rng = np.random.default_rng(1)
    array = rng.normal(size=(200, 3))
    mask, rows = rng.random(200) < 0.4, rng.integers(-200, 200, 300)
    assert (spill.take(array, mask) == array[mask]).all()
    assert (spill.take(array, rows) == array[rows]).all()
    assert (spill.positions(mask) == np.flatnonzero(mask)).all()
    assert len(spill.take(array, mask & False)) == 0


def test_parts_of_large_events_lie_on_files(folder: Path) -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(200_000, 20)).astype(np.float32)
    events = Events.from_arrays(features, rng.integers(0, 2, len(features)))
    rows = np.flatnonzero(rng.random(len(features)) < 0.9)
    before = anonymous()
    part = events[rows]
    assert anonymous() - before < 8_000_000  # the features alone would be 14 MB
    assert (part.features == features[rows]).all()
    assert (part.target == events.target[rows]).all()
    part.features[0] = 0  # a copy, as any choice of rows
    assert (features[rows[0]] != 0).all()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_memory_that_is_let_go_comes_back_with_its_content(folder: Path, tmp_path: Path) -> None:
    array = spill.empty((3_000_000, 4), np.float32)
    array[...] = np.arange(4)
    np.save(tmp_path / "saved.npy", array)
    stored = np.load(tmp_path / "saved.npy", mmap_mode="r")
    assert (stored == np.arange(4)).all()
    before = resident()
    spill.let_go(array[::2], stored, None, np.ones(3))
    assert resident() < before - 1.8 * array.nbytes
    assert (array == np.arange(4)).all()
    assert (stored == np.arange(4)).all()


def test_many_values_are_put_in_order_as_few_are(folder: Path) -> None:
    values = np.random.default_rng(1).integers(-50, 50, spill.LARGE // 8 + 1) / 7
    values[:6] = np.inf, -np.inf, -0.0, 0.0, -0.0, np.inf
    assert (spill.order_of(values) == np.argsort(values, kind="stable")).all()
