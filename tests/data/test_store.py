"""The prepared store: whole or not there, verified, and out of date as soon as anything changed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import DataConfig
from hepsieve.data import store as store_module
from hepsieve.data.read import read_files
from hepsieve.errors import DataError, HepsieveError
from hepsieve.events import Events

DATA = DataConfig(label="y")


def write(path: Path, rows: int = 300, seed: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    values = np.column_stack([np.arange(rows) % 2, rng.normal(size=(rows, 2)), rng.integers(0, 9, rows)])
    np.savetxt(path, values, delimiter=",", header="y,a,b,run", comments="", fmt="%.9g")
    return path


def same(a: Events, b: Events) -> bool:
    return (
        np.array_equal(a.features, b.features)
        and np.array_equal(a.target, b.target)
        and np.array_equal(a.weight, b.weight)
        and (a.names, a.units, a.origin) == (b.names, b.units, b.origin)
    )


def folders(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def test_the_store_gives_what_reading_gives(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    for data in (DATA, DataConfig(label="y", group="run", weight="b")):
        direct = read_files([path], data)
        first, second = (read_files([path], data, cache=cache) for _ in range(2))
        assert same(direct, first)
        assert same(first, second)
        assert isinstance(second.features, np.memmap)
        assert (direct.group is None) == (data.group is None) == (second.group is None)
        if direct.group is not None and second.group is not None:
            assert np.array_equal(direct.group, second.group)
    assert len(folders(cache)) == 2


def test_the_second_time_no_source_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    read_files([path], DATA, cache=cache)

    def refuse(*_: object) -> None:
        raise AssertionError("the source is read again")

    monkeypatch.setattr(store_module, "write_store", refuse)
    assert len(read_files([path], DATA, cache=cache)) == 300


def test_a_changed_source_is_read_again_and_the_old_store_goes(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    before = read_files([path], DATA, cache=cache)
    write(path, seed=2)
    after = read_files([path], DATA, cache=cache)
    assert not same(before, after)  # the old mapping stays readable
    assert same(after, read_files([path], DATA))
    assert len(folders(cache)) == 1


def test_a_new_date_alone_changes_nothing(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    read_files([path], DATA, cache=cache)
    made = folders(cache)[0].stat().st_ino
    os.utime(path, (1, 1))
    read_files([path], DATA, cache=cache)
    assert folders(cache)[0].stat().st_ino == made


@pytest.mark.parametrize("name", ["features.npy", "target.npy", "store.json", "manifest.json"])
def test_a_flipped_bit_is_found_and_mended(tmp_path: Path, name: str) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    whole = read_files([path], DATA, cache=cache)
    file = folders(cache)[0] / name
    content = bytearray(file.read_bytes())
    content[content.find(b'"sha256": "') + 15 if name == "manifest.json" else len(content) // 2] ^= 1
    file.write_bytes(content)
    assert same(read_files([path], DATA, cache=cache), read_files([path], DATA))
    assert len(whole) == 300
    assert len(folders(cache)) == 1


def test_other_settings_make_another_store(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv"), tmp_path / "cache"
    read_files([path], DATA, cache=cache)
    other = read_files([path], DataConfig(label="y", features=("b",)), cache=cache)
    assert other.names == ("b",)
    assert len(folders(cache)) == 2


def test_a_broken_end_is_never_published(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv", rows=150_000), tmp_path / "cache"
    with path.open("a") as stream:
        stream.write("1,2\n")
    with pytest.raises(DataError, match="row 150002 has 2 cells"):
        read_files([path], DATA, cache=cache)
    assert folders(cache) == []


def test_writers_at_the_same_time_agree(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv", rows=3000), tmp_path / "cache"
    results: list[Events] = []
    threads = [threading.Thread(target=lambda: results.append(read_files([path], DATA, cache=cache))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(same(results[0], other) for other in results[1:])
    assert len(folders(cache)) == 1


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv")
    from hepsieve.data import chunks

    take = chunks.Digest.add

    def touch(self: chunks.Digest, arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> None:
        take(self, arrays)
        os.utime(path, (1, 1))

    monkeypatch.setattr(chunks.Digest, "add", touch)
    with pytest.raises(DataError, match="changed while it was read"):
        read_files([path], DATA, cache=tmp_path / "cache")
    assert folders(tmp_path / "cache") == []


READ = """
import sys
from pathlib import Path
from hepsieve.config import DataConfig
from hepsieve.data.read import read_files
from hepsieve.errors import HepsieveError
print("ready", flush=True)
try:
    read_files([Path(sys.argv[1])], DataConfig(label="y"), cache=Path(sys.argv[2]))
except HepsieveError as error:
    sys.exit(f"line: {error}")
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv", rows=20_000), tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", READ, path, cache],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("line: ")
    assert done.stderr.count("\n") == 1
    assert "can't be written (File too large)" in done.stderr
    assert folders(cache) == []


def test_a_killed_writer_leaves_nothing_at_the_final_path(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "a.csv", rows=200_000), tmp_path / "cache"
    with subprocess.Popen([sys.executable, "-c", READ, path, cache], stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not any(cache.glob(".part-*/features.npy")) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert [folder.name[0] for folder in folders(cache)] == ["."]  # the part that was being written
    assert len(read_files([path], DATA, cache=cache)) == 200_000
    old = time.time() - 2 * 24 * 3600
    for entry in cache.glob(".part-*"):
        for file in (*entry.iterdir(), entry):
            os.utime(file, (old, old))
    write(path)
    read_files([path], DATA, cache=cache)
    assert len(folders(cache)) == 1  # a day later the part is swept away


def test_an_unwritable_cache_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match="can't be written") as caught:
        read_files([path], DATA, cache=tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_a_change_behind_an_old_date_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("label,x\n0,1\n1,2\n", encoding="utf-8")
    data = DataConfig(label="label")
    cache = tmp_path / "cache"
    assert read_files([path], data, cache=cache).target.tolist() == [0, 1]
    before = path.stat()
    path.write_text("label,x\n1,1\n0,2\n", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read_files([path], data, cache=cache).target.tolist() == [1, 0]
