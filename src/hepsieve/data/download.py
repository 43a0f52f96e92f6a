"""The public files of a data set brought into a folder, from the network or from another folder."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from hepsieve.data.catalog import Dataset, PublicFile
from hepsieve.errors import DataError
from hepsieve.manifest import new_file, sha256
from hepsieve.progress import Advance, Progress, Silent

_SILENT = Silent()
_BLOCK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte


def fetched(dataset: Dataset, folder: Path) -> tuple[Path, ...] | None:
    """The public files in this folder if all are there with the published sizes, else None."""
    if not all(_there(file, folder) for file in dataset.files):
        return None
    return tuple(folder / file.name for file in dataset.files)


def fetch(
    dataset: Dataset, folder: Path, *, source: str | None = None, progress: Progress = _SILENT
) -> tuple[Path, ...]:
    """Bring the public files into a folder, unless they are there, and check size and sha256 as far as published.

    Args:
        dataset: the entry of the catalog.
        folder: where the files go; made if need be.
        source: an address (http or https), a folder that holds the files, or a single file itself; None takes the
            published addresses. Of several files each is looked for below the address.
        progress: shows how many bytes are done.

    Returns:
        The paths of the files.

    Raises:
        DataError: if there is no such file at the source, or it isn't the published one.
        HepsieveError: if the file can't be written.
    """
    several = len(dataset.files) > 1
    for file in dataset.files:
        if _there(file, folder):
            continue
        place = source if source is not None else file.url
        if urlsplit(place).scheme in ("http", "https"):
            address = f"{place.rstrip('/')}/{file.name}" if several and source is not None else place
            with new_file(folder / file.name) as temporary:
                _download(address, temporary, file, progress)
                _check(temporary, file, address)
        else:
            found = _local(Path(place), file)
            _check(found, file, str(found))
            with new_file(folder / file.name) as temporary:
                _copy_local(found, temporary, progress)
    return tuple(folder / file.name for file in dataset.files)


def _there(file: PublicFile, folder: Path) -> bool:
    path = folder / file.name
    return path.is_file() and file.size in (None, path.stat().st_size)


def _local(place: Path, file: PublicFile) -> Path:
    found = place / file.name if place.is_dir() else place
    if not found.is_file():
        raise DataError(f"{found}: no such file; name the folder that holds {file.name}, or an http(s) address")
    return found.resolve()


def _copy_local(found: Path, temporary: Path, progress: Progress) -> None:
    try:
        os.link(found, temporary)
    except OSError:  # another disk, or a file system without hard links
        with progress.task(f"copying {found.name}", found.stat().st_size) as advance, found.open("rb") as stream:
            _copy(stream, temporary, advance)


def _download(url: str, temporary: Path, file: PublicFile, progress: Progress) -> None:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "hepsieve"})
        with closing(urllib.request.urlopen(request, timeout=_TIMEOUT)) as answer:
            announced = answer.headers.get("Content-Length")
            size = int(announced) if announced is not None and announced.isdigit() else None
            _require_size(size, file, url)
            if size is not None:
                _require_space(temporary, size)
            with progress.task(f"fetching {file.name}", size if size is not None else file.size) as advance:
                received = _copy(answer, temporary, advance)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{url}: the server answers {error.code} {error.reason}; check the address") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"{url}: the connection failed ({reason}); try again, or give --from") from None
    if size is not None and received != size:
        raise DataError(f"{url}: the connection was cut after {received:,} of {size:,} bytes; try again")


def _copy(stream: IO[bytes], temporary: Path, advance: Advance) -> int:
    done = 0
    with temporary.open("wb") as out:
        while block := stream.read(_BLOCK):
            out.write(block)
            done += len(block)
            advance(len(block))
    return done


def _check(found: Path, file: PublicFile, where: str) -> None:
    _require_size(found.stat().st_size, file, where)
    if file.sha256 is not None and sha256(found) != file.sha256:
        raise DataError(f"{where}: not the published {file.name} (sha256 differs); fetch it from {file.url}")


def _require_size(size: int | None, file: PublicFile, where: str) -> None:
    if size is not None and file.size is not None and size != file.size:
        raise DataError(
            f"{where}: {size:,} bytes, but the published {file.name} has {file.size:,}; a cut or other file"
        )


def _require_space(temporary: Path, size: int) -> None:
    free = shutil.disk_usage(temporary.parent).free
    if free < size:
        raise DataError(f"{temporary.parent}: {free:,} bytes free, but the file has {size:,}; choose another folder")
