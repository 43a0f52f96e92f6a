"""Many files shared among workers: each turns one table into .npy files of its own, which are joined in their order."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.chunks import Chunk
from hepsieve.data.growing import growing_arrays
from hepsieve.data.open import open_tables
from hepsieve.data.parameter import Parameter
from hepsieve.data.roles import Roles
from hepsieve.data.rows import table_chunks
from hepsieve.data.store import discard
from hepsieve.data.table import BATCH_ROWS, Table
from hepsieve.engines import Jobs, in_order, workers_of
from hepsieve.errors import DataError, HepsieveError, WorkerLost
from hepsieve.progress import Progress

WORTH_PROCESSES = 32_000_000
"""Bytes of files from which on reading takes longer than to start processes for it."""
_KEPT_BUSY = 2  # cores that one process keeps busy: it reads with one, and adds up hashes and writes with another


@dataclass(frozen=True, kw_only=True)
class Share:
    """Who reads the tables of several files side by side, and where what they read lies until it is joined.

    Attributes:
        jobs: who shares the work.
        below: the folder of the temporary one; it must be the same for every worker.
        name: what the temporary folder's name ends with.
    """

    jobs: Jobs
    below: Path
    name: str

    def is_worth_it(self, tables: Sequence[Table]) -> bool:
        """Whether there are several files; and, where processes have to be started, enough in them."""
        if self.jobs == 1 or len({table.path for table in tables}) == 1:
            return False
        if not isinstance(self.jobs, int):
            return True
        return self.jobs > _KEPT_BUSY and sum(table.size for table in tables) >= WORTH_PROCESSES


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One table, as it is sent to another process.

    Attributes:
        path: its file, absolute.
        tree: which of the file's tables it is.
        index: its number among all tables.
        data: how files are read.
        roles: which of its columns are what.
        tolerance: of groups of consecutive rows.
        parameter: of the signal.
        folder: where its rows go.
    """

    path: Path
    tree: str | None
    index: int
    data: DataConfig
    roles: Roles
    tolerance: float
    parameter: Parameter | None
    folder: Path


def shared_chunks(
    tables: Sequence[Table],
    roles: Sequence[Roles],
    data: DataConfig,
    *,
    tolerance: float,
    parameter: Parameter | None,
    share: Share,
    progress: Progress,
) -> Generator[Chunk, None, None]:
    """The rows of these tables, in their order, read by several workers.

    What is on disk before it is taken is a few tables for each worker; memory stays that of a chunk.

    Args:
        tables: the opened files, each with its roles.
        roles: which of their columns are what.
        data: how files are read.
        tolerance: of groups of consecutive rows.
        parameter: of the signal.
        share: who does it, and where.
        progress: shows how much is read.

    Raises:
        DataError: for the first row, in the order of the tables, that can't be read.
        WorkerLost: naming the file whose workers died.
    """
    folder = Path(mkdtemp(prefix=".part-", suffix=f".{share.name}", dir=share.below)).absolute()
    try:
        pieces = [
            _Piece(
                path=table.path.absolute(),
                tree=table.tree,
                index=index,
                data=data,
                roles=role,
                tolerance=tolerance,
                parameter=parameter,
                folder=folder / str(index),
            )
            for index, (table, role) in enumerate(zip(tables, roles, strict=True))
        ]
        yield from _joined(pieces, tables, share.jobs, progress)
    finally:
        discard(folder)  # in one step: after a mistake other workers may still be writing into it


def _joined(
    pieces: Sequence[_Piece], tables: Sequence[Table], jobs: Jobs, progress: Progress
) -> Generator[Chunk, None, None]:
    said = f"reading {len({table.path for table in tables})} files, {workers_of(jobs)} at a time"
    with (
        progress.task(said, sum(table.size for table in tables)) as advance,
        closing(in_order(_read, pieces, jobs)) as done,
    ):
        for table, piece in zip(tables, pieces, strict=True):
            try:
                next(done)
            except WorkerLost as error:
                raise WorkerLost(f"{table.where}: {error}") from None
            except DataError as error:
                raise DataError(str(error).replace(str(piece.path), str(table.path))) from None
            yield from _rows_of(piece)
            shutil.rmtree(piece.folder, ignore_errors=True)
            advance(table.size, table.path.name)


def _read(piece: _Piece) -> None:
    """Carried out in a process of its own."""
    table = next(table for table in open_tables(piece.path, piece.data) if table.tree == piece.tree)
    if not piece.folder.parent.is_dir():
        raise DataError(
            f"{piece.folder.parent}: is not there for this worker; set HEPSIEVE_CACHE to a folder that all share"
        )
    shutil.rmtree(piece.folder, ignore_errors=True)  # the half of a table whose worker died
    piece.folder.mkdir()
    roles = piece.roles
    chunks = table_chunks(table, roles, index=piece.index, tolerance=piece.tolerance, parameter=piece.parameter)
    try:
        with growing_arrays(
            piece.folder, (len(roles.features),), grouped=roles.grouped, spectators=len(roles.spectators)
        ) as append:
            for chunk in chunks:
                append(chunk.arrays())
    except OSError as error:
        raise HepsieveError(f"{piece.folder}: can't be written ({error.strerror or error})") from None


def _rows_of(piece: _Piece) -> Iterator[Chunk]:
    """What a worker wrote of one table."""

    def opened(name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(piece.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    features, target, weight = (opened(name) for name in ("features", "target", "weight"))
    group = opened("group") if piece.roles.grouped else None
    spectators = opened("spectators") if piece.roles.spectators else None
    for start in range(0, len(target), BATCH_ROWS):
        rows = slice(start, start + BATCH_ROWS)
        yield Chunk(
            table=piece.index,
            features=features[rows],
            target=target[rows],
            weight=weight[rows],
            group=None if group is None else group[rows],
            spectators=None if spectators is None else spectators[rows],
        )
