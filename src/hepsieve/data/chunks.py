"""Chunks: the rows of files on their way to Events, and what has to be known about them at the end."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import DataError
from hepsieve.events import Events, FloatArray, IntArray, Origin, TargetScale
from hepsieve.manifest import sha256


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Consecutive rows of one table, shaped as in Events; ``table`` counts the tables from 0."""

    table: int
    features: FloatArray
    target: FloatArray
    weight: FloatArray
    group: IntArray | None
    spectators: NDArray[np.float64] | None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name; without group and spectators if there are none."""
        arrays: dict[str, NDArray[Any]] = {"features": self.features, "target": self.target, "weight": self.weight}
        if self.group is not None:
            arrays["group"] = self.group
        if self.spectators is not None:
            arrays["spectators"] = self.spectators
        return arrays


@dataclass(frozen=True, kw_only=True)
class Source:
    """The state of a file that was read."""

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Source:
        """The file as it is now; reads all of it."""
        return cls.at(path.stat(), path, sha256(path))

    @classmethod
    def at(cls, state: os.stat_result, path: Path, digest: str) -> Source:
        """The file in this state, with this sha256."""
        return cls(path=path, size=state.st_size, mtime_ns=state.st_mtime_ns, ctime_ns=state.st_ctime_ns, sha256=digest)

    def unchanged(self) -> bool:
        """Whether the file still has this content; it is read only where its size or times raise the question.

        The time of the last change to the file's entry counts too: copying tools set the other one back.
        """
        try:
            state = self.path.stat()
            if state.st_size != self.size:
                return False
            times = (state.st_mtime_ns, state.st_ctime_ns)
            return times == (self.mtime_ns, self.ctime_ns) or sha256(self.path) == self.sha256
        except OSError:
            return False


@dataclass(frozen=True)
class Digest:
    """sha256 over the content of events, taken up chunk by chunk: it doesn't depend on where chunks begin."""

    names: tuple[str, ...]
    _hashes: dict[str, Any] = field(default_factory=dict)

    def add(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up further rows."""
        for name, array in arrays.items():
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            self._hashes.setdefault(name, hashlib.sha256()).update(little.data.cast("B"))

    def fingerprint(self) -> str:
        """The digest of all rows so far, as hexadecimal digits."""
        parts = {name: digest.hexdigest() for name, digest in self._hashes.items()}
        return hashlib.sha256(json.dumps([self.names, parts], sort_keys=True).encode()).hexdigest()


class MakeOrigin(Protocol):
    """Says where events came from, once all has been read."""

    def __call__(self, sources: Sequence[Source], digest: Digest, rows: Sequence[int]) -> Origin:
        """The origin of events from these files; ``rows`` counts per table."""


def joint_origin(
    parts: Sequence[tuple[Path, Origin | None]],
    dropped: Sequence[str],
    sources: Sequence[Source],
    digest: Digest,
    rows: Sequence[int],
    *,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Origin:
    """The origin of events from several tables: simulated as soon as one file says so of itself.

    Simulation must never pass for data.

    Args:
        parts: the file that each table is from, and what it says about its events.
        dropped: columns that were left out.
        sources: the files that were read.
        digest: the digest of what was read.
        rows: how many rows each table had.
        notes: what else is to be told, by its name.
    """
    made = [origin for _, origin in parts if origin is not None and origin.kind == "simulated"]
    details = {key: value for origin in made for key, value in origin.details.items()}
    for source in sources:
        counts = [n for (path, _), n in zip(parts, rows, strict=True) if path == source.path]
        name = source.path.name if [s.path.name for s in sources].count(source.path.name) == 1 else str(source.path)
        held = f"{sum(counts):,} rows, " if counts else ""  # a file of targets has no rows of its own
        details[name] = f"{held}{source.size:,} bytes, sha256 {source.sha256}"
    return Origin(
        kind="simulated" if made else "real",
        sources=tuple(
            dict.fromkeys((*(s for origin in made for s in origin.sources), *(s.path.name for s in sources)))
        ),
        fingerprint=digest.fingerprint(),
        details={**details, **notes},
        dropped=tuple(dropped),
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Events that are about to be read.

    Attributes:
        names: the features, or the channels of images and waveforms.
        shape: that of one row of features: as many as names in a table, (height, width, channels) of images,
            (samples, channels) of waveforms.
        units: their units.
        spectators: the names of the columns that are carried along.
        tables: how many tables there are.
        grouped: whether the rows have groups.
        chunks: reads the rows from the beginning.
        origin: says where they came from, afterwards.
        scale: what the targets measure; None where they are classes.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    units: tuple[str, ...]
    spectators: tuple[str, ...]
    tables: int
    grouped: bool
    chunks: Callable[[], Generator[Chunk, None, None]]
    origin: MakeOrigin
    scale: TargetScale | None = None


def drain(
    plan: Plan, paths: Sequence[Path], take: Callable[[Mapping[str, NDArray[Any]]], None]
) -> tuple[Origin, list[Source]]:
    """Read all rows of a plan, hand their arrays on, and say where they came from.

    Raises:
        DataError: for a row that can't be read, or a file that changes meanwhile.
    """
    before = {path: path.stat() for path in paths}
    digest, rows = Digest(plan.names), [0] * plan.tables
    # Closed at once, also when interrupted: what is read from may lie in a folder of its own.
    with _hashing(before) as hashes, closing(plan.chunks()) as chunks:
        try:
            for chunk in chunks:
                arrays = chunk.arrays()
                digest.add(arrays)
                take(arrays)
                rows[chunk.table] += len(chunk.features)
        except DataError:
            _require_unchanged(before)  # or what is wrong may be no more than half a row of what was being written
            raise
        found = hashes()
    _require_unchanged(before)
    sources = [Source.at(before[path], path, found[path]) for path in before]
    return plan.origin(sources, digest, rows), sources


def _require_unchanged(before: Mapping[Path, os.stat_result]) -> None:
    for path, state in before.items():
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) != (state.st_size, state.st_mtime_ns):
            raise DataError(f"{path}: changed while it was read; try again when nothing writes to it")


@contextmanager
def _hashing(paths: Iterable[Path]) -> Iterator[Callable[[], dict[Path, str]]]:
    """The sha256 of files, found beside whatever else is done with them; given up when the block ends in an error."""
    given_up = threading.Event()

    def hash_all() -> dict[Path, str]:
        return {path: _sha256_unless(given_up, path) for path in paths}

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(hash_all)
        try:
            yield task.result
        finally:
            given_up.set()


def _sha256_unless(given_up: threading.Event, path: Path) -> str:
    digest, buffer = hashlib.sha256(), bytearray(1 << 20)
    with path.open("rb", buffering=0) as stream:
        while not given_up.is_set() and (size := stream.readinto(buffer)):
            digest.update(memoryview(buffer)[:size])
    return digest.hexdigest()


def gather(plan: Plan, paths: Sequence[Path]) -> Events:
    """The events of a plan, in memory."""
    blocks: dict[str, list[NDArray[Any]]] = {}

    def take(arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            blocks.setdefault(name, []).append(array)

    origin, _ = drain(plan, paths, take)
    # One array at a time, and its blocks are let go: the peak stays near the size of the features once more.
    whole = {name: np.concatenate(blocks.pop(name)) for name in list(blocks)}
    return Events(
        features=whole["features"],
        target=whole["target"],
        weight=whole["weight"],
        group=whole.get("group"),
        spectators=whole.get("spectators"),
        spectator_names=plan.spectators,
        names=plan.names,
        units=plan.units,
        origin=origin,
        scale=plan.scale,
    )
