"""Rows in the HEPMASS layout: read as they were written, errors deep in a file, files that change, small memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from bench import hepmass_rows

from hepsieve.config import DataConfig
from hepsieve.data import chunks
from hepsieve.data.read import read_files
from hepsieve.errors import DataError

DATA = DataConfig(catalog="hepmass")
ROWS = 45_000  # two whole blocks and a part


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hepmass_rows.write(tmp_path_factory.mktemp("rows") / "rows.csv.gz", ROWS)


def test_the_text_is_that_of_the_public_files(path: Path) -> None:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert len(lines) == ROWS + 1
    assert lines[
        0
    ] == "# label,f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,f22,f23,f24," + (
        "f25,f26,mass"
    )
    cells = lines[1].split(",")
    assert cells[0] in ("0.000000000000000000e+00", "1.000000000000000000e+00")
    assert {cell[-3] for cell in cells} <= {"+", "-"}
    assert {len(cell.lstrip("-")) for cell in cells} == {24}
    assert any(line.endswith(",4.999999694824218750e+02") for line in lines)
    # Digits beyond the 17th may differ from C's: they no longer change the number.
    values = hepmass_rows.block(0)[:50].astype(np.float64)
    written = np.loadtxt(io.StringIO("\n".join(lines[1:51])), delimiter=",")
    np.testing.assert_allclose(written, values, rtol=1e-16)


def test_rows_are_read_as_they_were_made(path: Path) -> None:
    made = np.concatenate([hepmass_rows.block(number) for number in range(3)])[:ROWS]
    events = read_files([path], DATA)
    np.testing.assert_array_equal(events.target, made[:, 0])
    np.testing.assert_array_equal(events.features, made[:, 1:])


def test_more_rows_begin_with_the_same_ones(path: Path, tmp_path: Path) -> None:
    fewer = hepmass_rows.write(tmp_path / "fewer.csv", 30_000)
    assert gzip.decompress(path.read_bytes()).startswith(fewer.read_bytes())
    again = hepmass_rows.write(tmp_path / "again.csv.gz", ROWS)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("blank", [0, 3, 40_000])
def test_the_line_of_a_short_row_counts_blank_ones(path: Path, tmp_path: Path, blank: int) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    lines[40_500] = lines[40_500].rsplit(b",", 1)[0] + b"\n"
    if blank:
        lines.insert(blank, b"\r\n\n")
    bad = tmp_path / "bad.csv.gz"
    bad.write_bytes(gzip.compress(b"".join(lines), 1))
    with pytest.raises(DataError) as caught:
        read_files([bad], DATA, cache=tmp_path / "cache")
    number = 40_501 + 2 * (blank > 0)
    assert str(caught.value) == f"{bad}: row {number} has 28 cells instead of 29"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("extra", ["row", "half a row"])
def test_a_file_that_grows_while_it_is_read_is_one_line(
    path: Path, tmp_path: Path, ending: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = gzip.decompress(path.read_bytes())
    row = content.splitlines(keepends=True)[1] if extra == "row" else b"1.0,2.0"
    growing = tmp_path / f"growing{ending}"
    growing.write_bytes(content if ending == ".csv" else path.read_bytes())
    add, grown = chunks.Digest.add, False

    def add_and_grow(self: chunks.Digest, arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> None:
        nonlocal grown
        add(self, arrays)
        if not grown:
            grown = True
            with growing.open("ab") as stream:
                stream.write(row if ending == ".csv" else gzip.compress(row))

    monkeypatch.setattr(chunks.Digest, "add", add_and_grow)
    with pytest.raises(DataError, match=r"growing\.csv(\.gz)?: changed while it was read; try again") as caught:
        read_files([growing], DATA, cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_the_sum_of_the_source_is_right(path: Path, tmp_path: Path) -> None:
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    details = read_files([path], DATA, cache=tmp_path / "cache").origin.details["rows.csv.gz"]
    assert details.endswith(f"sha256 {expected}")
    assert chunks.Source.of(path).sha256 == expected


def test_a_broken_file_is_not_summed_to_its_end(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()
    sum_up = chunks._sha256_unless

    def wait(given_up: threading.Event, path: Path) -> str:
        assert given_up.wait(30)
        told.set()
        return sum_up(given_up, path)

    monkeypatch.setattr(chunks, "_sha256_unless", wait)
    bad = tmp_path / "bad.csv"
    bad.write_text(hepmass_rows.HEADER + "1.0,2.0\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2 has 2 cells"):
        read_files([bad], DATA)
    assert told.is_set()


def test_a_spread_of_masses_makes_the_signal_visible() -> None:
    # The signal's high-level feature follows its mass; that of background does not know of it.
    rows = hepmass_rows.block(5).astype(np.float64)
    signal, mass, f26 = rows[:, 0] == 1, rows[:, 28], rows[:, 27]
    assert np.corrcoef(mass[signal], f26[signal])[0, 1] > 0.7
    assert abs(np.corrcoef(mass[~signal], f26[~signal])[0, 1]) < 0.05
    assert abs(signal.mean() - 0.5) < 0.02


MEMORY = """
import json, sys, threading
from pathlib import Path
from bench.ingest import _ours, _watched
print(json.dumps(_watched(_ours(Path(sys.argv[1])))))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads Linux's figures of memory")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    peaks = []
    for rows in (200_000, 800_000):
        file = hepmass_rows.write(tmp_path / f"{rows}.csv.gz", rows)
        done = subprocess.run([sys.executable, "-c", MEMORY, file], capture_output=True, text=True, check=True)
        peaks.append(json.loads(done.stdout)["MB"])
    # The features of 800,000 rows alone are 90 MB, three times over.
    assert peaks[1] < 250
    assert peaks[1] < peaks[0] + 45
