"""Where a training stands, kept in a folder: arrays and facts, whole and verified, or not at all."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel

from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.manifest import new_folder, verify
from hepsieve.models.weights import load_arrays, save_arrays

_ARRAYS = "state.safetensors"
_FACTS = "facts.json"
_DIGITS = 8

State = tuple[dict[str, NDArray[Any]], dict[str, Any]]
"""Arrays by name, and whatever JSON can hold."""


def identity(config: BaseModel, settings: BaseModel, *, seed: int, parts: Sequence[Sized]) -> dict[str, Any]:
    """What must be the same for a state to be this training's, as JSON."""
    return {
        "config": config.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "events": [len(part) for part in parts],
    }


def _nobody(sentence: str) -> None:
    return


def _any(facts: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The last two states of one training on disk.

    Attributes:
        folder: its own; it needs not exist yet. Each state is a folder in it, and the one before stays beside the
            newest, which may turn out damaged.
        every: the fewest seconds between two states.
        told: hears, in a sentence, of every state that is taken up, and of every one that is damaged.
        writes: whether states are kept; where several processes share a training all take them up, and one keeps them.
    """

    folder: Path
    every: float = 20.0
    told: Callable[[str], None] = _nobody
    writes: bool = True

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Keep this state beside the one before.

        Raises:
            HepsieveError: if it can't be written; the states before are then still there.
        """
        if not self.writes:
            return
        former = self._states()
        number = int(former[-1].name[:_DIGITS]) + 1 if former else 1
        # Another process may do the same training, and would choose the same number.
        with new_folder(self.folder / f"{number:0{_DIGITS}}-{secrets.token_hex(4)}") as new:
            save_arrays(arrays, new / _ARRAYS)
            (new / _FACTS).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")
        for state in former[:-1]:
            shutil.rmtree(state, ignore_errors=True)

    def load(self, *, fits: Callable[[Mapping[str, Any]], bool] = _any) -> State | None:
        """The last state that is undamaged and fits; None where there is none.

        Damaged ones are removed: the next state would else take the place of a sound one. So is what a killed process
        left half-written.

        Args:
            fits: whether a state with these facts can be used.
        """
        for unfinished in self.folder.glob(".part-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        for state in reversed(self._states()):
            try:
                verify(state)
                facts = json.loads((state / _FACTS).read_text(encoding="utf-8"))
                if fits(facts):
                    return load_arrays(state / _ARRAYS), facts
            except (IntegrityError, OSError, ValueError) as error:
                if state.is_dir():  # else another process has just removed it
                    self.told(f"a damaged state is left out, and the one before it looked for: {error}")
                    shutil.rmtree(state, ignore_errors=True)
        return None

    def discard(self) -> None:
        """Remove the folder with all that is in it, if it is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _states(self) -> list[Path]:
        """From the oldest to the newest; what a killed process left unfinished is none."""
        return sorted(self.folder.glob("[0-9]*"))


class States:
    """The states of one training while it runs: kept now and then, and never at the cost of the training itself."""

    def __init__(self, checkpoint: Checkpoint | None, training: Mapping[str, Any]) -> None:
        """Begin with none kept.

        Args:
            checkpoint: where they go; nowhere if None.
            training: what must be the same for a state to be this training's, as JSON.
        """
        self._checkpoint = checkpoint
        self._training = dict(training)
        self._saved_at = perf_counter()

    @property
    def kept(self) -> bool:
        """Whether there is a place for them."""
        return self._checkpoint is not None

    @property
    def due(self) -> bool:
        """Whether the last one is old."""
        return self._checkpoint is not None and perf_counter() - self._saved_at >= self._checkpoint.every

    def save(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Keep a state, if there is a place for it."""
        if self._checkpoint is None:
            return
        with suppress(HepsieveError):  # a full disk is no reason to lose the training
            self._checkpoint.save(arrays, {**facts, "training": self._training})
        self._saved_at = perf_counter()

    def load(self, *, fits: Callable[[Mapping[str, Any]], bool]) -> State | None:
        """The last state of this training that fits; None where there is none."""
        if self._checkpoint is None:
            return None
        return self._checkpoint.load(fits=lambda facts: facts.get("training") == self._training and fits(facts))

    def tell(self, sentence: str) -> None:
        """Say what was taken up."""
        if self._checkpoint is not None:
            self._checkpoint.told(sentence)
