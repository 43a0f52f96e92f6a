"""Where a study lies while it goes on: a folder of the cache, found again by all that its figures depend on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hepsieve.config import TaskConfig
from hepsieve.errors import HepsieveError
from hepsieve.manifest import package_versions
from hepsieve.prepare import Split
from hepsieve.train.unfinished import FORGOTTEN, hardware, our_code

_FORMAT = 1
# How long a study goes on, where its files lie and what is made of its winner change none of its figures.
_NOT_SEARCHED: dict[str, Any] = {
    "title": True,
    "description": True,
    "evaluate": True,
    "explain": True,
    "simulate": True,
    "data": {"files", "validation_files", "test_files"},
    "tune": {"trials", "time"},
}


@contextmanager
def study_folder(below: Path, config: TaskConfig, parts: Split) -> Iterator[Path]:
    """The folder of this study, for the length of the block nobody else's.

    Its name says all that the figures of its trials depend on: settings, events, hardware, package versions and our
    own code. More trials, or more time, are the same study.

    Args:
        below: the folder of all studies.
        config: the task with its section ``tune``.
        parts: the divided events.

    Raises:
        HepsieveError: if another process works on it.
    """
    folder = below / _key(config, parts)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HepsieveError(
                f"{folder}: another process works on this very search; wait for it, or change seed or tune.seed"
            ) from None
        _sweep(below)
        yield folder


def _key(config: TaskConfig, parts: Split) -> str:
    content = [
        _FORMAT,
        package_versions(),
        our_code("tune"),
        hardware(),
        config.model_dump(mode="json", exclude=_NOT_SEARCHED),
        config.selects_by,
        parts.train.origin.fingerprint,
        parts.validation.origin.fingerprint,
        [len(parts.train), len(parts.validation)],
        None if parts.simulated is None else [parts.simulated.origin.fingerprint, len(parts.simulated)],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]


def _sweep(below: Path) -> None:
    """Remove studies to which nobody came back."""
    for place in below.iterdir():
        with suppress(OSError):  # another process may remove it too
            if time.time() - place.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(place)
