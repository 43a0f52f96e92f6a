"""Read what the report shows: the JSON, YAML and log files of a run folder, turned into one frozen value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hepsieve.audit.description import Description
from hepsieve.config import TaskConfig, load_task
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.evaluation import AnyEvaluation, read_evaluation
from hepsieve.folder import AUDIT, CONFIG, DESCRIPTION, EVALUATION, EVENTS_LOG, HISTORY
from hepsieve.history import EpochRecord
from hepsieve.manifest import NAME as MANIFEST

Model = TypeVar("Model", bound=BaseModel)
_KINDS = ("classification", "regression")


class Finding(BaseModel):
    """One thing that the audit found, as in audit.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    severity: Literal["stop", "warn", "note"]
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    accepted: bool = False


class Audit(BaseModel):
    """The audit's findings, and what it looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    findings: tuple[Finding, ...]
    checked: dict[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run folder tells about its run.

    Attributes:
        config_text: ``config.yaml`` as it stands.
        audit: None where the folder has no ``audit.json``.
        description: None where the folder has no ``description.json``.
        history: the epochs of every model, in the order of training.
        manifest: None where the folder has no ``manifest.json``.
        log: the lines of ``events.log``.
    """

    evaluation: AnyEvaluation
    config: TaskConfig
    config_text: str
    audit: Audit | None
    description: Description | None
    history: dict[str, tuple[EpochRecord, ...]]
    manifest: dict[str, Any] | None
    log: tuple[dict[str, Any], ...]


def read_run(run: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        HepsieveError: naming the file (and line) that is missing or damaged.
    """
    evaluation = _needed(run / EVALUATION)
    config_text = _needed(run / CONFIG)
    audit = _text(run / AUDIT)
    description = _text(run / DESCRIPTION)
    manifest = _text(run / MANIFEST)
    return RunRecord(
        evaluation=_evaluation(evaluation, str(run / EVALUATION)),
        config=load_task(run / CONFIG),
        config_text=config_text,
        audit=None if audit is None else _checked(Audit, audit, str(run / AUDIT)),
        description=None if description is None else _checked(Description, description, str(run / DESCRIPTION)),
        history=_history(run / HISTORY),
        manifest=None if manifest is None else _mapping(manifest, str(run / MANIFEST)),
        log=_log(run / EVENTS_LOG),
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HepsieveError(f"{path}: can't be read ({error})") from None


def _needed(path: Path) -> str:
    text = _text(path)
    if text is None:
        raise HepsieveError(f"{path}: no such file; is {path.parent} the folder of a finished run?")
    return text


def _evaluation(text: str, place: str) -> AnyEvaluation:
    try:
        return read_evaluation(text)
    except ValidationError as error:
        raise _damaged(error, place) from None


def _checked(model: type[Model], text: str, place: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _damaged(error, place) from None


def _damaged(error: ValidationError, place: str) -> HepsieveError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part not in _KINDS)
    return HepsieveError(f"{place}: {key + ': ' if key else ''}{first['msg']}; evaluate the run again")


def _mapping(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise HepsieveError(f"{place}: not valid JSON ({error}); the file is damaged") from None
    if not isinstance(value, dict):
        raise HepsieveError(f"{place}: holds a {type(value).__name__} where an object belongs; the file is damaged")
    return value


def _lines(path: Path) -> list[tuple[str, str]]:
    text = _text(path) or ""
    return [(f"{path}:{number}", line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _history(path: Path) -> dict[str, tuple[EpochRecord, ...]]:
    records: dict[str, list[EpochRecord]] = {}
    for place, line in _lines(path):
        record = _checked(EpochRecord, line, place)
        records.setdefault(record.model, []).append(record)
    return {model: tuple(epochs) for model, epochs in records.items()}


def _log(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(_mapping(line, place) for place, line in _lines(path))
