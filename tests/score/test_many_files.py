"""Many files scored by several processes: the same files, or none."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import Told, write_toy_csv

from hepsieve.errors import WorkerLost
from hepsieve.folder import MODELS
from hepsieve.model_commands import score_files
from hepsieve.progress import Advance, Silent
from hepsieve.score import files as module
from hepsieve.score.bundle import load_bundle

Command = Callable[..., Told]


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files but the manifest, whose content names no time either but is not about scores."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "manifest.json"}


@pytest.fixture
def new(run: Path) -> list[Path]:
    return [write_toy_csv(run.parent / f"new{k}.csv", 300 + k, seed=k) for k in range(3)]


class Counting(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        self.said.append(f"{description}: {total:g}" if total is not None else description)

        def advance(amount: float = 1, note: str = "") -> None:
            self.said.append(note)

        yield advance


def test_two_processes_write_what_one_writes(hepsieve: Command, run: Path, new: list[Path]) -> None:
    options = ("--model", "trees", "--working-point", "signal_efficiency@0.50")
    one, two = (
        hepsieve("score", run, *new, "-o", name, "-j", jobs, *options) for name, jobs in (("one", "1"), ("two", "2"))
    )
    assert (one.status, two.status) == (0, 0), two.err
    assert one.out == two.out.replace("two", "one")
    assert contents(Path("one")) == contents(Path("two"))
    assert sorted(path.name for path in Path("two").iterdir()) == [
        "manifest.json",
        *(file.name for file in new),
    ]


@pytest.mark.cluster
def test_a_dask_cluster_writes_what_one_process_writes(hepsieve: Command, run: Path, new: list[Path]) -> None:
    one = hepsieve("score", run, *new, "-o", "one")
    two = hepsieve("score", run, *new, "-o", "two", "--engine", "dask", "-j", "2")
    assert (one.status, two.status) == (0, 0), two.err
    assert one.out == two.out.replace("two", "one")
    assert contents(Path("one")) == contents(Path("two"))
    new[2].write_text("a,b\n1,2\n", encoding="utf-8")
    told = hepsieve("score", run, *new, "-o", "three", "--engine", "dask", "-j", "2")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "new2.csv: no column c" in told.err
    assert not Path("three").exists()


def test_a_bad_file_among_many_is_named_in_one_line_and_nothing_is_left(
    hepsieve: Command, run: Path, new: list[Path]
) -> None:
    text = new[1].read_text(encoding="utf-8").splitlines()
    text[7] = text[7] + "x"
    new[1].write_text("\n".join(text) + "\n", encoding="utf-8")
    before = sorted(run.parent.iterdir())
    told = hepsieve("score", run, *new, "-o", "out", "-j", "2", "--model", "trees")
    assert told.status == 2
    assert "new1.csv: row 8, column 'c'" in told.err
    assert told.err.count("\n") == 1
    assert sorted(path for path in run.parent.iterdir() if path.name != "cache") == before


def test_one_file_starts_no_engine(run: Path, new: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from hepsieve.engines import EngineOptions, opened

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an engine was started")

    monkeypatch.setattr(opened, "open_engine", refuse)
    told = score_files(
        run,
        new[:1],
        output=run.parent / "out.csv",
        model="trees",
        engine=EngineOptions(name="dask"),
        progress=Silent(),
    )
    assert told.endswith("out.csv: 300 rows with score_trees")


def test_a_process_loads_the_model_once(run: Path, new: list[Path]) -> None:
    module._bundle.cache_clear()
    model, out = run / MODELS / "trees", run.parent / "out"
    out.mkdir()
    pieces = [
        module._Piece(model=model, digest="0", file=file, output=out / file.name, column="score", selection=None)
        for file in new
    ]
    assert [module._score_piece(piece).rows for piece in pieces] == [300, 301, 302]
    assert module._bundle.cache_info().misses == 1
    module._score_piece(replace(pieces[0], digest="1"))  # made again meanwhile
    assert module._bundle.cache_info().misses == 2


@pytest.mark.cluster
def test_a_file_whose_workers_die_is_named(run: Path, new: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_score_piece", _die_on_the_second)
    bundle = load_bundle(run / MODELS / "trees")
    with pytest.raises(WorkerLost, match=r"new1\.csv: the process that worked on it died"):
        module.score_files(bundle, new, run.parent / "out", column="score", jobs=2, progress=Silent())
    assert not (run.parent / "out").exists()
    assert not list(run.parent.glob(".part-*"))


_score = module._score_piece


def _die_on_the_second(piece: module._Piece) -> object:
    if piece.file.name == "new1.csv":
        (piece.output.parent / ".part-half.new1.csv").write_text("half", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return _score(piece)


@pytest.mark.cluster
def test_the_half_of_a_file_that_a_dead_worker_left_is_not_published(
    run: Path, new: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_score_piece", _die_once)
    bundle = load_bundle(run / MODELS / "trees")
    heard = Counting()
    module.score_files(bundle, new, run.parent / "out", column="score", jobs=2, progress=heard)
    assert heard.said == ["scoring 3 files, 2 at a time: 3", *(file.name for file in new)]
    assert (run.parent / "died").exists()
    assert sorted(path.name for path in (run.parent / "out").iterdir()) == [
        "manifest.json",
        *(file.name for file in new),
    ]


def _die_once(piece: module._Piece) -> object:
    died = piece.file.parent / "died"
    if piece.file.name == "new1.csv" and not died.exists():
        died.touch()
        (piece.output.parent / ".part-half.new1.csv").write_text("half", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return _score(piece)
