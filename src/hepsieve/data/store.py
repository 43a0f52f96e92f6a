"""The prepared store: events of files as memory-mapped arrays, written once, verified at every use."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.catalog import entry
from hepsieve.data.chunks import Plan, Source, drain
from hepsieve.data.growing import growing_arrays
from hepsieve.data.measured import Use
from hepsieve.data.stamp import origin_from_json, origin_to_json, scale_from_json
from hepsieve.errors import DataError, HepsieveError, IntegrityError
from hepsieve.events import Events
from hepsieve.manifest import new_folder, verify

_FORMAT = 6
_ABOUT = "store.json"
_TRIES = 3
_ABANDONED = 24 * 3600.0  # seconds after which a half-written folder belongs to nobody any more
_NOT_READING = {"files", "validation_files", "test_files", "objects"}  # the paths are part of the key by themselves


def prepared(
    paths: Sequence[Path], data: DataConfig, cache: Path, plan: Callable[[], Plan], *, use: Use = "learn"
) -> Events:
    """The events of these files out of their store below ``cache``, which is written if it isn't there.

    A store is written anew when a file changed (by content, not by date alone), when a setting that concerns reading
    changed, or when the store is damaged. Processes may do this at the same time: the first to finish is used by all.

    Args:
        paths: the files.
        data: how they are read.
        cache: the folder of all stores.
        plan: says how to read the files; only called when they have to be read.
        use: what the plan reads them for.

    Raises:
        DataError: for a row that can't be read.
        HepsieveError: if the store can't be written.
    """
    folder = cache / store_key(paths, data, use=use)
    for _ in range(_TRIES):
        try:
            return open_store(folder)
        except IntegrityError:
            discard(folder)
        try:
            write_store(folder, plan(), paths)
        except DataError:
            raise
        except HepsieveError:
            if not folder.exists():  # else another process was faster
                raise
            continue
        with suppress(IntegrityError):
            return _open(folder)  # the sums in its manifest were taken from these very files a moment ago
    raise HepsieveError(f"{folder}: other processes keep replacing it; stop them, or use another cache folder")


def store_key(paths: Sequence[Path], data: DataConfig, *, use: Use = "learn") -> str:
    """The name of the store of these files read with these settings."""
    settings = data.model_dump(mode="json", exclude=_NOT_READING)
    known = repr(entry(data.catalog)) if data.catalog is not None else None
    content = [_FORMAT, [str(path.resolve()) for path in paths], settings, known, use]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def write_store(folder: Path, plan: Plan, paths: Sequence[Path]) -> None:
    """Write the events of a plan into a new folder, which appears when it is whole; memory stays that of a chunk.

    Raises:
        DataError: for a row that can't be read.
        HepsieveError: if the folder can't be written, or another process made it meanwhile.
    """
    _sweep(folder)
    with new_folder(folder) as temporary:
        spectators = len(plan.spectators)
        with growing_arrays(temporary, plan.shape, grouped=plan.grouped, spectators=spectators) as append:
            origin, sources = drain(plan, paths, append)
        store = {
            "format": _FORMAT,
            "names": plan.names,
            "units": plan.units,
            "spectators": plan.spectators,
            "scale": None if plan.scale is None else asdict(plan.scale),
            "origin": origin_to_json(origin),
            "sources": [{**asdict(s), "path": str(s.path.resolve())} for s in sources],
        }
        (temporary / _ABOUT).write_text(json.dumps(store, indent=2) + "\n", encoding="utf-8")


def open_store(folder: Path) -> Events:
    """The events of a store, memory-mapped, after a check of every byte.

    Raises:
        IntegrityError: if the store isn't there, is damaged, or its sources changed.
    """
    verify(folder)
    return _open(folder)


def _open(folder: Path) -> Events:
    try:
        store = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        sources = [Source(**{**source, "path": Path(source["path"])}) for source in store["sources"]]
        origin = origin_from_json(store["origin"])
        arrays = {name: _load(folder / f"{name}.npy") for name in ("features", "target", "weight")}
        group, spectators = (
            _load(folder / f"{name}.npy") if (folder / f"{name}.npy").exists() else None
            for name in ("group", "spectators")
        )
        events = Events(
            features=arrays["features"],
            target=arrays["target"],
            weight=arrays["weight"],
            group=group,
            spectators=spectators,
            spectator_names=tuple(store["spectators"]),
            names=tuple(store["names"]),
            units=tuple(store["units"]),
            origin=origin,
            scale=scale_from_json(store["scale"]),
        )
    except (ValueError, KeyError, TypeError, OSError, DataError) as error:
        raise IntegrityError(f"{folder}: no store of this version ({error})") from None
    for source in sources:
        if not source.unchanged():
            raise IntegrityError(f"{folder}: {source.path} changed since it was read")
    return events


def discard(folder: Path) -> None:
    """Remove a store. It vanishes in one step, so nobody opens half of it; who has it mapped keeps it."""
    doomed = folder.with_name(f".part-{secrets.token_hex(4)}.{folder.name}")
    try:
        folder.rename(doomed)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise HepsieveError(f"{folder}: out of date, and can't be removed ({error.strerror})") from error
    shutil.rmtree(doomed, ignore_errors=True)


def _load(file: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    return array


def _sweep(folder: Path) -> None:
    """Remove what killed processes left of this store long ago."""
    for part in folder.parent.glob(f".part-*.{folder.name}"):
        touched = [entry.stat().st_mtime for entry in (part, *part.glob("*"))]
        if time.time() - max(touched) > _ABANDONED:
            shutil.rmtree(part, ignore_errors=True)
