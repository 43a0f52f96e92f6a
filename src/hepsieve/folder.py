"""A run folder: what its files are called, what is recorded in it, and how a finished one is found and read."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepsieve.config import TaskConfig, load_task
from hepsieve.errors import DataError, HepsieveError, IntegrityError
from hepsieve.evaluate.evaluation import AnyEvaluation, read_evaluation
from hepsieve.history import EpochRecord
from hepsieve.manifest import NAME, verify

CONFIG = "config.yaml"
EVALUATION = "evaluation.json"
AUDIT = "audit.json"
DESCRIPTION = "description.json"
HISTORY = "history.jsonl"
EVENTS_LOG = "events.log"
PREDICTIONS = "predictions.parquet"
OUT_OF_FOLD = "out_of_fold.parquet"
VALIDATION = "validation.parquet"
MODELS = "models"
REPORT = "report.html"
STUDY = "study"
JOURNAL = "journal.jsonl"
TUNED = "tuned.yaml"
TEST_OPENED = "test opened"
TEST_COMPARED = "test figures compared"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A finished run that was verified.

    Attributes:
        path: the folder.
        manifest: the content of its manifest.
        config: the resolved configuration.
        evaluation: its figures.
    """

    path: Path
    manifest: Mapping[str, Any]
    config: TaskConfig
    evaluation: AnyEvaluation


def open_run(path: Path) -> RunFolder:
    """Verify a run folder and read its configuration and figures.

    Raises:
        IntegrityError: if it is no run folder or a file was changed.
    """
    if not path.is_dir():
        raise IntegrityError(f"{path}: no such run folder")
    manifest = verify(path)
    try:
        evaluation = read_evaluation((path / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise IntegrityError(f"{path / EVALUATION}: can't be read; run the task again") from None
    return RunFolder(path=path, manifest=manifest, config=load_task(path / CONFIG), evaluation=evaluation)


def read_history(path: Path, model: str) -> tuple[EpochRecord, ...]:
    """The epochs of one model, in order."""
    lines = (path / HISTORY).read_text(encoding="utf-8").splitlines()
    records = (EpochRecord.model_validate_json(line) for line in lines)
    return tuple(epoch for epoch in records if epoch.model == model)


def find_runs(folder: Path) -> list[Path]:
    """The finished runs below a folder, oldest first.

    Raises:
        DataError: if there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    # What begins with a dot was never finished.
    runs = [path.parent for path in folder.glob(f"[!.]*/{EVALUATION}") if (path.parent / NAME).is_file()]
    return sorted(runs, key=lambda path: (path / NAME).stat().st_mtime)


def new_run_name(task: str) -> str:
    """A name for a run folder: task, UTC time and four hexadecimal digits."""
    return f"{task}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def record(folder: Path, event: str, by: str) -> None:
    """Append one line to the run's log of events (test openings, accepted findings).

    Raises:
        HepsieveError: if the log can't be written.
    """
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "by": by}
    try:
        with (folder / EVENTS_LOG).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    except OSError as error:
        raise HepsieveError(f"{folder / EVENTS_LOG}: can't be written ({error.strerror or error})") from None


def openings(folder: Path) -> int:
    """How often the run's test part was opened, by its log."""
    log = folder / EVENTS_LOG
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return sum(f'"{TEST_OPENED}"' in line for line in lines)


def git_commit() -> str | None:
    """The commit of the working folder, where it is a git repository with one."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
