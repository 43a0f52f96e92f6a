"""Rows that pass a stored working point."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import uproot
from tests.conftest import Told, write_toy_csv

from hepsieve.evaluate.results import Evaluation, WorkingPoint
from hepsieve.manifest import replace_files, verify
from hepsieve.score.one_file import NOTE

Command = Callable[..., Told]
POINT = "signal_efficiency@0.50"
FORMATS = ("out.csv", "out.parquet", "out.root")


def stored(run: Path, name: str = POINT, model: str = "trees") -> WorkingPoint:
    evaluation = Evaluation.from_json((run / "evaluation.json").read_text(encoding="utf-8"))
    return next(point for point in evaluation.working_points[model] if point.name == name)


def columns_of(path: Path) -> dict[str, np.ndarray]:
    match path.suffix:
        case ".csv":
            table = pyarrow.csv.read_csv(path)
        case ".parquet":
            table = pyarrow.parquet.read_table(path)
        case _:
            with uproot.open(path) as file:
                return dict(file["events"].arrays(library="np"))
    return {name: np.asarray(table[name]) for name in table.column_names}


def with_threshold(run: Path, threshold: float) -> None:
    """Another stored threshold, the run's manifest included."""
    text = (run / "evaluation.json").read_text(encoding="utf-8")
    evaluation = Evaluation.from_json(text)
    points = {
        model: tuple(point.model_copy(update={"threshold": threshold}) for point in listed)
        for model, listed in evaluation.working_points.items()
    }
    replace_files(run, {"evaluation.json": evaluation.model_copy(update={"working_points": points}).to_json()})
    verify(run)


def test_only_what_passes_is_written_and_no_other_row(hepsieve: Command, run: Path) -> None:
    new = write_toy_csv(run.parent / "new.csv", 500, seed=8)
    assert hepsieve("score", run, new, "-o", "all.csv", "--model", "trees").status == 0
    everything, threshold = columns_of(run.parent / "all.csv"), stored(run).threshold
    passing = everything["score_trees"] >= threshold
    assert 50 < passing.sum() < 450
    share = f"{100 * passing.mean():.1f} %"
    for name in FORMATS:
        told = hepsieve("score", run, new, "-o", name, "--model", "trees", "--working-point", POINT)
        assert (told.status, told.err) == (0, "")
        expected = f"kept {passing.sum()} of 500 rows ({share}) at '{POINT}' (score_trees ≥ {threshold:.4f})"
        assert expected in " ".join(told.out.split())
        kept = columns_of(run.parent / name)
        assert list(kept) == ["kind", "a", "b", "c", "score_trees"]
        for column, values in kept.items():
            np.testing.assert_array_equal(values, everything[column][passing])


def test_a_row_at_the_very_threshold_passes(hepsieve: Command, run: Path) -> None:
    new = write_toy_csv(run.parent / "new.csv", 50, seed=8)
    assert hepsieve("score", run, new, "-o", "all.csv", "--model", "trees").status == 0
    scores = np.sort(columns_of(run.parent / "all.csv")["score_trees"])
    with_threshold(run, float(scores[-7]))
    assert hepsieve("score", run, new, "-o", "top.csv", "--model", "trees", "--working-point", POINT).status == 0
    np.testing.assert_array_equal(np.sort(columns_of(run.parent / "top.csv")["score_trees"]), scores[-7:])


def test_where_nothing_passes_the_columns_are_still_there(hepsieve: Command, run: Path) -> None:
    with_threshold(run, float(np.nextafter(1, 2)))
    new = write_toy_csv(run.parent / "new.csv", 40, seed=8)
    for name in FORMATS:
        told = hepsieve("score", run, new, "-o", name, "--model", "trees", "--working-point", POINT)
        assert (told.status, told.err) == (0, "")
        assert "kept 0 of 40 rows (0.0 %)" in " ".join(told.out.split())
        kept = columns_of(run.parent / name)
        assert list(kept) == ["kind", "a", "b", "c", "score_trees"]
        assert all(len(values) == 0 for values in kept.values())


def test_the_file_tells_which_cut_it_passed(hepsieve: Command, run: Path) -> None:
    point = stored(run)
    expected = {"task": "toy", "model": "trees", "working_point": POINT, "threshold": point.threshold}
    arguments = ["--model", "trees", "--working-point", POINT]
    assert hepsieve("score", run, "toy.csv", "-o", "out.parquet", *arguments).status == 0
    metadata = pyarrow.parquet.read_schema(run.parent / "out.parquet").metadata
    assert json.loads(metadata[NOTE.encode()]) == expected
    assert hepsieve("score", run, "toy.csv", "-o", "out.root", *arguments).status == 0
    with uproot.open(run.parent / "out.root") as file:
        assert json.loads(str(file[NOTE])) == expected
    # Such a file is data like any other.
    told = hepsieve("score", run, "out.root", "-o", "again.parquet", "--model", "net")
    assert (told.status, told.err) == (0, "")
    assert "score_trees" in columns_of(run.parent / "again.parquet")


def test_several_files_are_selected_together(hepsieve: Command, run: Path) -> None:
    files = [write_toy_csv(run.parent / f"{k}.csv", 100, seed=k) for k in (3, 4)]
    told = hepsieve("score", run, *files, "-o", "selected", "--model", "trees", "--working-point", POINT)
    assert told.status == 0
    kept = sum(len(columns_of(run.parent / "selected" / file.name)["a"]) for file in files)
    assert f"2 files in selected: kept {kept} of 200 rows" in " ".join(told.out.split())


def test_an_unknown_name_is_told_those_that_exist(hepsieve: Command, run: Path) -> None:
    told = hepsieve("score", run, "toy.csv", "-o", "out.csv", "--model", "trees", "--working-point", "tight")
    assert (told.status, told.out) == (2, "")
    assert len(told.err.splitlines()) == 1
    assert "trees has no working point 'tight'; it has signal_efficiency@0.30, " in told.err
    assert not (run.parent / "out.csv").exists()
