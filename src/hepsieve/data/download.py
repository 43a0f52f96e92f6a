"""The public files of a data set brought into a folder, from the network or from another folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hepsieve.data.http import HEAD
from hepsieve.data.public import PublicData, PublicFile
from hepsieve.data.published import require_kind, require_sha256, require_size
from hepsieve.data.receive import receive, require_space
from hepsieve.errors import DataError
from hepsieve.manifest import new_file, sha256
from hepsieve.progress import Progress, Silent

PAUSES = (1.0, 3.0, 9.0)  # seconds before each further try at a connection that broke

_SILENT = Silent()
_BLOCK = 1 << 20


def fetched(data: PublicData, folder: Path) -> tuple[Path, ...] | None:
    """The files that a run reads, if all of them are in this folder with the published sizes, else None."""
    if not data.run_files or not all(_there(file, folder / file.name) for file in data.run_files):
        return None
    return tuple(folder / file.name for file in data.run_files)


def fetch(
    data: PublicData,
    folder: Path,
    *,
    source: str | None = None,
    progress: Progress = _SILENT,
    pauses: Sequence[float] = PAUSES,
) -> tuple[Path, ...]:
    """Bring the public files into a folder, unless they are there, and check size and sha256 as far as published.

    What came of a file before its connection broke, or before this process ended, stays beside its place under a
    hidden name; the same call, or a later one, goes on from there.

    Args:
        data: what is published, and where.
        folder: where the files go; made if need be.
        source: an address (http or https), a folder that holds the files, or a single file itself; None takes the
            published addresses. Of several files each is looked for below the address.
        progress: shows how many bytes are done.
        pauses: seconds before each further try, counted anew when a try brought more than a megabyte.

    Returns:
        The paths of the files.

    Raises:
        DataError: if there is no such file at the source, or it isn't the published one, or nothing is published.
        HepsieveError: if the file can't be written.
    """
    if data.unavailable:
        raise DataError(f"{data.name}: {data.unavailable}")
    missing = [file for file in data.files if not _intact(file, folder / file.name, progress)]
    for file in missing:
        final = folder / file.name
        if source is None:
            receive(file.url, final, file, progress=progress, pauses=pauses)
        elif _is_address(source):
            receive(_address(source, file, data), final, file, progress=progress, pauses=pauses)
        else:
            found = _local(Path(source), file, missing)
            _check(found, file, progress)
            with new_file(final) as temporary:
                _link_or_copy(found, temporary, progress)
    return tuple(folder / file.name for file in data.files)


def _there(file: PublicFile, path: Path) -> bool:
    return path.is_file() and file.size in (None, path.stat().st_size)


def _intact(file: PublicFile, path: Path, progress: Progress) -> bool:
    return _there(file, path) and file.sha256 in (None, _sha256(path, progress))


def _is_address(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def _address(source: str, file: PublicFile, data: PublicData) -> str:
    """The file's own address: below ``source`` if that is a folder's, or beside the one that it names."""
    folder, _, last = source.rpartition("/")
    if len(data.files) == 1 and last:
        return source
    return f"{folder}/{file.name}" if last in ("", *(other.name for other in data.files)) else f"{source}/{file.name}"


def _local(place: Path, file: PublicFile, missing: Sequence[PublicFile]) -> Path:
    place = place.expanduser()
    if place.is_dir():
        found = next((place / name for name in (file.name, *file.known_as) if (place / name).is_file()), None)
        if found is None:
            raise DataError(
                f"{place / file.name}: no such file; name the folder that holds {file.name}, or an http(s) address"
            )
        return found.resolve()
    if not place.is_file():
        raise DataError(f"{place}: no such file; name the folder that holds {file.name}, or an http(s) address")
    if len(missing) > 1:
        names = ", ".join(other.name for other in missing)
        raise DataError(f"{place}: one file, where {len(missing)} are wanted; name the folder that holds {names}")
    return place.resolve()


def _link_or_copy(found: Path, temporary: Path, progress: Progress) -> None:
    try:
        os.link(found, temporary)
    except OSError:  # another disk, or a file system without hard links
        size = found.stat().st_size
        require_space(temporary.parent, size)
        bar = progress.task(f"copying {found.name}", size)
        with bar as advance, found.open("rb") as stream, temporary.open("wb") as out:
            while block := stream.read(_BLOCK):
                out.write(block)
                advance(len(block))


def _check(found: Path, file: PublicFile, progress: Progress) -> None:
    where = str(found)
    require_size(found.stat().st_size, file, where)
    with found.open("rb") as stream:
        require_kind(stream.read(HEAD), file, where)
    require_sha256(_sha256(found, progress) if file.sha256 is not None else None, file, where)


def _sha256(path: Path, progress: Progress) -> str:
    with progress.task(f"checking {path.name}"):
        return sha256(path)
