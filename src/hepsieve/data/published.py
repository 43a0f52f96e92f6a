"""What is there, or what a server says of it, held against what was published."""

from __future__ import annotations

from hepsieve.data.public import PublicFile
from hepsieve.errors import DataError

_BEGINNINGS = {".gz": b"\x1f\x8b", ".hdf5": b"\x89HDF\r\n\x1a\n"}
_PAGES = (b"<!doctype", b"<html", b"<head")


def require_size(size: int | None, file: PublicFile, where: str) -> None:
    """Pass if the size is the published one, as far as both are known.

    Raises:
        DataError: if it isn't; ``where`` stands before what is wrong.
    """
    if size is not None and file.size is not None and size != file.size:
        raise DataError(
            f"{where}: {size:,} bytes, but the published {file.name} has {file.size:,}; a cut or other file"
        )


def require_kind(head: bytes, file: PublicFile, where: str, *, is_page: bool = False) -> None:
    """Pass if the first bytes are those of such a file, and no web page.

    Args:
        head: the first bytes.
        file: what is wanted.
        where: stands before what is wrong.
        is_page: whether a server calls them a web page.

    Raises:
        DataError: if they are something else.
    """
    begins = next((bytes_ for ending, bytes_ in _BEGINNINGS.items() if file.name.endswith(ending)), b"")
    if begins and head.startswith(begins[: len(head)]):
        return
    text = head.lstrip().lower()
    if text.startswith(_PAGES) or (is_page and text.startswith(b"<")):
        raise DataError(
            f"{where}: a web page instead of {file.name}, such as a login or a notice; "
            "get the file with a browser, then use --from DIR"
        )
    if begins:
        raise DataError(f"{where}: no {file.name}: it begins with {head[: len(begins)]!r}, not {begins!r}")


def require_sha256(digest: str | None, file: PublicFile, where: str) -> None:
    """Pass if the checksum is the published one, as far as both are known.

    Raises:
        DataError: if it isn't; ``where`` stands before what is wrong.
    """
    if digest is not None and file.sha256 not in (None, digest):
        raise DataError(f"{where}: not the published {file.name} (sha256 differs); fetch it from {file.url}")
