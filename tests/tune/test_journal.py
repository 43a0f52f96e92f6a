"""A journal that was cut anywhere is read up to its last whole line, and one of another study is refused."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import optuna
import pytest
from tests.tune.searches import SMALL, Workers, searched, space_of

from hepsieve.errors import IntegrityError
from hepsieve.tune.journal import JOURNAL, SETTINGS, cut_to_whole_lines


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process wrote outlives its kill; only a power cut needs more."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def test_a_journal_cut_at_any_byte_keeps_its_whole_lines(tmp_path: Path) -> None:
    searched(space_of(SMALL, method="grid", trials=1), tmp_path)
    path = tmp_path / JOURNAL
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        lost = cut_to_whole_lines(path)
        kept = path.read_bytes()
        assert len(kept) + lost == size
        assert content.startswith(kept)
        assert kept == b"".join(lines[: kept.count(b"\n")])
        assert lost < len(lines[min(kept.count(b"\n"), len(lines) - 1)])


@pytest.mark.parametrize("method", ["tpe", "halving"])
def test_a_search_goes_on_from_a_cut_journal_as_if_it_was_whole(method: str, tmp_path: Path) -> None:
    """The outcomes that workers keep bring back what the journal lost: nothing is trained again."""
    space = space_of(method=method, trials=5, startup=2, at_once=2)
    workers = Workers(2)
    whole = searched(space, tmp_path / "whole", workers)
    trained = list(workers.trained)
    lines = (tmp_path / "whole" / JOURNAL).read_bytes().splitlines(keepends=True)
    recovered = []
    for number, line in enumerate(lines):
        for part in (0, 1, len(line) // 2, len(line) - 1):
            folder = tmp_path / f"{number} {part}"
            copytree(tmp_path / "whole", folder)
            (folder / JOURNAL).write_bytes(b"".join(lines[:number]) + line[:part])
            notes: list[str] = []
            assert searched(space, folder, workers, on_note=notes.append) == whole
            cut = [note for note in notes if "cut off" in note]
            assert len(cut) == (part > 0)
            assert all(note.startswith(f"study: the journal's last {part:,} bytes were cut off; ") for note in cut)
            recovered += [int(note.split(";")[1].split()[0]) for note in cut]
    assert recovered == sorted(recovered)
    assert set(recovered) == set(range(6))  # the very last line follows from the one before it
    assert workers.trained == trained


def test_a_line_that_is_none_ends_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    path.write_bytes(b'{"op_code":0}\n\x00\x00\x00\n{"op_code":1}\n')
    assert cut_to_whole_lines(path) == 18
    assert path.read_bytes() == b'{"op_code":0}\n'
    assert cut_to_whole_lines(tmp_path / "none.log") == 0


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    """Optuna itself would wait for half a minute."""
    space = space_of(SMALL, method="grid", trials=2)
    study = searched(space, tmp_path)
    (tmp_path / f"{JOURNAL}.lock").symlink_to(tmp_path / JOURNAL)
    assert searched(space_of(SMALL, method="grid", trials=3), tmp_path).trials[:2] == study.trials


def test_the_journal_of_another_study_is_refused(tmp_path: Path) -> None:
    searched(space_of(SMALL, method="grid", trials=2), tmp_path)
    with pytest.raises(IntegrityError, match=r"study\.json: the journal here is of another study \(method differ"):
        searched(space_of(SMALL, trials=2), tmp_path)
    with pytest.raises(IntegrityError, match=r"another study \(seed differ"):
        searched(space_of(SMALL, method="grid", trials=2), tmp_path, seed=2)
    other = {**SMALL, "models.net.dropout": {"choice": [0.1, 0.2]}}
    with pytest.raises(IntegrityError, match=r"another study \(space differ"):
        searched(space_of(other, method="grid", trials=2), tmp_path)
    (tmp_path / SETTINGS).write_text("{", encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"study\.json: missing or damaged; remove .* to begin the study anew$"):
        searched(space_of(SMALL, method="grid", trials=2), tmp_path)


def test_another_version_of_optuna_is_said(tmp_path: Path) -> None:
    space = space_of(SMALL, method="grid", trials=2)
    searched(space, tmp_path)
    settings = json.loads((tmp_path / SETTINGS).read_text(encoding="utf-8"))
    (tmp_path / SETTINGS).write_text(json.dumps({**settings, "optuna": "5.1.2"}), encoding="utf-8")
    notes: list[str] = []
    searched(space, tmp_path, on_note=notes.append)
    assert notes[0].startswith(f"study: begun with Optuna 5.1.2, this is {optuna.__version__}; further trials may")


def test_optuna_reads_the_journal_as_its_own(tmp_path: Path) -> None:
    study = searched(space_of(method="halving", trials=9, startup=4), tmp_path)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL))
    loaded = optuna.load_study(study_name="hepsieve", storage=optuna.storages.JournalStorage(backend))
    assert loaded.direction == optuna.study.StudyDirection.MAXIMIZE
    states = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
    for trial, frozen in zip(study.trials, loaded.trials, strict=True):
        assert frozen.state.name == states[trial.state]
        assert frozen.value == trial.figure
        steps = {1 / 9: 1, 1 / 3: 3}
        on_the_way = {steps[share]: figure for share, figure in trial.rungs}
        assert frozen.intermediate_values == on_the_way | ({9: trial.figure} if trial.state == "finished" else {})
    assert loaded.best_trial.value == study.best.figure
