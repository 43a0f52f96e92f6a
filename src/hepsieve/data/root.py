"""ROOT files: the flat branches of one or several trees, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import uproot

from hepsieve.config import DataConfig
from hepsieve.data.catalog import dataset
from hepsieve.data.columns import shorten
from hepsieve.data.stamp import KEY, Stamp, read_stamp
from hepsieve.data.table import BATCH_ROWS, Named, Table
from hepsieve.errors import DataError
from hepsieve.progress import Advance

_TREES = ("TTree", "TNtuple", "TNtupleD")


def open_root(path: Path, data: DataConfig) -> tuple[Table, ...]:
    """One table per tree: those of ``data.trees`` that the file has, else its only one, else the catalog's.

    Raises:
        DataError: if this is no ROOT file, it is damaged, or it is not clear which trees are meant.
    """
    with _explained(path), uproot.open(path) as file:
        classes: dict[str, str] = file.classnames(recursive=True, cycle=False)
        text = str(file[KEY]) if classes.get(KEY) == "TObjString" else None
        stamp = None if text is None else read_stamp(text, path)
        labels = _choose([name for name, kind in classes.items() if kind in _TREES], classes, data, path)
        share = path.stat().st_size // len(labels)
        return tuple(_table(path, file[name], name, label, share, stamp) for name, label in labels.items())


def _choose(found: Sequence[str], classes: Mapping[str, str], data: DataConfig, path: Path) -> Mapping[str, int | None]:
    """The trees to read, and the class of each where the tree says it."""
    if not found:
        if any("RNTuple" in kind for kind in classes.values()):
            raise DataError(f"{path}: holds RNTuples, which hepsieve does not read; write a TTree (uproot: mktree)")
        raise DataError(f"{path}: holds no tree; it has {shorten(f'{n} ({kind})' for n, kind in classes.items())}")
    if data.trees:
        chosen = {name: label for name, label in data.trees.items() if name in found}
        if not chosen:
            raise DataError(f"{path}: no tree {shorten(data.trees)}; the file has {shorten(found)} (data.trees)")
        return chosen
    known = dataset(data.catalog).trees if data.catalog is not None else {}
    if len(found) == 1:
        return {found[0]: known.get(found[0])}
    if known and set(known) <= set(found):
        return known
    example = ", ".join(f"{name}: {1 - k}" for k, name in enumerate(found[:2]))
    raise DataError(f"{path}: several trees, {shorten(found)}; say which in data.trees, as in {{{example}}}")


def _table(path: Path, tree: Any, name: str, label: int | None, size: int, stamp: Stamp | None) -> Table:
    reasons = {key: _why_not(branch) for key, branch in tree.iteritems(recursive=True) if not branch.branches}
    numeric = tuple(key for key, reason in reasons.items() if reason is None)
    rows = int(tree.num_entries)
    if rows == 0:
        raise DataError(f"{path}:{name}: the tree has no rows")
    return Table(
        path=path,
        names=tuple(reasons),
        numeric=numeric,
        refused={key: reason for key, reason in reasons.items() if reason is not None},
        size=size,
        rows=rows,
        tree=name,
        label=label,
        batches=partial(_batches, path, name, size / rows),
        named=Named() if stamp is None else stamp.named,
        origin=None if stamp is None else stamp.origin,
        units={} if stamp is None else stamp.units,
    )


def _batches(
    path: Path,
    tree: str,
    row_size: float,
    numbers: Sequence[str],
    *,
    also: Sequence[str] = (),
    advance: Advance | None = None,
) -> Iterator[pa.RecordBatch]:
    columns = [*numbers, *(name for name in also if name not in numbers)]
    wanted = set(columns)
    done = 0
    with _explained(f"{path}:{tree}"), uproot.open(path) as file:
        branches = {key: branch for key, branch in file[tree].iteritems(recursive=True) if key in wanted}
        jagged = [name for name in columns if _why_not(branches[name]) is not None]
        if jagged:
            raise DataError(f"{path}:{tree}: {shorten(jagged)}: jagged or no numbers; leave such columns out")
        rows = int(file[tree].num_entries)
        for start in range(0, rows, BATCH_ROWS):
            stop = min(start + BATCH_ROWS, rows)
            arrays = [_array(branches[name], start, stop) for name in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=columns)
            done += stop - start
            if advance is not None:
                advance(row_size * (stop - start))


def _array(branch: Any, start: int, stop: int) -> pa.Array:
    values = branch.array(entry_start=start, entry_stop=stop, library="np", array_cache=None)
    if len(values) != stop - start:
        raise DataError(f"branch {branch.name} ends after row {start + len(values)}")
    return pa.array(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")))


def _why_not(branch: Any) -> str | None:
    """Why a branch isn't a flat one of numbers; None if it is."""
    interpretation = branch.interpretation
    if not isinstance(interpretation, uproot.AsDtype):
        jagged = isinstance(interpretation, uproot.AsJagged)
        return f"{'jagged' if jagged else 'an object'}: {branch.typename}"
    kind = interpretation.to_dtype
    return None if kind.shape == () and kind.kind in "biuf" else f"an array: {branch.typename}"


@contextmanager
def _explained(where: Path | str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    # Decoding a damaged file ends in whatever the parser stumbled over: struct, zlib, index and key errors alike.
    except Exception as error:
        what = shorten([str(error).split("\n")[0] or type(error).__name__])
        raise DataError(f"{where}: no ROOT file, or one cut short or damaged ({what}); fetch it again") from None
