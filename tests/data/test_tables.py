"""Several files, columns with units, spectators, labels of several values, and groups of consecutive rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepsieve.config import ConsecutiveConfig, DataConfig, load_task
from hepsieve.data.columns import split_unit
from hepsieve.data.consecutive import ConsecutiveGroups
from hepsieve.data.read import read_files
from hepsieve.errors import ConfigError, DataError

HEADER = "Mother Momentum (GeV/c),  Angle (rad), Good Reco,  Event Type\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Impact Parameter (cm)", ("Impact Parameter", "cm")),
        ("Invariant Mass (GeV/c^2)", ("Invariant Mass", "GeV/c^2")),
        ("mass [GeV/c²]", ("mass", "GeV/c²")),
        ("drift field (kV/cm)", ("drift field", "kV/cm")),
        ("time(ns)", ("time", "ns")),
        ("D_L [cm^2/s]", ("D_L", "cm^2/s")),
        ("angle (mrad)", ("angle", "mrad")),
        ("track (refitted)", ("track (refitted)", "")),
        ("x (1)", ("x (1)", "")),
        ("(GeV)", ("(GeV)", "")),
    ],
)
def test_units_are_told_from_other_brackets(name: str, parts: tuple[str, str]) -> None:
    assert split_unit(name) == parts


def test_blanks_units_and_spectators(tmp_path: Path) -> None:
    file = write(tmp_path / "a.dat", HEADER + "1.5, 0.1, 1, 1\n2.5, 0.2, -1, 4\n3.5, 0.3, 1, 3\n")
    data = DataConfig(label="Event Type", label_values=(4, (1, 2, 3)), spectators=("Good Reco", "Event Type"))
    events = read_files([file], data)
    assert events.names == ("Mother Momentum", "Angle")
    assert events.units == ("GeV/c", "rad")
    assert events.target.tolist() == [1, 0, 1]
    assert events.spectator_names == ("Good Reco", "Event Type")
    assert events.spectator("Event Type").tolist() == [1, 4, 3]
    assert events[np.array([1])].spectator("Good Reco").tolist() == [-1]
    stored = [read_files([file], data, cache=tmp_path / "cache") for _ in range(2)]
    assert [events.spectators.tolist() for events in stored if events.spectators is not None] == [
        [[1, 1], [-1, 4], [1, 3]]
    ] * 2
    assert {other.origin.fingerprint for other in stored} == {events.origin.fingerprint}


def test_a_label_outside_the_list_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.dat", HEADER + "1.5, 0.1, 1, 1\n2.5, 0.2, -1, 5\n")
    data = DataConfig(label="Event Type", label_values=(4, (1, 2, 3)))
    with pytest.raises(DataError, match=r"row 3, column 'Event Type': label 5 is neither 4 .* nor 1 or 2 or 3 \(sig"):
        read_files([file], data)


def test_two_columns_that_differ_by_their_unit_keep_it(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "y,p (GeV),p (MeV)\n0,1,1000\n1,2,2000\n")
    events = read_files([file], DataConfig(label="y"))
    assert events.names == ("p (GeV)", "p (MeV)")
    assert events.units == ("GeV", "MeV")
    with pytest.raises(DataError, match="both mean 'p'"):
        read_files([file], DataConfig(label="y", features=("p",)))


def test_files_with_different_units_are_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.csv", "y,p (GeV)\n0,1\n"), write(tmp_path / "b.csv", "y,p (MeV)\n1,2000\n")]
    with pytest.raises(DataError, match=r"b\.csv: column 'p \(MeV\)' is in MeV, but 'p' is expected in GeV; convert"):
        read_files(files, DataConfig(label="y"))


def test_a_column_that_one_file_lacks_is_dropped_only_when_asked(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.csv", "y,a,b,s\n0,1,2,7\n"), write(tmp_path / "b.csv", "c,s,a,y\n5,8,3,1\n")]
    with pytest.raises(DataError, match=r"b\.csv: no column b, which .*a\.csv has; .*data\.unshared to drop"):
        read_files(files, DataConfig(label="y"))
    with pytest.raises(DataError, match=r"a\.csv: no column c, which .*b\.csv has"):
        read_files(files, DataConfig(label="y", features=("a", "c")))
    with pytest.raises(DataError, match="no column d;"):
        read_files(files, DataConfig(label="y", features=("a", "d"), unshared="drop"))
    events = read_files(files, DataConfig(label="y", unshared="drop", spectators=("s", "c")))
    assert (events.names, events.spectator_names) == (("a",), ("s",))
    assert events.features.tolist() == [[1.0], [3.0]]
    assert events.origin.dropped == ("b", "c")
    stored = [read_files(files, DataConfig(label="y", unshared="drop"), cache=tmp_path / "cache") for _ in range(2)]
    assert [events.origin.dropped for events in stored] == [("b", "c"), ("b", "c")]


def test_a_spectator_is_no_feature() -> None:
    with pytest.raises(ValueError, match="'b' is a spectator, which is never learned from"):
        DataConfig(features=("a", "b"), spectators=("b",))


def test_a_label_value_of_both_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="stands there twice"):
        DataConfig(label="y", label_values=(4, (1, 4)))


def linked_slowly(values: np.ndarray, tolerance: float) -> list[int]:
    """The number of each row's group, by comparing every pair of values of neighbouring rows."""
    groups = [0]
    for before, row in pairwise(values):
        linked = any(abs(x - y) <= tolerance * abs(y) for x in row for y in before)
        groups.append(groups[-1] + (not linked))
    return groups


@given(st.lists(st.tuples(*[st.sampled_from([1.0, 1.001, 2.0, 3.0, 5.0, 5.2])] * 2), min_size=1), st.integers(1, 7))
def test_consecutive_rows_that_share_a_value_are_a_group(rows: list[tuple[float, ...]], batch: int) -> None:
    values = np.array(rows)
    runs = ConsecutiveGroups(0.01)
    found = np.concatenate([runs.groups(values[start : start + batch]) for start in range(0, len(values), batch)])
    wanted = np.array(linked_slowly(values, 0.01))
    # Two groups apart may begin with equal rows; that a group is one, and where it ends, must agree.
    assert all(len(set(found[wanted == number])) == 1 for number in range(wanted.max() + 1))
    assert len(np.unique(found)) == len(np.unique(values[np.unique(wanted, return_index=True)[1]], axis=0))


def test_missing_and_rounded_values_make_no_groups() -> None:
    missing = np.array([[np.nan, 1.0], [np.nan, 2.0], [3.0, 4.0], [np.nan, np.nan], [np.nan, np.nan]])
    assert len(set(ConsecutiveGroups(0.0).groups(missing))) == 5
    rounded = np.random.default_rng(0).normal(size=(3000, 2)).round(2)
    apart = np.abs(rounded[1:, :, None] - rounded[:-1, None, :]).min(axis=(1, 2)) > 0
    groups = ConsecutiveGroups(0.0).groups(rounded)
    # About 600 values a column: 3,000 rows hardly ever agree in both.
    assert len(set(groups)) > 0.98 * (1 + apart.sum())


def test_groups_do_not_depend_on_the_file_around_them(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "y,p,q\n0,1,2\n0,2,3\n0,9,8\n")
    second = write(tmp_path / "b.csv", "y,p,q\n1,7,6\n0,1,2\n0,2,3\n")
    data = DataConfig(label="y", group_consecutive=ConsecutiveConfig(columns=("p", "q")))
    groups = [read_files([file], data).group for file in (first, second)]
    assert groups[0] is not None
    assert groups[1] is not None
    assert len(set(groups[0])) == 2
    assert groups[0][0] == groups[0][1] == groups[1][1] == groups[1][2] != groups[1][0]


@pytest.mark.genuine
def test_the_genuine_files(genuine: Callable[[str], Path]) -> None:
    files = [genuine(f"hnl/kinematic_variables_{name}.dat") for name in ("Back", "HNLtoPimu")]
    events = read_files(files, load_task("hnl").data)
    assert events.features.shape == (3639 + 4257, 15)
    assert "Invariant Mass" not in events.names
    assert events.units[events.names.index("Impact Parameter")] == "cm"
    assert (events.target == (events.spectator("Good Reco") > 0)).all()
    assert events.group is not None
    _, sizes = np.unique(events.group[:3639], return_counts=True)
    # 111 pairs of candidates hold the same fraction of transverse momentum to the last digit; refitted tracks differ.
    assert 111 <= (sizes > 1).sum() <= 125
    # Two unrelated signal rows agree by chance now and then: 4,256 pairs of neighbours, four comparisons each.
    assert len(np.unique(events.group[3639:])) >= 4250


@pytest.mark.genuine
def test_a_text_in_row_1234_is_named(genuine: Callable[[str], Path], tmp_path: Path) -> None:
    lines = genuine("hnl/kinematic_variables_Back.dat").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1233] = lines[1233].replace(lines[1233].split(",")[4], " oops", 1)
    file = write(tmp_path / "kinematic_variables_Back.dat", "".join(lines))
    with pytest.raises(DataError, match=r"row 1234, column 'Impact Parameter \(cm\)': 'oops' is not a number"):
        read_files([file], load_task("hnl").data)


def test_an_unknown_key_of_the_groups_is_answered() -> None:
    with pytest.raises(ConfigError, match="tolerance"):
        load_task("hnl", settings=["data.group_consecutive.tolerance=2"])
