"""Comma-separated text, plain or gzip, read as a stream with no tolerance for broken rows."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
from isal import igzip, isal_zlib

from hepsieve.config import DataConfig
from hepsieve.data.columns import positional_names, refuse_twice, shorten
from hepsieve.data.table import Table
from hepsieve.errors import DataError
from hepsieve.processes import cores
from hepsieve.progress import Advance

_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_LOOK = 20  # lines from which to tell columns of numbers from columns of text
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+\s*")
_BLANK = re.compile(rb"\A\r?\n|\n\r?\n|\r[^\n]")
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_SEPARATORS = {";": "semicolons", "\t": "tabs", " ": "blanks"}
_DECIMAL_COMMA = "a decimal comma? write 1.5, not 1,5"


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The beginning of a file: the cells of its first rows, and the number of blank lines before them."""

    rows: list[list[str]]
    blank: int


def open_csv(path: Path, data: DataConfig) -> Table:
    """The table in a comma-separated file.

    Column names come from the first line where that is a header (blanks around them and a leading ``#`` are
    dropped), else from `positional_names`. A header is a line without any number; ``data.header`` overrules.

    Raises:
        DataError: if the file is empty, is no text, has a header only, or leaves open whether it has one.
    """
    _check_compression(path)
    with _explained(path, (), 0):
        head = _head(path)
    first, *rows = head.rows
    skip = head.blank
    if _has_header(first, data, path):
        if not rows:
            raise DataError(f"{path}: a header and no rows")
        names = tuple(_name(cell, k) for k, cell in enumerate(first))
        skip += 1
    else:
        names = positional_names(len(first), data, path=path)
        rows.append(first)
    refuse_twice(names, path)
    if len(names) == 1 and (separator := next((word for s, word in _SEPARATORS.items() if s in first[0]), None)):
        raise DataError(f"{path}: one column, {names[0][:60]!r}; separated by {separator}? hepsieve reads commas")
    return Table(
        path=path,
        names=names,
        numeric=_numeric(names, rows, data),
        size=path.stat().st_size,
        batches=partial(_batches, path, names, skip, data.missing),
        row_number=lambda index: _line(path, skip, index),
    )


def _batches(
    path: Path,
    names: tuple[str, ...],
    skip: int,
    missing: Sequence[str],
    numbers: Sequence[str],
    *,
    also: Sequence[str] = (),
    advance: Advance | None = None,
) -> Iterator[pa.RecordBatch]:
    further = [name for name in also if name not in numbers]
    types = {name: pa.float64() for name in numbers} | {name: pa.string() for name in further}
    converting = pyarrow.csv.ConvertOptions(
        column_types=types,
        include_columns=[*numbers, *further],
        null_values=[spelling for word in missing for spelling in (word, f" {word}")],  # a blank may follow the comma
        strings_can_be_null=False,
    )

    def read(*, threads: bool) -> Iterator[pa.RecordBatch]:
        reading = pyarrow.csv.ReadOptions(
            column_names=names, skip_rows=skip, block_size=_BLOCK, use_threads=threads and cores() > 1
        )
        done = 0
        with _opened(path) as (file, text):
            for batch in pyarrow.csv.open_csv(
                pa.PythonFile(text, mode="r"), read_options=reading, convert_options=converting
            ):
                yield batch
                if advance is not None and threads:
                    advance(file.tell() - done)
                    done = file.tell()

    with _explained(path, names, skip):
        try:
            yield from read(threads=True)
        except pa.ArrowInvalid:
            # Several threads don't count the rows: a single one finds out which it is.
            for _ in read(threads=False):
                pass
            raise


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file, whose position tells how much of it was read, and its text."""
    with path.open("rb") as file:
        if path.suffix == ".gz":
            with igzip.open(file, "rb") as text:
                yield file, text
        else:
            yield file, file


def _check_compression(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(2)
    if path.suffix == ".gz" and start != _GZIP:
        raise DataError(f"{path}: not gzip-compressed, in spite of its name; rename it to {path.with_suffix('').name}")
    if path.suffix != ".gz" and start == _GZIP:
        raise DataError(f"{path}: gzip-compressed; rename it to {path.name}.gz")


def _head(path: Path) -> _Head:
    lines: list[tuple[int, str]] = []
    with _opened(path) as (_, stream):
        text = b""
        while len(lines) <= _LOOK and len(text) <= 2 * _LONGEST_LINE and (block := stream.read(1 << 16)):
            text += block
            lines = [(k, line) for k, line in enumerate(_LINE_END.split(_decode(text, path))) if line.strip()]
    if not lines:
        raise DataError(f"{path}: the file is empty")
    if len(lines[0][1]) > _LONGEST_LINE:
        raise DataError(f"{path}: the first line is longer than {_LONGEST_LINE} characters; is this a CSV file?")
    return _Head(rows=[_cells(line) for _, line in lines[:_LOOK]], blank=lines[0][0])


def _cells(line: str) -> list[str]:
    """The cells of one line. Python's csv module has a limit for a field, and only quotes need it."""
    return next(csv.reader([line])) if '"' in line and len(line) < csv.field_size_limit() else line.split(",")


def _decode(text: bytes, path: Path) -> str:
    if b"\0" in text:
        raise DataError(f"{path}: holds zero bytes, so it is no UTF-8 text; is this a CSV file?")
    return text.decode("utf-8-sig", errors="replace")


def _has_header(cells: list[str], data: DataConfig, path: Path) -> bool:
    if data.header is not None:
        return data.header
    numbers = [_is_number(cell, data) for cell in cells if cell.strip()]
    if all(numbers):
        if len(cells) > 1 and [cell.strip() for cell in cells] == [str(k) for k in range(len(cells))]:
            raise DataError(f"{path}: row 1 counts 0, 1, 2, …: names or data? set data.header to true or false")
        return False
    if any(numbers):
        odd = next(k for k, cell in enumerate(cells) if not _is_number(cell, data))
        raise DataError(
            f"{path}: row 1, column {odd + 1}: {cells[odd].strip()[:60]!r} is not a number, but other cells are; "
            "mend it, or set data.header to true if these are column names"
        )
    return True


def _numeric(names: tuple[str, ...], rows: list[list[str]], data: DataConfig) -> tuple[str, ...]:
    """The columns with a number in any of these rows: text in one of them is a mistake, text in all a text column.

    A column without a name is the row index that some programs add: no feature unless it is asked for.
    """
    return tuple(
        name
        for k, name in enumerate(names)
        if name != f"unnamed{k}" and any(_looks_numeric(row[k], data) for row in rows if k < len(row))
    )


def _looks_numeric(cell: str, data: DataConfig) -> bool:
    """Whether a cell says that its column holds numbers; an empty one says nothing."""
    return cell.strip() != "" and (_is_number(cell, data) or _COMMA_NUMBER.fullmatch(cell) is not None)


def _is_number(cell: str, data: DataConfig) -> bool:
    return cell.strip() == "" or cell in data.missing or _NUMBER.fullmatch(cell.strip()) is not None


def _name(cell: str, position: int) -> str:
    return " ".join(cell.strip().lstrip("#").split()) or f"unnamed{position}"


@contextmanager
def _explained(path: Path, columns: Sequence[str], skip: int) -> Iterator[None]:
    """What pyarrow says about a broken file, as one line with the row to look at."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {_explain(str(error), path, columns, skip)}") from None
    except (OSError, EOFError, isal_zlib.error) as error:
        raise DataError(f"{path}: {_explain_stream(error)}") from None


def _explain(message: str, path: Path, columns: Sequence[str], skip: int) -> str:
    if found := re.search(r"column #(\d+): Row #(\d+): .*?invalid value '(.*)'", message, re.DOTALL):
        column, row, value = columns[int(found[1])], _line(path, skip, int(found[2]) - skip - 1), found[3]
        if not value.strip():
            return f"row {row}, column {column!r}: the cell is empty; mend it, or list '' in data.missing"
        comma = f" ({_DECIMAL_COMMA})" if _COMMA_NUMBER.fullmatch(value) else ""
        return f"row {row}, column {column!r}: {' '.join(value.split())[:60]!r} is not a number{comma}"
    if found := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message):
        row, expected, cells = _line(path, skip, int(found[1]) - skip - 1), int(found[2]), int(found[3])
        hint = f" ({_DECIMAL_COMMA})" if cells > expected else ""
        return f"row {row} has {cells} {'cell' if cells == 1 else 'cells'} instead of {expected}{hint}"
    if "straddl" in message:
        return f"a row is longer than {_BLOCK} bytes; is this a CSV file?"
    if "Could not skip" in message or "Empty CSV" in message:
        return "a header and no rows"
    return shorten([message])


def _explain_stream(error: Exception) -> str:
    match error:
        case EOFError():
            return "the gzip stream ends too early: the file is cut short; fetch it again"
        case gzip.BadGzipFile() if "CRC" in str(error):
            return "wrong CRC at the end of the gzip stream: the file is damaged; fetch it again"
        case gzip.BadGzipFile():
            return f"the gzip stream is damaged ({shorten([str(error)])}); fetch the file again"
        case isal_zlib.error():
            return "the gzip stream is damaged; fetch the file again"
        case OSError():
            return f"can't be read ({error.strerror or shorten([str(error)])})"
        case _:
            return f"can't be read ({shorten([str(error)])})"


def _line(path: Path, skip: int, index: int) -> int:
    """The number, from 1, of the line that holds data row ``index``: blank lines are no rows."""
    with _opened(path) as (_, stream):
        number, left = 0, index + 1
        for _ in range(skip):
            number += bool(stream.readline())
        while text := stream.read(_BLOCK) + stream.readline():
            lines = text.count(b"\n")
            # Counting is fast, but only where every line is a row.
            if lines < left and not _BLANK.search(text):
                number, left = number + lines, left - lines
                continue
            for line in text.splitlines(keepends=True):
                number, left = number + 1, left - bool(line.strip(b"\r\n"))
                if left == 0:
                    return number
    return skip + index + 1
