"""A file that is on its way: what came of it, which version that is, and a lock that keeps others away from both."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from hepsieve.data.http import Version
from hepsieve.errors import DataError, HepsieveError
from hepsieve.manifest import new_file

_BLOCK = 1 << 20


class Partial:
    """The bytes of a file that have come so far, under a hidden name beside its own.

    Attributes:
        final: where the file will stand.
        size: how many there are.
        version: which version of the file they are from; None if nobody knows.
    """

    def __init__(self, final: Path, stream: BinaryIO) -> None:
        """Take up what an earlier call left in ``stream``."""
        self.final, self._stream = final, stream
        self.size = os.fstat(stream.fileno()).st_size
        self.version = _read_version(_notes(final))
        self._digest = hashlib.sha256()

    def read_again(self) -> Iterator[int]:
        """Take the bytes that are there into the checksum; gives how many of them are done."""
        self._digest = hashlib.sha256()
        self._stream.seek(0)
        done = 0
        while block := self._stream.read(_BLOCK):
            self._digest.update(block)
            done += len(block)
            yield done

    def restart(self, version: Version | None) -> None:
        """Drop everything; what comes next is from this version."""
        # In this order, so that whenever it is killed no bytes stand beside another version's notes.
        self._stream.truncate(0)
        self.size, self.version, self._digest = 0, version, hashlib.sha256()
        if version is None:
            _notes(self.final).unlink(missing_ok=True)
            return
        with new_file(_notes(self.final)) as temporary:
            temporary.write_text(version.model_dump_json() + "\n", encoding="utf-8")

    def append(self, block: bytes) -> None:
        """Add the next bytes."""
        self._stream.write(block)
        self._digest.update(block)
        self.size += len(block)

    def sha256(self) -> str:
        """The checksum of all bytes, as hexadecimal digits."""
        return self._digest.hexdigest()

    def publish(self) -> None:
        """Put the file at its final path, whole and on disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        with new_file(self.final) as temporary:
            _hidden(self.final).replace(temporary)
        _notes(self.final).unlink(missing_ok=True)


@contextmanager
def open_partial(final: Path) -> Iterator[Partial]:
    """What came so far of the file that will stand at ``final``; it stays when the block ends, unless it is empty.

    Raises:
        DataError: if another process is fetching the same file.
        HepsieveError: if nothing can be written there.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with closing(_locked(final)) as stream:
            try:
                yield Partial(final, stream)
            finally:
                with suppress(OSError):  # a full disk, which the error that led here tells
                    stream.flush()
                if os.fstat(stream.fileno()).st_size == 0 and _stands_at(stream, _hidden(final)):
                    _notes(final).unlink(missing_ok=True)
                    _hidden(final).unlink()
    except OSError as error:
        what = error.strerror or str(error)
        raise HepsieveError(
            f"{final}: can't be written ({what}); mend that, or choose another folder with HEPSIEVE_CACHE"
        ) from error


def _locked(final: Path) -> BinaryIO:
    """The hidden file, open to read and append, for this process alone; the lock vanishes with the process."""
    while True:
        stream = _hidden(final).open("a+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            raise DataError(f"{final}: another process is fetching it; wait for that one, or end it") from None
        # Another process may have finished between the opening and the lock; its file has another name by now.
        if _stands_at(stream, _hidden(final)):
            return stream
        stream.close()


def _stands_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _hidden(final: Path) -> Path:
    return final.with_name(f".part-fetch.{final.name}")


def _notes(final: Path) -> Path:
    return final.with_name(f".part-fetch.{final.name}.json")


def _read_version(path: Path) -> Version | None:
    try:
        return Version.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
