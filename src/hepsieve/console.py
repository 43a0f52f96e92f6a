"""What a person sees on the terminal: progress bars, tables, and one line for a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer import echo

from hepsieve.progress import Advance

if TYPE_CHECKING:
    from hepsieve.answers import Finished

# Of a scan's table, what goes below another column in 80 columns; a pipe, --json and the report have all of it.
SCAN_BELOW = {"model": ("parameters",), "epochs": ("seconds",)}


class Bars:
    """Progress bars on standard error; silent when told so or when nobody is watching."""

    def __init__(self, *, quiet: bool) -> None:
        """Prepare the bars; ``quiet`` shows none."""
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=quiet or not console.is_terminal,
        )

    def __enter__(self) -> Bars:
        """Start to draw."""
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop drawing; the finished bars stay."""
        self._progress.stop()

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """One more bar, full when the block ends."""
        bar = self._progress.add_task(description, total=total, note="")

        def advance(amount: float = 1, note: str = "") -> None:
            self._progress.update(bar, advance=amount, note=note)

        yield advance
        done = self._progress.tasks[bar].completed
        self._progress.update(bar, total=total if total is not None else max(done, 1), completed=total or max(done, 1))


def show_table(
    rows: Sequence[Mapping[str, str]],
    *,
    title: str = "",
    note: str = "",
    only: Sequence[str] = (),
    below: Mapping[str, Sequence[str]] | None = None,
    whole: Sequence[str] = (),
) -> None:
    """Print rows with equal keys as a table; to a pipe as tab-separated lines with every column.

    Args:
        rows: the table.
        title: stands above it on a terminal.
        note: stands below it.
        only: the columns for a terminal, if not all; an interval goes below its value there.
        below: columns that go below another one there, by the name of that one.
        whole: columns that are never folded there, such as a name to copy.
    """
    console = Console()
    if not rows:
        echo(note or "nothing to show")
        return
    if not console.is_terminal:
        for line in ("\t".join(rows[0]), *("\t".join(row.values()) for row in rows), *([note] if note else [])):
            echo(line)
        return
    columns = [column for column in rows[0] if column in only] if only else list(rows[0])
    table = Table(title=escape(title) or None)
    stacks = [(column, *(below or {}).get(column, ())) for column in columns]
    for stack in stacks:
        table.add_column(escape("\n".join(stack)), overflow="fold", no_wrap=stack[0] in whole)
    for row in rows:
        cells = ("\n".join(_stacked(row[column]) if only else row[column] for column in stack) for stack in stacks)
        table.add_row(*map(escape, cells))
    console.print(table)
    if note:
        echo(note)


def _stacked(text: str) -> str:
    """A value above its interval: ``0.79 (0.77–0.80)`` in two lines."""
    value, interval, rest = text.partition(" (")
    return f"{value}\n{rest.removesuffix(')')}" if interval and rest.endswith(")") else text


def show(text: str) -> None:
    """Print text as it is."""
    echo(text)


def complain(text: str) -> None:
    """Print one line about a mistake on standard error."""
    echo(f"hepsieve: {text}", err=True)


def show_results(finished: Finished) -> None:
    """Print what a run came to: its models or its leaderboard with a note, and the table of slices if there is one."""
    shown = finished.shown()
    if (board := finished.leaderboard) is not None:
        show_table(board.rows(), note=finished.summary(), only=board.shown(), whole=board.shown()[1:])
    elif finished.many:
        show_table(finished.table(), note=finished.summary(), only=shown, below=SCAN_BELOW, whole=shown[:-1])
    else:
        show_table(finished.table(), note=finished.summary(), only=shown)
    if slices := finished.slices():
        only, below = finished.slices_shown(), finished.slices_below()
        show_table(slices, note=finished.slices_note(), only=only, below=below, whole=only[2:])
