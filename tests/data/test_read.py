"""Files turned into Events: the same rows whatever the format, and the roles of columns."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.catalog import dataset
from hepsieve.data.open import open_tables
from hepsieve.data.read import read_files
from hepsieve.data.roles import feature_columns
from hepsieve.errors import DataError

HIGGS = DataConfig(catalog="higgs")
NAMES = ("label", "pt", "eta", "weight", "run")
DATA = DataConfig(label="label", features=("pt", "eta"), weight="weight", group="run")
Write = Callable[[Path, NDArray[np.float64]], None]


def table(rows: int = 40, seed: int = 1) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    return np.column_stack([label, rng.normal(size=(rows, 3)), rng.integers(0, 5, rows)]).astype(np.float64)


def write_csv(path: Path, rows: NDArray[np.float64]) -> None:
    np.savetxt(path, rows, delimiter=",", header=", ".join(NAMES), comments="# ", fmt="%.17g")


def write_parquet(path: Path, rows: NDArray[np.float64]) -> None:
    pyarrow.parquet.write_table(pa.table(dict(zip(NAMES, rows.T, strict=True))), path)


def write_root(path: Path, rows: NDArray[np.float64]) -> None:
    with uproot.recreate(path) as file:
        columns = {name: np.ascontiguousarray(column) for name, column in zip(NAMES, rows.T, strict=True)}
        file.mktree("tree", dict.fromkeys(NAMES, np.float64)).extend(columns)


def write_columns(path: Path, rows: NDArray[np.float64]) -> None:
    np.savez(path, **dict(zip(NAMES, rows.T, strict=True)))


def write_features(path: Path, rows: NDArray[np.float64]) -> None:
    np.savez_compressed(
        path,
        X=rows[:, 1:3],
        y=rows[:, 0],
        weight=rows[:, 3],
        run=rows[:, 4],
        names=np.array(NAMES[1:3]),
        remark=np.ones(3),
    )


def write_transposed(path: Path, rows: NDArray[np.float64]) -> None:
    np.savez(
        path,
        features=np.asfortranarray(rows[:, 1:3]),
        label=rows[:, 0],
        weight=rows[:, 3],
        run=rows[:, 4],
        names=np.array(NAMES[1:3]),
    )


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", write_csv),
        ("a.dat", write_csv),
        ("a.csv.gz", write_csv),
        ("a.parquet", write_parquet),
        ("a.root", write_root),
        ("a.npz", write_columns),
        ("b.npz", write_features),
        ("c.npz", write_transposed),
    ],
)
def test_every_format_gives_the_same_events(tmp_path: Path, name: str, write: Write) -> None:
    rows = table()
    write(tmp_path / name, rows)
    data = (
        DATA
        if name in ("a.csv", "a.dat", "a.csv.gz", "a.parquet", "a.root", "a.npz")
        else DATA.model_copy(update={"label": None})
    )
    events = read_files([tmp_path / name], data)
    np.testing.assert_array_equal(events.features, rows[:, 1:3].astype(np.float32))
    np.testing.assert_array_equal(events.target, rows[:, 0].astype(np.float32))
    np.testing.assert_array_equal(events.weight, rows[:, 3].astype(np.float32))
    assert events.group is not None
    np.testing.assert_array_equal(events.group, rows[:, 4].astype(np.int64))
    assert (events.names, events.origin.kind, events.origin.sources) == (("pt", "eta"), "real", (name,))
    reference = tmp_path / "reference.csv"
    write_csv(reference, rows)
    assert events.origin.fingerprint == read_files([reference], DATA).origin.fingerprint


@settings(max_examples=40, deadline=None)
@given(
    rows=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 12), st.just(4)),
        elements=st.floats(allow_nan=True, allow_infinity=True, width=64),
    ),
    header=st.booleans(),
    compressed=st.booleans(),
)
def test_csv_reads_what_numpy_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float64], header: bool, compressed: bool
) -> None:
    rows[:, 0] = np.arange(len(rows)) % 2
    path = tmp_path_factory.mktemp("csv") / ("a.csv.gz" if compressed else "a.csv")
    np.savetxt(path, rows, delimiter=",", header="y,a,b,c" if header else "", comments="", fmt="%.17g")
    events = read_files([path], DataConfig(label=0, header=header))
    with np.errstate(over="ignore"):
        reference = np.loadtxt(path, delimiter=",", skiprows=int(header), ndmin=2).astype(np.float32)
    np.testing.assert_array_equal(events.features, reference[:, 1:])
    np.testing.assert_array_equal(events.target, reference[:, 0])


@pytest.mark.genuine
def test_the_genuine_file_has_ten_thousand_rows_of_each_class(genuine: Callable[[str], Path]) -> None:
    path = genuine("higgs/Higgs_data.root")
    events = read_files([path], HIGGS)
    assert events.features.shape == (20_000, 28)
    assert (np.sum(events.target == 1), np.sum(events.target == 0)) == (10_000, 10_000)
    assert events.names == dataset("higgs").feature_names
    assert np.isfinite(events.features).all()
    with uproot.open(path) as file:
        first = file["sig_tree"]["m_bb"].array(library="np")
    np.testing.assert_array_equal(events.features[:10_000, events.names.index("m_bb")], first)


@pytest.mark.genuine
def test_trees_and_labels_by_configuration(genuine: Callable[[str], Path]) -> None:
    path = genuine("higgs/Higgs_data.root")
    one = read_files([path], DataConfig(trees={"bkg_tree": None}, label="Type", features=("m_bb",)))
    assert (len(one), set(one.target)) == (10_000, {0.0})
    said = read_files([path], DataConfig(trees={"bkg_tree": 1, "sig_tree": 0}, features=("m_bb",)))
    assert said.target[:10_000].tolist() == [1.0] * 10_000
    by_file = read_files([path], DataConfig(catalog="higgs", file_labels={"Higgs_data.root": 1}))
    assert set(by_file.target) == {1.0}
    with pytest.raises(DataError, match="several trees, sig_tree, bkg_tree; say which in"):
        read_files([path], DataConfig(label="Type"))
    with pytest.raises(DataError, match="no tree bkg_tre in any file"):
        read_files([path], DataConfig(trees={"sig_tree": 1, "bkg_tre": 0}))
    with pytest.raises(DataError, match="sig_tree: row 1: column 'Type' says 1, but the whole tree"):
        read_files([path], DataConfig(label="Type", trees={"sig_tree": 0, "bkg_tree": 1}))


@pytest.mark.genuine
def test_text_files_with_a_class_each(genuine: Callable[[str], Path]) -> None:
    paths = [genuine(f"hnl/kinematic_variables_{name}.dat") for name in ("HNLtoPimu", "Back")]
    data = DataConfig(file_labels={paths[0].name: 1, paths[1].name: 0}, features=("Opening Angle (rad)", "DOCA (cm)"))
    events = read_files(paths, data)
    assert (int(events.target.sum()), len(events)) == (4_257, 4_257 + 3_639)
    reference = np.loadtxt(paths[1], delimiter=",", skiprows=1, usecols=(3, 14)).astype(np.float32)
    np.testing.assert_array_equal(events.features[4_257:], reference)


def test_the_public_layout_is_known_by_its_number_of_columns(tmp_path: Path) -> None:
    rows = np.random.default_rng(2).normal(size=(6, 29))
    rows[:, 0] = [0, 1, 1, 0, 1, 0]
    np.savetxt(tmp_path / "HIGGS.csv.gz", rows, delimiter=",")
    np.save(tmp_path / "HIGGS.npy", rows)
    for name in ("HIGGS.csv.gz", "HIGGS.npy"):
        events = read_files([tmp_path / name], HIGGS)
        assert events.names == dataset("higgs").feature_names
        np.testing.assert_array_equal(events.features, rows[:, 1:].astype(np.float32))
        np.testing.assert_array_equal(events.target, rows[:, 0])


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    names = list(dataset("higgs").layout)
    rows = np.random.default_rng(2).normal(size=(4, 29))
    rows[:, 0] = [0, 1, 1, 0]
    straight, shuffled = tmp_path / "a.csv", tmp_path / "b.csv"
    np.savetxt(straight, rows, delimiter=",", header=",".join(names), comments="")
    order = np.random.default_rng(3).permutation(29)
    other = [names[k].replace("-", " ").upper() for k in order]
    np.savetxt(shuffled, rows[:, order], delimiter=",", header=",".join(other), comments="")
    np.testing.assert_array_equal(read_files([straight], HIGGS).features, read_files([shuffled], HIGGS).features)


def test_a_pandas_index_is_no_feature_and_missing_values_are_nan(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",label,a,name\n0,1,,x\n1,0,NA,y\n2,0,7,z\n")
    events = read_files([tmp_path / "a.csv"], DataConfig(label="label", missing=("", "NA")))
    assert events.names == ("a",)
    np.testing.assert_array_equal(events.features[:, 0], np.array([np.nan, np.nan, 7], np.float32))


def test_gzip_files_of_several_members_are_read_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"y,a\n1,2\n") + gzip.compress(b"0,3\n"))
    assert read_files([tmp_path / "a.csv.gz"], DataConfig(label="y")).target.tolist() == [1.0, 0.0]


def test_label_values_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,a\n1,2\n-1,3\n")
    data = DataConfig(label="y", label_values=(-1.0, 1.0))
    assert read_files([tmp_path / "a.csv"], data).target.tolist() == [1.0, 0.0]
    (tmp_path / "a.csv").write_text("y,a\n1,2\n0,3\n")
    with pytest.raises(DataError, match="row 3, column 'y': label 0 is neither -1"):
        read_files([tmp_path / "a.csv"], data)


def test_groups_are_the_same_over_files_and_types(tmp_path: Path) -> None:
    big = 2**60 + 1
    pyarrow.parquet.write_table(pa.table({"y": [0, 1, 1], "a": [1.0] * 3, "g": [7, big, -1]}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("y,a,g\n0,1,7.0\n1,1,7.5\n0,1,-1\n0,1,0.1\n0,1,-0.0\n1,1,7.5\n")
    events = read_files([tmp_path / "a.parquet", tmp_path / "b.csv"], DataConfig(label="y", features=("a",), group="g"))
    assert events.group is not None
    codes = events.group.tolist()
    assert codes[:3] == [7, big, -1]
    assert (codes[3], codes[5], codes[7], codes[4] == codes[8]) == (7, -1, 0, True)
    assert len(set(codes)) == 6  # 7, 2^60 + 1, -1, 7.5, 0.1, 0
    (tmp_path / "b.csv").write_text("y,a,g\n0,1,nan\n")
    with pytest.raises(DataError, match="row 2, column 'g': group nan is no number"):
        read_files([tmp_path / "b.csv"], DataConfig(label="y", features=("a",), group="g"))


def test_a_later_file_needs_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,a,b\n1,2,3\n")
    (tmp_path / "b.csv").write_text("b,y,a\n3,0,2\n")
    (tmp_path / "c.csv").write_text("y,a\n0,2\n")
    both = read_files([tmp_path / "a.csv", tmp_path / "b.csv"], DataConfig(label="y"))
    assert both.features.tolist() == [[2.0, 3.0], [2.0, 3.0]]
    assert list(both.origin.details) == ["a.csv", "b.csv"]
    with pytest.raises(DataError, match=r"c\.csv: no column b"):
        read_files([tmp_path / "a.csv", tmp_path / "c.csv"], DataConfig(label="y"))


def test_the_weight_can_not_be_a_feature(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,a\n1,2\n")
    with pytest.raises(DataError, match="column 'a' is a feature and also the weight"):
        read_files([tmp_path / "a.csv"], DataConfig(label="y", weight="a", features=("a",)))


def test_files_without_labels_can_be_opened_for_scoring(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,B,a\nx,1,2\ny,3,4\n")
    opened = open_tables(tmp_path / "a.csv", DataConfig())[0]
    columns = feature_columns(opened, ("a", "b"), DataConfig())
    assert columns == {"a": "a", "b": "B"}
    batch = next(opened.batches(list(columns.values()), also=["run", "a"]))
    assert batch.to_pydict() == {"a": [2.0, 4.0], "B": [1.0, 3.0], "run": ["x", "y"]}


def test_reading_reports_its_progress_in_bytes(tmp_path: Path) -> None:
    from contextlib import contextmanager

    seen: list[float] = []

    class Counting:
        @contextmanager
        def task(self, description: str, total: float | None = None):  # type: ignore[no-untyped-def]
            seen.append(-(total or 0.0))
            yield lambda amount=1, note="": seen.append(amount)

    for name, write in (("a.csv", write_csv), ("a.parquet", write_parquet), ("a.npz", write_columns)):
        write(tmp_path / name, table())
        seen.clear()
        read_files([tmp_path / name], DATA, progress=Counting())
        assert sum(seen) == pytest.approx(0, abs=1)
        assert seen[0] == -(tmp_path / name).stat().st_size
