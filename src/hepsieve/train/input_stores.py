"""The stored inputs of one run: each is written once, kept while any run uses it, and removed with the last."""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hepsieve.data.store import discard
from hepsieve.errors import HepsieveError
from hepsieve.spill import scratch_folder
from hepsieve.train.inputs import Inputs
from hepsieve.train.stored_inputs import StoredInputs, name_of, store_inputs


class InputStores:
    """Stores below one folder, which several runs may share.

    A run holds a lock on what it uses. It ends with the process, however that ends.
    """

    def __init__(self, below: Path) -> None:
        """Begin with none; the folder needs not exist."""
        self._below = below
        self._stored: dict[str, StoredInputs] = {}
        self._locks: dict[str, int] = {}
        weakref.finalize(self, _close, self._locks)

    def of(self, inputs: Inputs) -> StoredInputs:
        """The store of these inputs, written or found; equal inputs share one.

        Raises:
            HepsieveError: if it can't be written.
        """
        name = name_of(inputs)
        if name not in self._stored:
            if name not in self._locks:
                self._locks[name] = _locked(self._lock(name))
            self._stored[name] = store_inputs(inputs, self._below)
        return self._stored[name]

    def forget(self) -> None:
        """Remove what this run used and no other run does: nobody will open it any more."""
        for name, lock in self._locks.items():
            with suppress(OSError, HepsieveError):  # another run uses it, or this disk knows no locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                discard(self._below / name)
                self._lock(name).unlink()
        _close(self._locks)
        self._stored.clear()
        with suppress(OSError):  # not empty, or not there
            self._below.rmdir()

    def _lock(self, name: str) -> Path:
        return self._below / f".{name}.lock"


@contextmanager
def passing_stores() -> Iterator[InputStores]:
    """Stores in a temporary folder, which is removed at the end of the block.

    Raises:
        HepsieveError: if it can't be made.
    """
    place = scratch_folder()
    try:
        folder = TemporaryDirectory(prefix="inputs-", dir=place)
    except OSError as error:
        raise HepsieveError(f"{place}: can't be written ({error.strerror or error})") from error
    with folder as name:
        stores = InputStores(Path(name) / "stores")
        try:
            yield stores
        finally:
            stores.forget()


def _locked(path: Path) -> int:
    """A descriptor of this file that holds a shared lock, until it is closed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            with suppress(OSError):  # on a disk that knows no locks nothing is removed before its time
                fcntl.flock(lock, fcntl.LOCK_SH)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), path.stat()):
                    return lock
            os.close(lock)  # the last run that used it has just removed it
    except OSError as error:
        raise HepsieveError(f"{path.parent}: can't be written ({error.strerror or error})") from error


def _close(locks: dict[str, int]) -> None:
    while locks:
        os.close(locks.popitem()[1])
