"""A published file from its server to its place, in as many pieces as the connection needs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from hepsieve.data.http import Cut, NoAnswer, NoSuchPart, Version, ask
from hepsieve.data.partial import Partial, open_partial
from hepsieve.data.public import PublicFile
from hepsieve.data.published import require_kind, require_sha256, require_size
from hepsieve.errors import DataError
from hepsieve.progress import Advance, Progress

_ENOUGH = 1 << 20  # bytes that make a try a success, even if the connection broke after them


def receive(url: str, final: Path, file: PublicFile, *, progress: Progress, pauses: Sequence[float]) -> None:
    """Download a file, going on with what an earlier call left of it, and publish it when it is the published one.

    Args:
        url: the address.
        final: where the file goes.
        file: its published size and sha256.
        progress: shows how many bytes are done.
        pauses: seconds before each further try at a connection that broke.

    Raises:
        DataError: if the server doesn't give the file, or it isn't the published one.
        HepsieveError: if it can't be written.
    """
    with open_partial(final) as partial, ExitStack() as stack:
        bar = _Bar(file.name, progress, stack)
        resumed = _take_up(partial, url, file, bar)
        _complete(partial, url, file, bar, pauses)
        if resumed and file.sha256 not in (None, partial.sha256()):
            # What an earlier call left may be of another version, or damaged; now everything comes from one server.
            partial.restart(None)
            _complete(partial, url, file, bar, pauses)
        try:
            require_size(partial.size, file, url)
            require_sha256(partial.sha256(), file, url)
        except DataError:
            partial.restart(None)
            raise
        partial.publish()


def require_space(folder: Path, size: int) -> None:
    """Pass if that many bytes fit into a folder.

    Raises:
        DataError: if they don't.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"{folder}: {free:,} bytes free, but {size:,} are needed; make room, or choose another folder with "
            "HEPSIEVE_CACHE"
        )


class _Bar:
    """One progress bar for a file, however many connections it takes."""

    def __init__(self, name: str, progress: Progress, stack: ExitStack) -> None:
        self._name, self._progress, self._stack = name, progress, stack
        self._advance: Advance | None = None
        self._shown = 0

    def show(self, done: int, total: int | None) -> None:
        if self._advance is None:
            self._advance = self._stack.enter_context(self._progress.task(f"fetching {self._name}", total))
        of = "" if total is None else f" of {total / 1e6:,.1f}"
        # Before the bar moves: whoever watches it may end this process by an exception.
        step, self._shown = done - self._shown, done
        self._advance(step, f"{done / 1e6:,.1f}{of} MB")


def _take_up(partial: Partial, url: str, file: PublicFile, bar: _Bar) -> bool:
    """Go on with what an earlier call left, if it can be told to be of the same file; else drop it."""
    if partial.size == 0 or not _may_go_on(partial, url, file):
        partial.restart(None)
        return False
    for done in partial.read_again():
        bar.show(done, _total(partial, file))
    return True


def _may_go_on(partial: Partial, url: str, file: PublicFile) -> bool:
    """Whether the rest of the file can follow: the server names its version, or a checksum will end all doubt."""
    total, version = _total(partial, file), partial.version
    if total is not None and partial.size > total:
        return False
    return file.sha256 is not None or (version is not None and version.url == url and version.condition is not None)


def _total(partial: Partial, file: PublicFile) -> int | None:
    if file.size is not None or partial.version is None:
        return file.size
    return partial.version.size


def _complete(partial: Partial, url: str, file: PublicFile, bar: _Bar, pauses: Sequence[float]) -> None:
    """Receive all that is missing, with a pause before each further try."""
    before = farthest = partial.size
    failures = 0
    while (total := _total(partial, file)) is None or partial.size < total:
        try:
            if not _may_go_on(partial, url, file):
                partial.restart(None)
            _receive_rest(partial, url, file, bar)
            return
        except NoSuchPart:
            if partial.size == 0:  # the whole file was asked for
                raise
            partial.restart(None)
        except (Cut, NoAnswer) as error:
            if partial.size >= farthest + _ENOUGH:
                farthest, failures = partial.size, 0
            # Where no connection was made at all, waiting for one is the user's choice.
            offline = isinstance(error, NoAnswer) and partial.size == before
            if offline or failures == len(pauses):
                raise
            time.sleep(pauses[failures])
            failures += 1


def _receive_rest(partial: Partial, url: str, file: PublicFile, bar: _Bar) -> None:
    """Receive what one connection gives."""
    version = partial.version
    condition = version.condition if version is not None and version.url == url else None
    with ask(url, offset=partial.size, condition=condition) as answer:
        require_size(answer.version.size, file, url)
        head = next(answer.blocks, b"")
        if answer.offset == 0:
            # Only now: a notice or another file is no reason to drop what is there.
            require_kind(head, file, url, is_page=answer.is_page)
            partial.restart(answer.version)
        elif version is not None and _is_other(answer.version, version):
            raise NoSuchPart(f"{url}: the file has changed since its first part came; try again")
        total = _total(partial, file)
        if total is not None:
            require_space(partial.final.parent, total - partial.size)
        _append(partial, head, bar, total)
        for block in answer.blocks:
            _append(partial, block, bar, total)
            if total is not None and partial.size > total:
                break  # too long, and perhaps endless; the wrong size will be told
    if total is not None and partial.size < total:
        done = f"{partial.size:,} of {total:,} bytes"
        raise Cut(f"{url}: the connection was cut after {done}; the same command goes on from there")


def _is_other(now: Version, before: Version) -> bool:
    """Whether a server names another version than before; where one of them says nothing, they agree."""
    told: list[tuple[object, object]] = [(now.size, before.size)]
    if now.url == before.url:
        told += [(now.etag, before.etag), (now.modified, before.modified)]
    return any(None not in pair and pair[0] != pair[1] for pair in told)


def _append(partial: Partial, block: bytes, bar: _Bar, total: int | None) -> None:
    partial.append(block)
    bar.show(partial.size, total)
