"""Publish files and folders only when they are whole, and verify them before anything is loaded."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from hepsieve.errors import HepsieveError, IntegrityError

FORMAT = 1
NAME = "manifest.json"
_WRITE_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
)
_REPORTED_PACKAGES = (
    "hepsieve", "numpy", "scipy", "pyarrow", "uproot", "scikit-learn", "torch", "keras", "xgboost-cpu", "xgboost",
    "pythia8mc", "calzone", "xraydb", "nestpy", "optuna", "h5py", "mplhep", "pyhf",
)  # fmt: skip


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; it takes its place, fsynced, when the block ends without an error.

    Raises:
        HepsieveError: if the file can't be written (no such folder, no permission, disk full).
    """
    # The name keeps its ending, by which many writers judge the format.
    temporary = path.with_name(f".part-{secrets.token_hex(4)}.{path.name}")
    made: list[Path] = []
    try:
        made = _make_folders(path.parent)
        yield temporary
        _fsync(temporary)
        temporary.replace(path)
        _fsync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):  # the error above says more, and there may be nothing to remove
            temporary.unlink()
        _remove_empty(made)


@contextmanager
def new_folder(path: Path, facts: Mapping[str, Any] | None = None) -> Iterator[Path]:
    """A temporary folder beside ``path``; with a manifest, fsynced and renamed when the block ends without an error.

    Args:
        path: the final folder, which must not exist yet.
        facts: what the manifest records besides files and versions (seeds, data fingerprint).

    Raises:
        HepsieveError: if the folder exists already or can't be written.
    """
    if path.exists():
        raise HepsieveError(f"{path}: exists already; choose another folder or remove it")
    temporary = path.with_name(f".part-{secrets.token_hex(4)}.{path.name}")
    made: list[Path] = []
    try:
        made = _make_folders(path.parent)
        temporary.mkdir()
        yield temporary
        write_manifest(temporary, facts or {})
        for file in temporary.rglob("*"):
            _fsync(file)
        temporary.rename(path)
        _fsync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(made)


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Record sha256 and size of every file below ``folder``, package versions and these facts.

    Logs (``*.log``) are left out: they grow after the folder is finished.
    """
    files = {
        file.relative_to(folder).as_posix(): {"sha256": sha256(file), "size": file.stat().st_size}
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != NAME and file.suffix != ".log"
    }
    _write(folder, {"format": FORMAT, "files": files, "packages": package_versions(), **facts})


def replace_files(folder: Path, contents: Mapping[str, str]) -> None:
    """Exchange text files of a finished folder; killed at any moment, it still verifies.

    The manifest first names the new content beside the old, then the files are exchanged one by one, then the
    manifest forgets the old.
    """
    manifest = json.loads((folder / NAME).read_text(encoding="utf-8"))
    described = {name: _described(text.encode()) for name, text in contents.items()}
    _write(folder, {**manifest, "replacing": described})
    for name, text in contents.items():
        with new_file(folder / name) as temporary:
            temporary.write_bytes(text.encode())
    _write(folder, {**manifest, "files": {**manifest["files"], **described}})


def verify(folder: Path, *, only: str | None = None) -> dict[str, Any]:
    """Check every file against the manifest and return it.

    Args:
        folder: the folder that holds ``manifest.json``.
        only: check just the files whose relative path starts with this.

    Raises:
        IntegrityError: naming the first file that is missing, has another size or another content.
    """
    try:
        content: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        files = dict(content["files"])
        if content["format"] != FORMAT:
            raise IntegrityError(f"{folder}: manifest format {content['format']}; this version reads {FORMAT}")
    except FileNotFoundError:
        raise IntegrityError(f"{folder}: no {NAME}; this is no folder that hepsieve finished") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise IntegrityError(f"{folder / NAME}: damaged; make the folder again") from None
    replacing = content.get("replacing", {})
    for name, expected in files.items():
        if only is not None and not name.startswith(only):
            continue
        file = folder / name
        if not file.is_file():
            raise IntegrityError(f"{file}: missing, but listed in the manifest; make the folder again")
        found = {"sha256": sha256(file), "size": file.stat().st_size}
        if found not in (expected, replacing.get(name)):
            raise IntegrityError(f"{file}: changed since it was written (sha256 differs); make the folder again")
    return content


def sha256(file: Path) -> str:
    """The sha256 of a file's content, as hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, as far as they are installed."""
    versions = {"python": platform.python_version()}
    for name in _REPORTED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _described(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _write(folder: Path, content: Mapping[str, Any]) -> None:
    with new_file(folder / NAME) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _make_folders(folder: Path) -> list[Path]:
    """Create a folder and those above it; the ones that were new, innermost first."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _remove_empty(folders: list[Path]) -> None:
    """Take back folders that were made for something that did not come about."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> HepsieveError | OSError:
    """What a failed write says; any other trouble with a file is no matter of this path and goes on as it is."""
    if error.errno == errno.ENOTEMPTY:
        return HepsieveError(f"{path}: something else was written there meanwhile; choose another name")
    inside = error.filename is not None and str(path.parent) in str(error.filename)
    if error.errno not in _WRITE_ERRORS and not inside:
        return error
    return HepsieveError(f"{path}: can't be written ({error.strerror or error}); nothing was left there")
