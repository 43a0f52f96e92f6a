"""Checkpoint: the state of a training between two epochs, as arrays and facts in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hepsieve.errors import IntegrityError
from hepsieve.manifest import new_folder, verify

_ARRAYS, _FACTS = "state.safetensors", "state.json"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a training keeps its state.

    Attributes:
        folder: the state; beside it, for as long as a new state is written, the one before.
    """

    folder: Path

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Put this state in the place of the one before, which stays until this one is whole."""
        with new_folder(self._next) as folder:
            save_file(dict(arrays), folder / _ARRAYS)
            (folder / _FACTS).write_text(json.dumps(dict(facts), allow_nan=False), encoding="utf-8")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._next.rename(self.folder)

    def load(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """The last state that is whole; None if there is none."""
        for folder in (self._next, self.folder):
            try:
                verify(folder)
                return load_file(folder / _ARRAYS), json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            except (IntegrityError, OSError, ValueError, SafetensorError):
                shutil.rmtree(folder, ignore_errors=True)
        return None

    def discard(self) -> None:
        """Remove the state: the training is finished."""
        for folder in (self._next, self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _next(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-next")
