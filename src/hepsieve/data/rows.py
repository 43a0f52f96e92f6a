"""A table's rows to chunks of events: numbers made float32, labels mapped to 0 and 1, groups numbered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.types
from numpy.typing import NDArray

from hepsieve.data.chunks import Chunk
from hepsieve.data.consecutive import ConsecutiveGroups
from hepsieve.data.labels import as_classes, group_numbers, neither, wrong_labels
from hepsieve.data.parameter import Parameter
from hepsieve.data.roles import Roles
from hepsieve.data.table import Table
from hepsieve.errors import DataError
from hepsieve.events import FloatArray
from hepsieve.progress import Advance


def table_chunks(
    table: Table,
    roles: Roles,
    *,
    index: int,
    tolerance: float,
    parameter: Parameter | None,
    advance: Advance | None = None,
) -> Iterator[Chunk]:
    """The rows of one table, from the first on.

    Args:
        table: the opened file.
        roles: which of its columns are what.
        index: its number among the tables that are read together.
        tolerance: of groups of consecutive rows.
        parameter: of the signal, whose values are made exact.
        advance: is told how many more bytes of the file are done.

    Raises:
        DataError: naming file, row and column of what can't be read.
    """
    row = 0
    runs = ConsecutiveGroups(tolerance)
    for batch in table.batches(roles.columns, advance=advance):
        chunk = _chunk(batch, roles, table, row, index, runs)
        if parameter is not None:
            parameter.settle(chunk, table, row)
        yield chunk
        row += batch.num_rows


def feature_array(batch: pa.RecordBatch, columns: Sequence[str]) -> FloatArray:
    """These columns as float32, shape (rows, columns): missing is NaN, and what float32 can't hold is infinite."""
    by_column = np.empty((len(columns), batch.num_rows), np.float32)
    # The audit names infinities; numpy's warning would only say that there was one.
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns):
            by_column[k] = _numbers(batch.column(column))
    return np.ascontiguousarray(by_column.T)


def _chunk(batch: pa.RecordBatch, roles: Roles, table: Table, first: int, index: int, runs: ConsecutiveGroups) -> Chunk:
    weight = None if roles.weight is None else feature_array(batch, [roles.weight])[:, 0]
    return Chunk(
        table=index,
        features=feature_array(batch, list(roles.features.values())),
        target=_target(batch, roles, table, first),
        weight=np.ones(batch.num_rows, np.float32) if weight is None else weight,
        group=_group(batch, roles, table, first, runs),
        spectators=_columns(batch, tuple(roles.spectators.values())) if roles.spectators else None,
    )


def _columns(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.float64]:
    return np.stack([np.asarray(_numbers(batch.column(name)), np.float64) for name in columns], axis=1)


def _group(
    batch: pa.RecordBatch, roles: Roles, table: Table, first: int, runs: ConsecutiveGroups
) -> NDArray[np.int64] | None:
    if roles.group is not None:
        return _codes(batch.column(roles.group), roles.group, table, first)
    return runs.groups(_columns(batch, roles.consecutive)) if roles.consecutive else None


def _numbers(column: pa.Array) -> NDArray[Any]:
    """A column as numpy numbers; missing ones become NaN."""
    if not pyarrow.types.is_floating(column.type) or column.null_count:
        column = pyarrow.compute.cast(column, pa.float64(), safe=False)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _target(batch: pa.RecordBatch, roles: Roles, table: Table, first: int) -> NDArray[np.float32]:
    """Shares of a full scale; or labels as 0 and 1, of which NaN stays for the audit to decide about."""
    if roles.label is None:
        return np.full(batch.num_rows, np.nan if roles.label_is is None else roles.label_is, np.float32)
    values = _numbers(batch.column(roles.label))
    if roles.measured is not None:
        return roles.measured.shares(
            values, lambda row: f"{table.where}: row {table.row_number(first + row)}, column {roles.label!r}"
        )
    target = as_classes(values, roles.label_values)
    if len(wrong := wrong_labels(values, target)):
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(wrong[0]))}, column {roles.label!r}: "
            f"{neither(values[wrong[0]], roles.label_values)}; "
            f"{_label_at_the_end(batch, roles, table) or 'see data.label_values'}"
        )
    if roles.label_is is not None and len(wrong := np.flatnonzero(target == 1 - roles.label_is)):
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(wrong[0]))}: column {roles.label!r} says "
            f"{values[wrong[0]]:g}, but the whole {'file' if table.tree is None else 'tree'} should be of class "
            f"{roles.label_is}"
        )
    return target


def _label_at_the_end(batch: pa.RecordBatch, roles: Roles, table: Table) -> str | None:
    """What to do if not the column that was taken for the label looks like one, but the last column of the file."""
    last = table.names[-1]
    if last == roles.label or last not in batch.schema.names:
        return None
    allowed = [value for side in roles.label_values for value in side]
    found = np.unique(_numbers(batch.column(last)))
    if len(found) < 2 or not np.isin(found, allowed).all():
        return None
    return f"if the last column is the label, set data.label to {len(table.names) - 1}"


def _codes(column: pa.Array, name: str, table: Table, first: int) -> NDArray[np.int64]:
    if pyarrow.types.is_integer(column.type) and not column.null_count:
        return group_numbers(np.asarray(column.to_numpy(zero_copy_only=False)))
    values = _numbers(column)
    if len(wrong := np.flatnonzero(~np.isfinite(values))):
        row = table.row_number(first + int(wrong[0]))
        raise DataError(f"{table.where}: row {row}, column {name!r}: group {values[wrong[0]]} is no number")
    return group_numbers(values)
