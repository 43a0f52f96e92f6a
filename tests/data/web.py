"""A web server on this machine that fails on demand, and remembers what it was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """What the server gives, and what it was asked.

    Attributes:
        files: content by path; any other path is answered with 404.
        etag, modified: what it says of every file.
        ranges: whether it gives parts of files.
        conditions: whether it looks at If-Range before it does.
        cuts: for each request in turn, after how many bytes of the body it hangs up; None or no entry: at the end.
        stalls: for each request in turn, after how many bytes it sends nothing more until the client leaves.
        statuses: for each request in turn, a status to answer with instead.
        headers: further headers, or others in place of its own; None leaves one out.
        asked: path and headers of every request.
    """

    files: dict[str, bytes]
    etag: str | None = '"first"'
    modified: str | None = None
    ranges: bool = True
    conditions: bool = True
    cuts: list[int | None] = field(default_factory=list)
    stalls: list[int | None] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)
    headers: dict[str, str | None] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def sent_ranges(self) -> list[str | None]:
        """The Range header of every request."""
        return [headers.get("Range") for _, headers in self.asked]


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.path, dict(self.headers.items())))
            _answer(web, self)

        def log_message(self, *_: object) -> None:
            return

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        web.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


def _answer(web: Web, handler: BaseHTTPRequestHandler) -> None:
    status = web.statuses.pop(0) if web.statuses else None
    cut = web.cuts.pop(0) if web.cuts else None
    stall = web.stalls.pop(0) if web.stalls else None
    content = web.files.get(handler.path)
    if status is None and content is None:
        status = 404
    if status is not None:
        handler.send_response(status)
        _send_headers(handler, {"Content-Length": "0", **web.headers})
        return
    assert content is not None
    start = _start(web, handler)
    if start is not None and start >= len(content):
        handler.send_response(416)
        _send_headers(handler, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        return
    body = content[start or 0 :]
    headers: dict[str, str | None] = {
        "ETag": web.etag,
        "Last-Modified": web.modified,
        "Content-Length": str(len(body)),
    }
    if start is not None:
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.send_response(200 if start is None else 206)
    _send_headers(handler, {**headers, **web.headers})
    handler.wfile.write(body[: stall if stall is not None else cut])
    if stall is not None:
        handler.connection.recv(1)


def _start(web: Web, handler: BaseHTTPRequestHandler) -> int | None:
    """Where the part begins that is asked for; None if the whole file is to be sent."""
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    condition = handler.headers.get("If-Range")
    changed = web.conditions and condition not in (None, web.etag, web.modified)
    return None if asked is None or changed or not web.ranges else int(asked[1])


def _send_headers(handler: BaseHTTPRequestHandler, headers: dict[str, str | None]) -> None:
    for name, value in headers.items():
        if value is not None:
            handler.send_header(name, value)
    handler.end_headers()
