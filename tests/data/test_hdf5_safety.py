"""HDF5 files that are damaged, lead elsewhere or promise too much: one line each, before anything is allocated."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.data.image_files import EGAMMA, classes, showers, write_h5

from hepsieve.data.hdf5_safety import opened, rows_in_step, safe_array
from hepsieve.data.open import open_arrays
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events
from hepsieve.errors import DataError, HepsieveError
from hepsieve.events import Events

_END = slice(40, 48)  # where the oldest kind of superblock, which h5py writes, says how long the file is


def line_for(path: Path) -> str:
    """The one line; nothing may be published either."""
    cache = path.parent / "cache"
    with pytest.raises(DataError) as caught:
        read_files([path], EGAMMA, cache=cache)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    assert not cache.exists()
    return message


@pytest.mark.parametrize("array", ["X", "y"])
def test_soft_links_are_not_followed(tmp_path: Path, array: str) -> None:
    path = write_h5(tmp_path / "a.h5", showers(20), classes(20))
    with h5py.File(path, "a") as file:
        file.move(array, "elsewhere")
        file[array] = h5py.SoftLink("/elsewhere")
    assert f"{array} is a soft link to another place, which is not followed" in line_for(path)


@pytest.mark.parametrize("array", ["X", "y"])
def test_external_links_are_not_followed(tmp_path: Path, array: str) -> None:
    write_h5(tmp_path / "other.h5", showers(20), classes(20))
    path = write_h5(tmp_path / "a.h5", showers(20), classes(20))
    with h5py.File(path, "a") as file:
        del file[array]
        file[array] = h5py.ExternalLink("other.h5", f"/{array}")
    assert f"{array} is an external link to another place, which is not followed" in line_for(path)


def test_external_storage_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(showers(4).tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        size = secret.stat().st_size
        file.create_dataset("X", shape=(4, 32, 32, 2), dtype="f4", external=[(str(secret), 0, size)])
        file["y"] = classes(4)
    assert "X lies in other files (external storage), which are not opened" in line_for(tmp_path / "a.h5")


def test_virtual_arrays_are_not_opened(tmp_path: Path) -> None:
    write_h5(tmp_path / "other.h5", showers(4), classes(4))
    layout = h5py.VirtualLayout(shape=(4, 32, 32, 2), dtype="f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "X", shape=(4, 32, 32, 2))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
        file["y"] = classes(4)
    assert "X is a virtual array of other files, which are not opened" in line_for(tmp_path / "a.h5")


@pytest.mark.parametrize(
    "kind",
    [
        h5py.string_dtype(),
        h5py.vlen_dtype(np.float32),
        np.dtype([("energy", "f4"), ("time", "f4")]),
        np.dtype("S8"),
        np.dtype("c8"),
        h5py.ref_dtype,
    ],
    ids=str,
)
def test_what_is_no_plain_number_is_refused(tmp_path: Path, kind: np.dtype[np.void]) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("X", shape=(4, 32, 32), dtype=kind)
        file["y"] = classes(4)
    assert "X is of type" in line_for(tmp_path / "a.h5")


def test_a_group_is_no_array(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("X")
    assert "X is no array" in line_for(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["X"] = h5py.Empty("f4")
    assert "X is no array" in line_for(tmp_path / "b.h5")


def test_filters_that_are_not_built_in_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((1, 32, 32, 2))
        plan.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL, ())  # Zstandard, which isn't there
        space = h5py.h5s.create_simple((4, 32, 32, 2))
        array = h5py.Dataset(h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, dcpl=plan))
        array[...] = showers(4)
        file["y"] = classes(4)
    assert "X was packed with the filter number 32015; known are gzip, shuffle" in line_for(path)
    with h5py.File(path, "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((1, 32, 32, 2))
        plan.set_deflate(9)
        plan.set_deflate(9)
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 32, 32, 2)), dcpl=plan)
    assert "with the filter gzip more than once" in line_for(path)


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
@pytest.mark.parametrize("more", [{}, {"shuffle": True, "fletcher32": True}], ids=["plain", "shuffled"])
def test_built_in_filters_are_read(tmp_path: Path, compression: str | None, more: dict[str, bool]) -> None:
    path = write_h5(tmp_path / "a.h5", showers(25), classes(25), compression=compression, **more)
    np.testing.assert_array_equal(read_files([path], EGAMMA).features, showers(25))


@pytest.mark.parametrize("chunks", [None, (1 << 16, 32, 32, 2), (10, 32, 32, 2)])
def test_a_small_file_that_declares_terabytes(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.create_dataset("X", shape=(10**9, 32, 32, 2), dtype="f4", chunks=chunks)
        file["y"] = classes(4)
    assert (tmp_path / "a.h5").stat().st_size < 4096
    line = line_for(tmp_path / "a.h5")
    assert "X declares 8,192,000,000,000 bytes (shape (1000000000, 32, 32, 2)), but 0 bytes of the file hold it" in line


def test_labels_that_declare_terabytes(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), None)
    with h5py.File(path, "a") as file:
        file.create_dataset("y", shape=(10**12,), dtype="f8", chunks=(1000,))
    assert "y declares 8,000,000,000,000 bytes" in line_for(path)


def test_images_that_were_never_written_are_no_empty_images(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        array = file.create_dataset("X", (100, 32, 32, 2), "f4", chunks=(10, 32, 32, 2), compression="gzip")
        array[:40] = showers(40)
        file["y"] = classes(100)
    assert "X has 4 of 10 chunks; the others were never written, or are lost" in line_for(tmp_path / "a.h5")


def test_a_chunk_that_a_flipped_bit_put_elsewhere_is_no_empty_image(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(40), classes(40))
    content = path.read_bytes()
    # A key of the index: no filter left out, the place (20, 0, 0, 0), and 0 for the byte within a number.
    key = bytes(4) + (20).to_bytes(8, "little") + bytes(32)
    assert content.count(key) == 1
    path.write_bytes(content.replace(key, bytes(4) + (10).to_bytes(8, "little") + bytes(32)))
    assert "X has 3 of 4 chunks" in line_for(path)


def test_chunks_that_fill_the_memory_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        chunks = (200_000, 32, 32, 1)
        array = file.create_dataset("X", (200_000, 32, 32, 1), "f4", chunks=chunks, compression="gzip")
        array.id.write_direct_chunk((0, 0, 0, 0), b"\0" * 1_000_000)
    assert "stored in chunks of 200,000 rows, 0.8 GB to be unpacked at once" in line_for(tmp_path / "a.h5")


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("patched", [False, True], ids=["cut", "cut and made up to be whole"])
def test_a_file_cut_short(tmp_path: Path, share: float, patched: bool, compression: str | None) -> None:
    path = write_h5(tmp_path / "a.h5", showers(200), classes(200), compression=compression)
    content = bytearray(path.read_bytes())
    content = content[: int(len(content) * share)]
    if patched and len(content) > _END.stop:
        content[_END] = len(content).to_bytes(8, "little")
    path.write_bytes(content)
    line = line_for(path)
    assert "cut short" in line or "were never written, or are lost" in line


def test_a_chunk_that_is_damaged_deep_in_the_file(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(3000), classes(3000))
    with h5py.File(path) as file:
        chunk = next(info for info in chunks_of(file["X"]) if info.chunk_offset[0] == 2500)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + 40] = bytes(40)
    path.write_bytes(content)
    line = line_for(path)
    assert f"{path}: X[" in line
    assert "the file is cut short or damaged" in line


def chunks_of(array: h5py.Dataset) -> Iterator[h5py.h5d.StoreInfo]:
    return (array.id.get_chunk_info(k) for k in range(array.id.get_num_chunks()))


@pytest.mark.parametrize("content", [b"x", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(2000)])
def test_what_is_no_hdf5_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    assert "no HDF5 file, or one that is cut short or damaged" in line_for(tmp_path / "a.h5")


def test_a_stamp_that_is_no_text(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "a.h5", showers(4), classes(4))
    with h5py.File(path, "a") as file:
        file.attrs["hepsieve"] = np.arange(4)
    assert "its attribute 'hepsieve' is no short text" in line_for(path)
    with h5py.File(path, "a") as file:
        file.attrs["hepsieve"] = '{"format": 1}'
    assert "what hepsieve wrote about its origin is damaged" in line_for(path)
    with h5py.File(path, "a") as file:
        del file.attrs["hepsieve"]
        file["X"].attrs["channels"] = ["energy"]
    assert "X: 2 channels, but its attribute 'channels' names energy" in line_for(path)


def test_every_chunk_is_unpacked_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_h5(tmp_path / "a.h5", showers(1000), classes(1000), chunks=(70, 16, 32, 1))
    seen: list[slice] = []
    get = h5py.Dataset.__getitem__

    def watched(self: h5py.Dataset, rows: slice) -> object:
        if self.name == "/X":
            seen.append(rows)
        return get(self, rows)

    monkeypatch.setattr("hepsieve.data.arrays.BLOCK_BYTES", 200 * 32 * 32 * 2 * 4)
    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    read_files([path], EGAMMA, cache=tmp_path / "cache")
    assert [(rows.start, rows.stop) for rows in seen] == [(k, min(k + 140, 1000)) for k in range(0, 1000, 140)]


@pytest.mark.parametrize(("wanted", "expected"), [(1, 70), (70, 70), (139, 70), (200, 140)])
def test_steps_are_whole_chunks(tmp_path: Path, wanted: int, expected: int) -> None:
    path = write_h5(tmp_path / "a.h5", showers(100), classes(100), chunks=(70, 32, 32, 2))
    with opened(path) as file:
        assert rows_in_step(safe_array(file, "X", path), wanted) == expected
        assert rows_in_step(safe_array(file, "y", path), wanted) == wanted
    assert next(open_arrays(path, EGAMMA)[0].blocks(["y"])).values.shape == (100, 32, 32, 2)


WRITE = """
import sys
from pathlib import Path
import numpy as np
from hepsieve.data.write import write_events
from hepsieve.errors import HepsieveError
from hepsieve.events import Events
images = np.random.default_rng(1).random((3000, 8, 8, 1))
try:
    write_events(Events.from_arrays(images, np.ones(3000)), Path(sys.argv[1]))
except HepsieveError as error:
    sys.exit(f"line: {error}")
"""


@pytest.mark.parametrize("limit", [50, 1000, 100_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITE, tmp_path / "a.h5"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("line: ")
    assert "a.h5: can't be written (File too large); nothing was left there" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match="can't be written"):
        write_events(Events.from_arrays(showers(2), classes(2)), tmp_path / "file" / "a.h5")
