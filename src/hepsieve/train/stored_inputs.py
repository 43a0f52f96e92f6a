"""What a training gets, written once into a folder that any process opens without copying it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.data.store import discard
from hepsieve.errors import HepsieveError, IntegrityError
from hepsieve.manifest import NAME, new_folder, sha256, verify
from hepsieve.models.weights import load_arrays, save_arrays
from hepsieve.prepare.fit import PREPARATION
from hepsieve.spill import blocks, let_go
from hepsieve.train.inputs import Inputs
from hepsieve.train.raw_rows import ARRAY, DESCRIBED, RawRows
from hepsieve.train.trained import Part

_FORMAT = 1
_PREPARATION = "preparation.json"
_KIND = "kind"
_FINGERPRINT = "fingerprint"
_START = "start.safetensors"
_PARTS = ("train", "validation")
_ARRAYS = ("inputs", "target", "weight")
_OURS = re.compile(r"(\.part-[0-9a-f]+\.)?[0-9a-f]{20}")
_TRIES = 3
_ABANDONED = 24 * 3600.0  # seconds after which a half-written folder belongs to nobody any more
_FORGOTTEN = 30 * _ABANDONED  # and a whole one that nobody took up again


@dataclass(frozen=True, kw_only=True)
class StoredInputs:
    """Inputs on disk, as they are named to another process.

    Attributes:
        folder: where they are.
        digest: sha256 of their manifest, when they were last verified.
    """

    folder: Path
    digest: str

    def mapped(self) -> Inputs:
        """The inputs, memory-mapped.

        Whoever handed out this value has verified every byte; another process checks that it is the same manifest and
        that the files have their sizes, and so reads only the events that it trains on.

        Raises:
            IntegrityError: if the folder is not what it was, or can't be seen from here.
        """
        if not self.folder.is_dir():
            raise IntegrityError(
                f"{self.folder}: not there; every worker must see this folder (HEPSIEVE_CACHE chooses another disk), "
                "and nobody may remove it while they train"
            )
        manifest = self.folder / NAME
        if not manifest.is_file() or sha256(manifest) != self.digest:
            raise _changed(self.folder)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        for name, described in content["files"].items():
            file = self.folder / name
            if not file.is_file() or file.stat().st_size != described["size"]:
                raise _changed(file)
        inputs = Inputs(
            preparation=PREPARATION.validate_json(self._preparation(content)),
            train=self._part("train", content),
            validation=self._part("validation", content),
            start=load_arrays(self.folder / _START) if _START in content["files"] else None,
        )
        return inputs.known_by(content[_FINGERPRINT])

    def _preparation(self, content: dict[str, Any]) -> str:
        """Small enough to be verified at every opening."""
        text = (self.folder / _PREPARATION).read_bytes()
        if hashlib.sha256(text).hexdigest() != content["files"][_PREPARATION]["sha256"]:
            raise _changed(self.folder / _PREPARATION)
        return text.decode()

    def _part(self, part: str, content: dict[str, Any]) -> Part:
        inputs, target, weight = (
            np.load(self.folder / f"{part}-{array}.npy", mmap_mode="r", allow_pickle=False) for array in _ARRAYS
        )
        raw = RawRows.read(self.folder) if part == "train" else None
        return Part(inputs=inputs, target=target, weight=weight, kind=content[_KIND], raw=raw)


def store_inputs(inputs: Inputs, below: Path) -> StoredInputs:
    """Write these inputs into a folder of their own below ``below``, named after their content, or find them there.

    Processes may do this at the same time: the first to finish is used by all. A damaged folder is written anew. What
    was left half-written a day ago, and what nobody took up for a month, is removed. Memory stays that of a block.

    Raises:
        HepsieveError: if the folder can't be written.
    """
    folder = below.resolve() / name_of(inputs)
    _sweep(folder)
    for _ in range(_TRIES):
        with suppress(IntegrityError):
            return _verified(folder)
        discard(folder)
        try:
            _write(inputs, folder)
        except HepsieveError:
            if not folder.exists():  # else another process was faster
                raise
            continue
        with suppress(OSError):  # the sums in its manifest were taken from these very files a moment ago
            return StoredInputs(folder=folder, digest=sha256(folder / NAME))
    raise HepsieveError(f"{folder}: other processes keep replacing it; stop them, or use another cache folder")


def name_of(inputs: Inputs) -> str:
    """What their store is called: it says all that is in it."""
    shapes = [getattr(getattr(inputs, part), array).shape for part in _PARTS for array in _ARRAYS]
    content = [_FORMAT, inputs.fingerprint, shapes, inputs.preparation.model_dump_json()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def _verified(folder: Path) -> StoredInputs:
    verify(folder)
    with suppress(OSError):  # somebody else's may be used all the same
        os.utime(folder)
    return StoredInputs(folder=folder, digest=sha256(folder / NAME))


def _write(inputs: Inputs, folder: Path) -> None:
    with new_folder(folder, {_KIND: inputs.train.kind, _FINGERPRINT: inputs.fingerprint}) as new:
        (new / _PREPARATION).write_text(inputs.preparation.model_dump_json(), encoding="utf-8")
        for part in _PARTS:
            for array in _ARRAYS:
                _write_array(getattr(getattr(inputs, part), array), new / f"{part}-{array}.npy")
        if inputs.start is not None:
            save_arrays(inputs.start, new / _START)
        if inputs.train.raw is not None:
            (new / DESCRIBED).write_text(inputs.train.raw.described, encoding="utf-8")
            _write_array(inputs.train.raw.features, new / ARRAY)


def _write_array(array: NDArray[np.float32], path: Path) -> None:
    """An .npy file, block by block: neither a copy of the array nor what was read of its file stays in memory."""
    described = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, described)
        for rows in blocks(array):
            file.write(np.ascontiguousarray(array[rows]).data)
            let_go(array)


def _changed(path: Path) -> IntegrityError:
    return IntegrityError(f"{path}: changed since it was verified; start again")


def _sweep(folder: Path) -> None:
    """Remove what killed processes left beside this folder, and what nobody came back to."""
    for other in folder.parent.glob("*"):
        if other == folder or not _OURS.fullmatch(other.name):
            continue
        with suppress(OSError):  # another process may remove it too
            age = time.time() - max(entry.stat().st_mtime for entry in (other, *other.glob("*")))
            if age > (_ABANDONED if other.name.startswith(".") else _FORGOTTEN):
                shutil.rmtree(other)
