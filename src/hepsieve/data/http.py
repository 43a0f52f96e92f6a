"""An address and an offset to the bytes of a file from there on, with every way in which a server can fail named."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from hepsieve.errors import DataError

HEAD = 512  # bytes that the first block has at least, unless the file is shorter
_BLOCK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_NOT_FOR_ALL = (401, 402, 403, 451)


class NoAnswer(DataError):
    """No connection could be made."""


class Cut(DataError):
    """The server broke off, or said that it is busy: worth another try."""


class NoSuchPart(DataError):
    """The server has no such part of the file, or gave another one: only the whole file can be had."""


class Version(BaseModel):
    """Which version of which file bytes are from, as the server told.

    Attributes:
        url: the address that was asked.
        etag: the server's name for this version.
        modified: when it was written, in the server's words.
        size: of the whole file in bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    etag: str | None = None
    modified: str | None = None
    size: int | None = None

    @property
    def condition(self) -> str | None:
        """What an If-Range header may hold; a weak name is not good enough for it (section 13.1.5 of RFC 9110)."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.modified


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server sends.

    Attributes:
        offset: where in the file the bytes begin.
        version: which version of the file they are from.
        is_page: whether they are said to be a web page.
        blocks: the bytes, as they come.
    """

    offset: int
    version: Version
    is_page: bool
    blocks: Iterator[bytes]


@contextmanager
def ask(url: str, *, offset: int = 0, condition: str | None = None) -> Iterator[Answer]:
    """Ask for a file from an offset on; it comes from its beginning where the server won't have that.

    Args:
        url: an http or https address.
        offset: how many bytes are there already.
        condition: the version that these are from; of another one the server gives the whole file.

    Raises:
        NoAnswer: if no connection can be made.
        Cut: if the connection breaks, also while blocks are read, or the server is busy.
        NoSuchPart: if it has no such part.
        DataError: for any other answer that is no file; each error names the address.
    """
    headers = {"User-Agent": "hepsieve", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if condition is not None:
            headers["If-Range"] = condition
    with _opened(url, headers) as response:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        # Some servers call what a .gz file is anyway an encoding of it, and send it as it is.
        if encoding != "identity" and not (url.endswith(".gz") and encoding in ("gzip", "x-gzip")):
            raise DataError(f"{url}: the server packs the file ({encoding}), unasked; use --from URL|DIR")
        start, length, size = _extent(response, url, offset)
        told = response.headers
        yield Answer(
            offset=start,
            version=Version(url=url, etag=told.get("ETag"), modified=told.get("Last-Modified"), size=size),
            is_page=told.get_content_type() == "text/html",
            blocks=_blocks(response, url, length),
        )


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere on the web, but from a protected connection only to another one."""

    def redirect_request(
        self,
        request: urllib.request.Request,
        stream: IO[bytes],
        code: int,
        message: str,
        headers: http.client.HTTPMessage,
        url: str,
    ) -> urllib.request.Request | None:
        """The request to the other address.

        Raises:
            DataError: if that is not http or https, or less protected than this one.
        """
        allowed = ("https",) if request.type == "https" else ("https", "http")
        if urlsplit(url).scheme not in allowed:
            stream.close()
            raise DataError(f"{request.full_url}: leads to {url}, which is not {' or '.join(allowed)}; not followed")
        return super().redirect_request(request, stream, code, message, headers, url)


@contextmanager
def _opened(url: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    try:
        request = urllib.request.Request(url, headers=headers)
        response: Any = urllib.request.build_opener(SafeRedirects).open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(url, error.code, error.reason) from None
    except (http.client.InvalidURL, ValueError) as error:
        raise DataError(f"{url}: no address ({_reason(error)}); write it as a browser shows it") from None
    except (http.client.HTTPException, ConnectionResetError) as error:
        raise Cut(f"{url}: the connection failed ({_reason(error)}); try again, or use --from URL|DIR") from None
    except OSError as error:
        raise NoAnswer(f"{url}: the connection failed ({_reason(error)}); try again, or use --from URL|DIR") from None
    with response:
        yield response


def _reason(error: Exception) -> str:
    """The cause in one line: urllib wraps it, and some errors have a number before it or no words at all."""
    inner = getattr(error, "reason", error)
    words = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(words).split())


def _refusal(url: str, code: int, reason: str) -> DataError:
    answer = " ".join(f"{url}: the server answers {code} {reason}".split())
    if code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return NoSuchPart(f"{answer}; try again, or use --from URL|DIR")
    if code in _BUSY:
        return Cut(f"{answer}; try again later, or use --from URL|DIR")
    if code in _NOT_FOR_ALL:
        return DataError(f"{answer}; get the file with a browser, then use --from DIR")
    return DataError(f"{answer}; check the address, or take the file from elsewhere with --from URL|DIR")


def _extent(response: http.client.HTTPResponse, url: str, offset: int) -> tuple[int, int | None, int | None]:
    """Where the bytes begin, how many come, and how many the whole file has."""
    if response.status == http.HTTPStatus.OK:
        return 0, response.length, response.length
    if response.status != http.HTTPStatus.PARTIAL_CONTENT or not offset:
        raise DataError(
            f"{url}: the server answers {response.status} {response.reason}, and no file; use --from URL|DIR"
        )
    part = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if part is None or int(part[1]) != offset:
        raise NoSuchPart(f"{url}: the server gives another part of the file than was asked for; use --from URL|DIR")
    return offset, int(part[2]) + 1 - offset, None if part[3] == "*" else int(part[3])


def _blocks(response: http.client.HTTPResponse, url: str, length: int | None) -> Iterator[bytes]:
    """The body, a block whenever something came; it may end before ``length`` bytes are reached, never after."""
    done = 0
    while length is None or done < length:
        rest = _BLOCK if length is None else min(_BLOCK, length - done)
        try:
            block = response.read1(rest) if done else response.read(min(HEAD, rest))
        except (http.client.HTTPException, OSError) as error:
            raise Cut(f"{url}: the connection failed ({_reason(error)}); try again, or use --from URL|DIR") from None
        if not block:
            return
        done += len(block)
        yield block
