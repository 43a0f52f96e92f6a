"""Many files read by several processes: the very store that one process writes, and the very mistakes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import uproot
from tests.data.test_store import same

from hepsieve.config import DataConfig
from hepsieve.data import shared_reading
from hepsieve.data.read import read_files
from hepsieve.engines import Engine, LocalEngine
from hepsieve.errors import DataError, WorkerLost

COLUMNS = ("y", "a", "b", "w", "run", "mass", "m")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with LocalEngine(2, threads=1) as workers:
        yield workers


def columns(rows: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, rows)).astype(np.float32)
    return {
        "y": rng.integers(0, 2, rows),
        "a": values[0],
        "b": values[1],
        "w": rng.uniform(0.5, 2, rows).astype(np.float32),
        "run": rng.integers(0, 9, rows),
        "mass": rng.choice([500.0, 750.0], rows),
        # Neighbours often repeat a value, and so make a group.
        "m": np.repeat(rng.normal(size=rows), 3)[:rows],
    }


def write(path: Path, rows: int, seed: int) -> Path:
    """A table of the format that the name asks for; of a ROOT file one tree for each class."""
    table = columns(rows, seed)
    match path.suffix:
        case ".csv":
            stacked = np.column_stack([table[name] for name in COLUMNS])
            np.savetxt(path, stacked, delimiter=",", header=",".join(COLUMNS), comments="", fmt="%.9g")
        case ".parquet":
            pyarrow.parquet.write_table(pa.table(table), path)
        case _:
            with uproot.recreate(path) as file:
                for label, tree in enumerate(("background", "signal")):
                    file.mktree(tree, {name: values.dtype for name, values in table.items()})
                    file[tree].extend({name: values[table["y"] == label] for name, values in table.items()})
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    names = ("a.csv", "b.parquet", "c.root", "d.csv", "e.parquet")
    return [write(folder / name, 400 + 100 * k, seed=k) for k, name in enumerate(names)]


READ = {
    "weights and groups": {"weight": "w", "group": "run", "spectators": ("mass",)},
    "consecutive": {"group_consecutive": {"columns": ("m",)}},
    "selected": {"select": {"mass": (600, 800)}},
    "parameter": {"parameter": {"column": "mass", "values": (500, 750), "background": "random"}},
    "classes of files": {"label": None, "file_labels": {"a.csv": 1}, "label_values": (0, 1)},
}


@pytest.mark.parametrize("settings", READ.values(), ids=READ)
def test_the_store_is_the_very_same(
    tmp_path: Path, files: list[Path], engine: Engine, settings: dict[str, object]
) -> None:
    chosen = {"label": "y", "features": ("a", "b"), "trees": {"background": None, "signal": None}, **settings}
    if "parameter" in settings:
        chosen["features"] = ("a", "b", "mass")
    if "file_labels" in settings:
        chosen |= {"trees": {}, "file_labels": {path.name: k % 2 for k, path in enumerate(files)}}
        files = [path for path in files if path.suffix != ".root"]
    data = DataConfig.model_validate(chosen)
    one, two = tmp_path / "one", tmp_path / "two"
    serial = read_files(files, data, cache=one)
    shared = read_files(files, data, cache=two, jobs=engine)
    assert same(serial, shared)
    ours, theirs = (
        {path.relative_to(cache): path.read_bytes() for path in sorted(cache.rglob("*")) if path.is_file()}
        for cache in (one, two)
    )
    assert ours == theirs
    in_memory = read_files(files, data, jobs=engine)
    assert same(serial, in_memory)
    assert [path.name for path in two.iterdir()] == [path.name for path in one.iterdir()]


def spoilt(path: Path, to: Path, row: int, text: str) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[row - 1] = text
    to.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return to


def test_the_first_mistake_in_the_order_of_the_files_is_the_one_that_is_told(
    tmp_path: Path, files: list[Path], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("good.csv"), 5000, seed=9)
    number = spoilt(files[0], Path("number.csv"), 17, "1,2,three,1,1,1,1")
    label = spoilt(files[3], Path("label.csv"), 40, "7,1,1,1,1,1,1")
    data = DataConfig(label="y", features=("a", "b"))
    for paths, said in (
        ([Path("good.csv"), number, label], "number.csv: row 17, column 'b': 'three' is not a number"),
        ([Path("good.csv"), label, number], "label.csv: row 40, column 'y': "),
    ):
        told = []
        for jobs in (1, engine):
            cache = tmp_path / "cache"
            with pytest.raises(DataError) as error:
                read_files(paths, data, cache=cache, jobs=jobs)
            told.append(str(error.value))
            assert not cache.exists()
        assert told[0] == told[1]
        assert told[0].startswith(said)


def test_columns_are_compared_before_anything_is_read(tmp_path: Path, files: list[Path], engine: Engine) -> None:
    (tmp_path / "other.csv").write_text("y,a\n0,1\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.csv: no column b, which .*a\.csv has"):
        read_files([files[0], tmp_path / "other.csv"], DataConfig(label="y"), jobs=engine)


def test_few_bytes_and_single_files_start_no_process(
    tmp_path: Path, files: list[Path], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("work was shared")

    monkeypatch.setattr(shared_reading, "in_order", refuse)
    data = DataConfig(label="y", features=("a", "b"), trees={"background": None, "signal": None})
    assert len(read_files(files[:2], data, jobs=8)) == 900
    assert len(read_files(files[2:3], data, jobs=engine)) == 600  # two trees of one file
    with pytest.raises(AssertionError, match="shared"):
        read_files(files[:2], data, jobs=engine)


def test_a_file_whose_workers_die_is_named_and_nothing_is_left(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_reading, "_read", _die_at_parquet)
    data, cache = DataConfig(label="y", features=("a", "b")), tmp_path / "cache"
    with LocalEngine(1, threads=1) as mortal, pytest.raises(WorkerLost, match=r"b\.parquet: the process"):
        read_files(files[:2], data, cache=cache, jobs=mortal)
    assert not cache.exists()


_read = shared_reading._read


def _die_at_parquet(piece: shared_reading._Piece) -> None:
    if piece.path.suffix == ".parquet":
        os.kill(os.getpid(), signal.SIGKILL)
    _read(piece)
