"""The public file from a server or a folder: whole and as published, or not there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hepsieve.data.catalog import Dataset, PublicFile, dataset
from hepsieve.data.download import fetch, fetched
from hepsieve.errors import DataError, HepsieveError

CONTENT = bytes(range(256)) * 5000


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        if not self.path.startswith("/unsized"):
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:-1000] if self.path.startswith(("/short", "/unsized-short")) else CONTENT)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def entry(url: str, **changes: object) -> Dataset:
    file = PublicFile(url=url, size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    return replace(dataset("higgs"), files=(replace(file, **changes),))  # type: ignore[arg-type]


def test_the_file_arrives_and_is_not_fetched_twice(server: str, tmp_path: Path) -> None:
    public = entry(f"{server}/right/data.bin")
    assert fetched(public, tmp_path) is None
    (path,) = fetch(public, tmp_path)
    assert path == tmp_path / "data.bin"
    assert path.read_bytes() == CONTENT
    assert fetched(public, tmp_path) == (path,)
    assert fetch(entry(f"{server}/missing/data.bin"), tmp_path) == (path,)


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        ("missing", {}, "the server answers 404"),
        ("short", {}, "cut after 1,279,000 of 1,280,000 bytes"),
        ("unsized-short", {}, "1,279,000 bytes, but the published data.bin has 1,280,000"),
        ("right", {"size": 7}, "1,280,000 bytes, but the published data.bin has 7"),
        ("right", {"size": None, "sha256": "0" * 64}, "not the published data.bin"),
    ],
)
def test_what_is_not_the_file_leaves_nothing(
    server: str, tmp_path: Path, place: str, changes: dict[str, object], message: str
) -> None:
    public = entry(f"{server}/{place}/data.bin", **changes)
    with pytest.raises(DataError, match=message) as caught:
        fetch(public, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_a_length_is_fine(server: str, tmp_path: Path) -> None:
    assert fetch(entry(f"{server}/unsized/data.bin"), tmp_path)[0].read_bytes() == CONTENT


def test_no_server_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the connection failed") as caught:
        fetch(entry("http://127.0.0.1:9/data.bin"), tmp_path)
    assert "\n" not in str(caught.value)


def test_another_address_or_folder_may_hold_the_file(server: str, tmp_path: Path) -> None:
    public = entry("https://nowhere.invalid/data.bin")
    assert fetch(public, tmp_path / "a", source=f"{server}/right")[0].read_bytes() == CONTENT
    assert fetch(public, tmp_path / "b", source=str(tmp_path / "a"))[0].read_bytes() == CONTENT
    assert fetch(public, tmp_path / "c", source=str(tmp_path / "a" / "data.bin"))[0].read_bytes() == CONTENT
    with pytest.raises(DataError, match="no such file; name the folder that holds"):
        fetch(public, tmp_path / "d", source=str(tmp_path))
    (tmp_path / "a" / "data.bin").write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(DataError, match="not the published"):
        fetch(public, tmp_path / "d", source=str(tmp_path / "a"))
    assert not (tmp_path / "d").exists()


def test_a_copy_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "data.bin").write_bytes(CONTENT)
    (path,) = fetch(entry("https://nowhere.invalid/data.bin"), tmp_path / "to", source=str(tmp_path / "from"))
    (tmp_path / "from" / "data.bin").unlink()
    assert path.read_bytes() == CONTENT


def test_an_unwritable_folder_is_one_line(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match="can't be written"):
        fetch(entry(f"{server}/right/data.bin"), tmp_path / "file")
