"""Files that can't be read: one line each, with the file's name and the row to look at."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from hepsieve.config import DataConfig
from hepsieve.data.read import read_files
from hepsieve.errors import DataError

HEADER = b"label,a,b\n"
ROWS = b"1,2,3\n0,5,6\n"
GOOD = HEADER + ROWS
LABEL = DataConfig(label="label")
HIGGS = DataConfig(catalog="higgs")


def line_for(path: Path, data: DataConfig = LABEL) -> str:
    with pytest.raises(DataError) as caught:
        read_files([path], data)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def npy(array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def gzipped(content: bytes) -> bytes:
    """Without the time of day, which would give the tests other names in each process that collects them."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("short.csv", GOOD + b"1,2\n", "row 4 has 2 cells instead of 3"),
        ("long.csv", GOOD + b"1,2,3,4\n", "row 4 has 4 cells instead of 3"),
        ("after-blanks.csv", GOOD + b"\n\n1,2\n", "row 6 has 2 cells instead of 3"),
        ("text.csv", GOOD + b"1,foo,3\n", "row 4, column 'a': 'foo' is not a number"),
        ("text-first.csv", HEADER + b"1,foo,3\n" + ROWS, "row 2, column 'a': 'foo' is not a number"),
        ("text.csv.gz", gzipped(GOOD + b"\n0,1,x\n"), "row 5, column 'b': 'x' is not a number"),
        ("empty-cell.csv", GOOD + b"1,,3\n", "row 4, column 'a': the cell is empty"),
        ("decimal-comma.csv", HEADER + b"1,1,5,2,5\n", "row 2 has 5 cells instead of 3 (a decimal comma?"),
        ("quoted-comma.csv", HEADER + b'1,"1,5",2\n', "row 2, column 'a': '1,5' is not a number (a decimal comma?"),
        ("open-quote.csv", HEADER + b'1,"2,3\n' + ROWS, "row 2 has 2 cells"),
        ("zero-byte.csv", GOOD + b"1,\x002,3\n", "zero bytes"),
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n\n", "the file is empty"),
        ("empty.csv.gz", gzipped(b""), "the file is empty"),
        ("header.csv", HEADER, "a header and no rows"),
        ("header-alone.csv", HEADER.strip(), "a header and no rows"),
        ("cut.csv.gz", gzipped(GOOD + ROWS * 9999)[:-20], "ends too early"),
        ("cut-at-once.csv.gz", gzipped(GOOD + ROWS * 9999)[:14], "ends too early"),
        ("crc.csv.gz", gzipped(GOOD + ROWS * 9999)[:-8] + b"\0" * 8, "wrong CRC"),
        ("tail.csv.gz", gzipped(GOOD) + b"tail", "the gzip stream"),
        ("text-named.csv.gz", GOOD, "not gzip-compressed"),
        ("gzip-named.csv", gzipped(GOOD), "rename it to gzip-named.csv.gz"),
        ("label-two.csv", GOOD + b"\n2.0,1,2\n", "row 5, column 'label': label 2 is neither 0 (background) nor 1"),
        ("no-label.csv", b"lable,a\n1,2\n", "no column label (nearest: lable)"),
        ("semicolons.csv", b"label;a;b\n1;2;3\n", "separated by semicolons"),
        ("twice.csv", b"label,a,a\n1,2,3\n", "column a appears twice"),
        ("only-label.csv", b"label\n1\n", "no column is left for the features"),
        ("mixed.csv", b"1,foo,3\n" + ROWS, "row 1, column 2: 'foo' is not a number, but other cells are"),
        ("counted.csv", b"0,1,2\n" + ROWS, "row 1 counts 0, 1, 2"),
        ("bare.csv", ROWS, "no header, so its 3 columns have no names"),
        ("wide.csv", HEADER + b"1,2," + b"3" * 3_000_000 + b"\n", "a row is longer than"),
        ("table.xlsx", b"x", "unknown format '.xlsx'; hepsieve reads .csv"),
        ("text.root", b"hello" * 100, "no ROOT file"),
        ("text.parquet", b"PAR1" * 100, "no Parquet file"),
        ("text.npy", b"hello" * 100, "can't be read as NumPy arrays"),
        ("text.npz", b"hello" * 100, "can't be read as NumPy arrays"),
        ("short.npy", npy(np.ones((9, 3)))[:-1], "cut short or damaged"),
        ("flat.npy", npy(np.ones(9)), "shape (9,)"),
        ("images.npy", npy(np.ones((2, 2, 2))), "no array label"),
        ("none.npy", npy(np.ones((0, 3))), "shape (0, 3)"),
    ],
)
def test_one_line_for_each(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert expected in line_for(tmp_path / name)


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e400", "-1e39"])
def test_numbers_that_are_not_finite_are_left_to_the_audit(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD + f"1,{cell},2\n".encode())
    value = read_files([tmp_path / "a.csv"], LABEL).features[2, 0]
    expected = np.nan if cell == "nan" else np.copysign(np.inf, float(cell))
    np.testing.assert_equal(value, np.float32(expected))


def test_a_label_that_is_nan_is_left_to_the_audit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD + b"nan,1,2\n")
    np.testing.assert_equal(read_files([tmp_path / "a.csv"], LABEL).target, np.array([1, 0, np.nan], np.float32))


def test_no_such_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "HIGGS.csv.gz").write_bytes(gzipped(GOOD))
    assert line_for(tmp_path / "HIGS.csv.gz").endswith(f"no such file; did you mean {tmp_path / 'HIGGS.csv.gz'}?")
    assert "no such folder" in line_for(tmp_path / "no" / "a.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_files([tmp_path], LABEL)
    with pytest.raises(DataError, match="no file to read"):
        read_files([], LABEL)


def test_columns_that_do_not_fit_the_catalog_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "HIGGS.csv"
    path.write_text(",".join(["1.0"] * 30) + "\n")
    assert "30 columns, but higgs has 29 (the label and 28 features)" in line_for(path, HIGGS)
    path.write_text(",".join(["1,0"] * 29) + "\n")
    assert "58 columns" in (line := line_for(path, HIGGS))
    assert "a decimal comma?" in line
    path.write_text(",".join(["1.0"] * 28) + "\n")
    assert "no label column (looked for label, Type, class" in line_for(path, HIGGS)


def test_a_position_beyond_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(ROWS)
    assert "no column at position 7" in line_for(tmp_path / "a.csv", DataConfig(label=7))


def test_parquet_refuses_what_is_no_flat_number(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {"label": [0, 1], "a": [1.0, 2.0], "jets": [[1.0], [2.0, 3.0]], "run": ["A", "B"]}
    pyarrow.parquet.write_table(pa.table(table), path)
    line = line_for(path, DataConfig(label="label", features=("a", "jets")))
    assert "column 'jets' is nested: list" in line
    assert line.endswith("flat columns: label, a")
    assert "column 'run' is of type string" in line_for(path, DataConfig(label="label", features=("run",)))
    assert "no column missing" in line_for(path, DataConfig(label="label", features=("missing",)))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_parquet_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"label": [0.0, 1.0] * 500, "a": np.arange(1000.0)}), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "no Parquet file, or a damaged one" in line_for(path)


@pytest.mark.genuine
@pytest.mark.parametrize("share", [0.001, 0.5, 0.9999])
def test_root_cut_short_is_refused(tmp_path: Path, genuine: Callable[[str], Path], share: float) -> None:
    content = genuine("higgs/Higgs_data.root").read_bytes()
    (tmp_path / "cut.root").write_bytes(content[: int(len(content) * share)])
    assert "cut short or damaged" in line_for(tmp_path / "cut.root", HIGGS)


@pytest.mark.genuine
def test_root_with_a_flipped_bit_is_refused(tmp_path: Path, genuine: Callable[[str], Path]) -> None:
    content = bytearray(genuine("higgs/Higgs_data.root").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "flipped.root").write_bytes(content)
    assert "cut short or damaged" in line_for(tmp_path / "flipped.root", HIGGS)


@pytest.mark.genuine
def test_jagged_branches_are_refused_with_the_flat_ones(genuine: Callable[[str], Path]) -> None:
    data = DataConfig(features=("NJet", "Jet_Px"), file_labels={"uproot-HZZ.root": 1})
    line = line_for(genuine("root/uproot-HZZ.root"), data)
    assert "column 'Jet_Px' is jagged: float[]" in line
    assert re.search(r"flat columns: NJet, NMuon, .*, EventWeight$", line)


@pytest.mark.genuine
def test_flat_branches_beside_jagged_ones_are_read(genuine: Callable[[str], Path]) -> None:
    data = DataConfig(features=("NJet", "MET_px"), file_labels={"uproot-HZZ.root": 1}, weight="EventWeight")
    events = read_files([genuine("root/uproot-HZZ.root")], data)
    assert events.features.shape == (2421, 2)
    assert set(events.target) == {1.0}
    assert events.weight.std() > 0


def test_npz_arrays_that_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, pixels=np.ones((5, 4, 4)), y=np.ones(5))
    assert "the arrays are no table (pixels (5, 4, 4), y (5,))" in line_for(path)
    np.savez(path, a=np.ones(5), b=np.ones(4))
    assert "the arrays are no table" in line_for(path)
    np.savez(path, features=np.ones((5, 2)), target=np.ones((5, 1)))
    assert "target (5, 1)" in line_for(path)
    np.savez(path, features=np.ones((5, 2)), target=np.ones(5), names=np.array(["a"]))
    assert "1 names for 2 features" in line_for(path)


def test_pickled_objects_are_never_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    assert "object" in line_for(tmp_path / "a.npy").lower()
    np.savez(tmp_path / "a.npz", features=np.array([[{}, 1]], dtype=object), target=np.ones(1))
    assert "object" in line_for(tmp_path / "a.npz").lower()


def test_a_declared_size_beyond_the_file_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 28)})
    (tmp_path / "a.npy").write_bytes(stream.getvalue() + b"\0" * 64)
    assert "declares 224000000000" in line_for(tmp_path / "a.npy")


@pytest.mark.parametrize("position", [40, -400])
def test_npz_with_a_flipped_bit_is_refused(tmp_path: Path, position: int) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, features=np.random.default_rng(1).normal(size=(500, 2)), target=np.ones(500))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if position < 0 else position + 2000] ^= 4
    path.write_bytes(content)
    assert "can't be read as NumPy arrays" in line_for(path)
