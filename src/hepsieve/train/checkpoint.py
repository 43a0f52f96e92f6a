"""Where a training stands, kept in a folder: arrays and facts, whole and verified, or not at all."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hepsieve.errors import IntegrityError
from hepsieve.manifest import new_folder, verify
from hepsieve.models.weights import load_arrays, save_arrays

_ARRAYS = "state.safetensors"
_FACTS = "facts.json"
_DIGITS = 8

State = tuple[dict[str, NDArray[Any]], dict[str, Any]]
"""Arrays by name, and whatever JSON can hold."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of one training on disk.

    Attributes:
        folder: its own; it needs not exist yet. Each state is a folder in it, and the one before is removed only when
            the new one is whole.
        every: the fewest seconds between two states.
    """

    folder: Path
    every: float = 20.0

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Keep this state in place of the one before.

        Raises:
            HepsieveError: if it can't be written; the one before is then still there.
        """
        former = self._states()
        number = int(former[-1].name[:_DIGITS]) + 1 if former else 1
        # Another process may do the same training, and would choose the same number.
        with new_folder(self.folder / f"{number:0{_DIGITS}}-{secrets.token_hex(4)}") as new:
            save_arrays(arrays, new / _ARRAYS)
            (new / _FACTS).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")
        for state in former:
            shutil.rmtree(state, ignore_errors=True)

    def load(self) -> State | None:
        """The last state that is undamaged; None where there is none."""
        for state in reversed(self._states()):
            try:
                verify(state)
                return load_arrays(state / _ARRAYS), json.loads((state / _FACTS).read_text(encoding="utf-8"))
            except (IntegrityError, OSError, ValueError):
                continue
        return None

    def discard(self) -> None:
        """Remove the folder with all that is in it, if it is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _states(self) -> list[Path]:
        """From the oldest to the newest; what a killed process left unfinished is none."""
        return sorted(self.folder.glob("[0-9]*"))
