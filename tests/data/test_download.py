"""The public file from a server or a folder: whole and as published, or not there."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.data.web import Web, serving

from hepsieve.data.download import fetch, fetched
from hepsieve.data.public import PublicData, PublicFile
from hepsieve.errors import DataError, HepsieveError

CONTENT = bytes(range(256)) * 5000
AT_ONCE = (0.0, 0.0, 0.0)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/data.bin": CONTENT})) as running:
        yield running


def entry(url: str, **changes: Any) -> PublicData:
    file = PublicFile(url=url, size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    return PublicData(name="toy", files=(replace(file, **changes),), terms="none")


def refused(public: PublicData, folder: Path, message: str, *, source: str | None = None) -> None:
    """The fetch fails with one line, and nothing is left."""
    with pytest.raises(DataError, match=message) as caught:
        fetch(public, folder, source=source, pauses=AT_ONCE)
    assert "\n" not in str(caught.value)
    assert not folder.exists() or list(folder.iterdir()) == []


def test_the_file_arrives_and_is_not_fetched_twice(web: Web, tmp_path: Path) -> None:
    public = entry(f"{web.address}/data.bin")
    assert fetched(public, tmp_path) is None
    (path,) = fetch(public, tmp_path)
    assert path == tmp_path / "data.bin"
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    assert fetched(public, tmp_path) == (path,)
    assert fetch(entry(f"{web.address}/missing/data.bin"), tmp_path) == (path,)
    assert len(web.asked) == 1


def test_a_file_of_another_content_is_fetched_anew(web: Web, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(CONTENT[::-1])
    (path,) = fetch(entry(f"{web.address}/data.bin"), tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        ("/missing/data.bin", {}, "the server answers 404 .*--from"),
        ("/data.bin", {"size": 7}, "1,280,000 bytes, but the published data.bin has 7"),
        ("/data.bin", {"sha256": "0" * 64}, "not the published data.bin"),
        ("/data.bin", {"size": None, "sha256": "0" * 64}, "not the published data.bin"),
    ],
)
def test_what_is_not_the_file_leaves_nothing(
    web: Web, tmp_path: Path, place: str, changes: dict[str, object], message: str
) -> None:
    refused(entry(f"{web.address}{place}", **changes), tmp_path, f"^{web.address}{place}: .*{message}")
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(web: Web, tmp_path: Path, status: int) -> None:
    web.statuses = [status]
    refused(entry(f"{web.address}/data.bin"), tmp_path, f"the server answers {status} .* --from (DIR|URL)")


def test_a_busy_server_is_asked_again(web: Web, tmp_path: Path) -> None:
    web.statuses = [500, 503, 429]
    (path,) = fetch(entry(f"{web.address}/data.bin"), tmp_path, pauses=AT_ONCE)
    assert path.read_bytes() == CONTENT
    assert len(web.asked) == 4


def test_but_not_for_ever(web: Web, tmp_path: Path) -> None:
    web.statuses = [503] * 9
    refused(entry(f"{web.address}/data.bin"), tmp_path, "the server answers 503 Service Unavailable; try again later")
    assert len(web.asked) == 4


def test_a_server_without_a_length_is_fine(web: Web, tmp_path: Path) -> None:
    web.headers = {"Content-Length": None}
    for changes in ({}, {"size": None}, {"size": None, "sha256": None}):
        folder = tmp_path / str(len(changes))
        assert fetch(entry(f"{web.address}/data.bin", **changes), folder)[0].read_bytes() == CONTENT


def test_a_body_longer_than_published_is_no_such_file(web: Web, tmp_path: Path) -> None:
    web.headers = {"Content-Length": None}
    public = entry(f"{web.address}/data.bin", size=1000, sha256=None)
    refused(public, tmp_path, "bytes, but the published data.bin has 1,000")


def test_no_server_is_one_line(tmp_path: Path) -> None:
    refused(entry("http://127.0.0.1:9/data.bin"), tmp_path, r"the connection failed \(.*\); try again, or use --from")


@pytest.mark.parametrize("address", ["http://[::1/data.bin", "http://127.0.0.1:port/data.bin", "http://a b/data.bin"])
def test_no_address_is_one_line(tmp_path: Path, address: str) -> None:
    refused(entry(address), tmp_path, r"no address \(.*\); write it as a browser shows it|the connection failed")


@pytest.mark.parametrize(
    ("name", "body", "kind", "message"),
    [
        ("a.csv.gz", b"<!DOCTYPE html><p>Please log in", "text/html", "a web page instead of a.csv.gz"),
        ("a.hdf5", b"\n<html>moved", "application/octet-stream", "a web page instead of a.hdf5"),
        ("a.dat", b"<p>moved", "text/html; charset=utf-8", "a web page instead of a.dat"),
        ("a.csv.gz", b"label,f0\n", "text/csv", r"no a.csv.gz: it begins with b'la', not b'\\x1f\\x8b'"),
        ("a.hdf5", b"\x1f\x8b", "application/gzip", "no a.hdf5: it begins with"),
    ],
)
def test_a_page_in_place_of_a_file_is_refused(
    web: Web, tmp_path: Path, name: str, body: bytes, kind: str, message: str
) -> None:
    web.files = {f"/{name}": body}
    web.headers = {"Content-Type": kind}
    refused(entry(f"{web.address}/{name}", size=None, sha256=None), tmp_path, message)


def test_a_page_does_not_cost_what_is_there(web: Web, tmp_path: Path) -> None:
    web.cuts, web.statuses = [700_000, 0], [None, 404]
    public = entry(f"{web.address}/data.bin", size=None, sha256=None)
    with pytest.raises(DataError, match="404"):
        fetch(public, tmp_path, pauses=AT_ONCE)
    web.files, web.etag = {"/data.bin": b"<html>down for maintenance"}, None
    with pytest.raises(DataError, match="a web page"):
        fetch(public, tmp_path, pauses=AT_ONCE)
    assert (tmp_path / ".part-fetch.data.bin").stat().st_size == 700_000


@pytest.mark.parametrize(("name", "kind"), [("a.dat", "text/html"), ("a.csv", "application/x-httpd-php")])
def test_a_wrongly_named_type_is_no_matter(web: Web, tmp_path: Path, name: str, kind: str) -> None:
    web.files = {f"/{name}": b"1,2,3\n"}
    web.headers = {"Content-Type": kind}
    (path,) = fetch(entry(f"{web.address}/{name}", size=None, sha256=None), tmp_path)
    assert path.read_bytes() == b"1,2,3\n"


def test_a_body_packed_by_the_server_is_refused(web: Web, tmp_path: Path) -> None:
    web.headers = {"Content-Encoding": "gzip"}
    refused(entry(f"{web.address}/data.bin"), tmp_path, r"packs the file \(gzip\), unasked")
    assert web.asked[0][1]["Accept-Encoding"] == "identity"


def test_a_gzip_file_may_be_called_packed(web: Web, tmp_path: Path) -> None:
    web.files = {"/a.csv.gz": b"\x1f\x8b" + CONTENT}
    web.headers = {"Content-Encoding": "x-gzip"}
    (path,) = fetch(entry(f"{web.address}/a.csv.gz", size=None, sha256=None), tmp_path)
    assert path.read_bytes() == b"\x1f\x8b" + CONTENT


def test_a_full_disk_is_told_before_the_first_byte(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 3, 7))
    refused(entry(f"{web.address}/data.bin"), tmp_path, "7 bytes free, but 1,280,000 are needed; make room")


def test_a_disk_that_fills_up_is_one_line(web: Web, tmp_path: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(HepsieveError, match=os.strerror(errno.EFBIG)) as caught:
            fetch(entry(f"{web.address}/data.bin"), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data.bin").exists()
    assert fetch(entry(f"{web.address}/data.bin"), tmp_path)[0].read_bytes() == CONTENT


def test_an_unwritable_folder_is_one_line(web: Web, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match="can't be written") as caught:
        fetch(entry(f"{web.address}/data.bin"), tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_a_file_that_another_process_fetches_is_left_to_it(web: Web, tmp_path: Path) -> None:
    with (tmp_path / ".part-fetch.data.bin").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process is fetching it; wait"):
            fetch(entry(f"{web.address}/data.bin"), tmp_path)
        assert web.asked == []
    assert fetch(entry(f"{web.address}/data.bin"), tmp_path)[0].read_bytes() == CONTENT


def test_data_that_are_not_public_say_so(tmp_path: Path) -> None:
    public = PublicData(name="toy", unavailable="they are ours; ask us")
    refused(public, tmp_path, "^toy: they are ours; ask us$")
    assert fetched(public, tmp_path) is None


def test_a_run_reads_what_is_not_held_out(web: Web, tmp_path: Path) -> None:
    web.files = {"/train.bin": CONTENT, "/test.bin": CONTENT}
    train, test = (entry(f"{web.address}/{name}.bin").files[0] for name in ("train", "test"))
    public = PublicData(name="toy", files=(train, replace(test, held_out=True)))
    web.statuses = [None, 404]
    with pytest.raises(DataError, match="404"):
        fetch(public, tmp_path, pauses=AT_ONCE)
    assert fetched(public, tmp_path) == (tmp_path / "train.bin",)
    assert fetch(public, tmp_path) == (tmp_path / "train.bin", tmp_path / "test.bin")
    assert [path for path, _ in web.asked] == ["/train.bin", "/test.bin", "/test.bin"]
    assert fetched(public, tmp_path) == (tmp_path / "train.bin",)


def test_a_server_that_has_no_part_of_the_whole_is_given_up(web: Web, tmp_path: Path) -> None:
    web.statuses = [416] * 50
    refused(entry(f"{web.address}/data.bin"), tmp_path, "the server answers 416")
    assert len(web.asked) == 1
