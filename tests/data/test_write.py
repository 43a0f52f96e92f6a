"""Events and tables turned into files: what is read back is what was written, also where it came from."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events, write_table
from hepsieve.errors import DataError, HepsieveError
from hepsieve.events import Events, Origin

ENDINGS = ("parquet", "npz", "root")
ORIGIN = Origin(kind="simulated", sources=("Pythia 8.317",), details={"seed": "4", "note": "π → μν"})


def simulated(features: NDArray[np.float32], *, weighted: bool = False, grouped: bool = False) -> Events:
    n = len(features)
    return Events.from_arrays(
        features,
        np.arange(n) % 2,
        weight=np.arange(n) - 1.5 if weighted else None,
        group=np.arange(n) // 3 + 2**60 if grouped else None,
        names=("jet1_b-tag", "m (GeV)"),
        units=("", "GeV"),
        origin=ORIGIN,
    )


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=15, deadline=None)
@given(
    features=hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(2)), elements=st.floats(width=32)),
    weighted=st.booleans(),
    grouped=st.booleans(),
)
def test_events_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    features: NDArray[np.float32],
    weighted: bool,
    grouped: bool,
) -> None:
    events = simulated(features, weighted=weighted, grouped=grouped)
    path = tmp_path_factory.mktemp("events") / f"a.{ending}"
    write_events(events, path)
    back = read_files([path], DataConfig())
    for name in ("features", "target", "weight"):
        np.testing.assert_array_equal(getattr(back, name), getattr(events, name))
    assert (back.group is None) == (events.group is None)
    if back.group is not None and events.group is not None:
        np.testing.assert_array_equal(back.group, events.group)
    assert (back.names, back.units) == (events.names, events.units)
    assert back.origin.kind == "simulated"
    assert back.origin.sources == ("Pythia 8.317", path.name)
    assert dict(back.origin.details) | dict(ORIGIN.details) == dict(back.origin.details)


@pytest.mark.parametrize("ending", ENDINGS)
def test_more_rows_than_one_batch(tmp_path: Path, ending: str) -> None:
    events = simulated(np.random.default_rng(1).normal(size=(150_000, 2)).astype(np.float32))
    write_events(events, tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(read_files([tmp_path / f"a.{ending}"], DataConfig()).features, events.features)


def test_simulated_rows_never_pass_for_data(tmp_path: Path) -> None:
    write_events(simulated(np.ones((4, 2), np.float32)), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("label,jet1_b-tag,m (GeV)\n1,2,3\n")
    both = read_files([tmp_path / "b.csv", tmp_path / "a.parquet"], DataConfig(label="label"))
    assert (both.origin.kind, both.origin.sources) == ("simulated", ("Pythia 8.317", "b.csv", "a.parquet"))


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_the_same_events_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        write_events(simulated(np.ones((4, 2), np.float32)), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_csv_can_not_say_that_events_are_simulated(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: a CSV file can't say .*; use \.parquet, \.npz or \.root"):
        write_events(simulated(np.ones((4, 2), np.float32)), tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"can't write events as \.h5; use \.parquet"):
        write_events(simulated(np.ones((4, 2), np.float32)), tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_feature_called_label_is_refused(tmp_path: Path) -> None:
    events = Events.from_arrays(np.ones((2, 1)), np.ones(2), names=("label",))
    with pytest.raises(DataError, match="a column is called 'label'"):
        write_events(events, tmp_path / "a.npz")


def test_a_damaged_stamp_is_refused(tmp_path: Path) -> None:
    table = pa.table({"label": [0.0], "a": [1.0]}).replace_schema_metadata({"hepsieve": '{"format": 1}'})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: what hepsieve wrote about its origin is damaged"):
        read_files([tmp_path / "a.parquet"], DataConfig())


def batches() -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_pydict({"event": np.arange(k, k + 3), "score": np.full(3, 0.1 * k, np.float32)})
        for k in (0, 3, 6)
    ]


def test_tables_come_back_from_every_format(tmp_path: Path) -> None:
    expected = pa.Table.from_batches(batches())
    for ending in ("csv", "parquet", "root"):
        assert write_table(batches(), tmp_path / f"a.{ending}") == 9
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").equals(expected)
    csv = pyarrow.csv.read_csv(tmp_path / "a.csv")
    assert csv.column("event").equals(expected.column("event"))
    assert csv.column("score").cast(pa.float32()).equals(expected.column("score"))
    with uproot.open(tmp_path / "a.root") as file:
        np.testing.assert_array_equal(file["events"]["event"].array(library="np"), np.arange(9))
        assert file["events"]["score"].array(library="np").dtype == np.float32


def test_several_trees_go_into_a_root_file_only(tmp_path: Path) -> None:
    trees = {"sig_tree": batches(), "bkg_tree": batches()[:1]}
    assert write_table(trees, tmp_path / "a.root") == 12
    with uproot.open(tmp_path / "a.root") as file:
        assert {name: file[name].num_entries for name in trees} == {"sig_tree": 9, "bkg_tree": 3}
    with pytest.raises(DataError, match="holds one table, not 2"):
        write_table(trees, tmp_path / "a.csv")


def test_text_in_a_root_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.root: column 'run' is of type string"):
        write_table([pa.RecordBatch.from_pydict({"run": ["x"]})], tmp_path / "a.root")
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_rows_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> object:
        yield batches()[0]
        raise DataError("in.csv: row 4 has 2 cells instead of 3")

    for ending in ("csv", "parquet", "root"):
        with pytest.raises(DataError, match="row 4"):
            write_table(broken(), tmp_path / f"a.{ending}")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


WRITE = """
import sys
from pathlib import Path
import numpy as np
from hepsieve.data.write import write_events
from hepsieve.errors import HepsieveError
from hepsieve.events import Events
rng = np.random.default_rng(1)
events = Events.from_arrays(rng.normal(size=(30_000, 5)), np.ones(30_000))
try:
    write_events(events, Path(sys.argv[1]))
except HepsieveError as error:
    sys.exit(f"line: {error}")
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, ending: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITE, tmp_path / f"a.{ending}"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("line: "), done.stderr
    assert done.stderr.count("\n") == 1
    assert f"a.{ending}: can't be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_unwritable_place_is_one_line(tmp_path: Path, ending: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match="can't be written") as caught:
        write_events(simulated(np.ones((4, 2), np.float32)), tmp_path / "file" / f"a.{ending}")
    assert "\n" not in str(caught.value)
