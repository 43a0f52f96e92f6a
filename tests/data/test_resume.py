"""Downloads that go on where they were cut, and only with bytes of the same file."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.data.test_download import AT_ONCE, CONTENT, entry, refused
from tests.data.web import Web, serving

from hepsieve.data import http
from hepsieve.data.download import fetch
from hepsieve.data.http import SafeRedirects
from hepsieve.errors import DataError
from hepsieve.progress import Advance

OTHER = CONTENT[::-1]
UNKNOWN = {"size": None, "sha256": None}


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/data.bin": CONTENT})) as running:
        yield running


class Watching:
    """Notes what a bar showed; ends the process, as it were, when a certain amount is done."""

    def __init__(self, *, until: float = float("inf")) -> None:
        self.until, self.steps, self.total = until, list[float](), None

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        def advance(amount: float = 1, note: str = "") -> None:
            self.steps.append(amount)
            if sum(self.steps) >= self.until:
                raise KeyboardInterrupt

        yield advance


def interrupted(web: Web, folder: Path, **changes: object) -> int:
    """Ctrl-C during a fetch; the number of bytes that stayed."""
    with pytest.raises(KeyboardInterrupt):
        fetch(entry(f"{web.address}/data.bin", **changes), folder, progress=Watching(until=1000))
    assert not (folder / "data.bin").exists()
    size = (folder / ".part-fetch.data.bin").stat().st_size
    assert 1000 <= size < len(CONTENT)
    web.asked.clear()
    return size


@pytest.mark.parametrize("changes", [{}, UNKNOWN, {"size": None}])
def test_a_cut_connection_goes_on_in_the_same_call(web: Web, tmp_path: Path, changes: dict[str, object]) -> None:
    web.cuts = [300_000, 100_000]
    (path,) = fetch(entry(f"{web.address}/data.bin", **changes), tmp_path, pauses=AT_ONCE)
    assert path.read_bytes() == CONTENT
    assert web.sent_ranges() == [None, "bytes=300000-", "bytes=400000-"]
    assert web.asked[1][1]["If-Range"] == '"first"'
    assert list(tmp_path.iterdir()) == [path]


def test_a_silent_server_is_asked_again(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TIMEOUT", 0.2)
    web.stalls = [300_000]
    (path,) = fetch(entry(f"{web.address}/data.bin"), tmp_path, pauses=AT_ONCE)
    assert path.read_bytes() == CONTENT
    assert web.sent_ranges() == [None, "bytes=300000-"]


def test_a_body_in_chunks_counts_only_with_its_end(web: Web, tmp_path: Path) -> None:
    whole = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (CONTENT[:5000], CONTENT[5000:], b""))
    web.headers, web.etag, web.ranges = {"Content-Length": None, "Transfer-Encoding": "chunked"}, None, False
    public = entry(f"{web.address}/data.bin", **UNKNOWN)
    for cut in (100, 5007, 9000, len(whole) - 5):
        web.files = {"/data.bin": whole[:cut]}
        with pytest.raises(DataError, match="the connection failed"):
            fetch(public, tmp_path, pauses=())
        assert not (tmp_path / "data.bin").exists()
    web.files = {"/data.bin": whole}
    assert fetch(public, tmp_path)[0].read_bytes() == CONTENT


def test_one_that_is_always_cut_goes_on_in_the_next_call(web: Web, tmp_path: Path) -> None:
    web.cuts = [100_000] * 4
    public = entry(f"{web.address}/data.bin")
    with pytest.raises(DataError, match="cut after 400,000 of 1,280,000 bytes; the same command goes on from there"):
        fetch(public, tmp_path, pauses=AT_ONCE)
    assert not (tmp_path / "data.bin").exists()
    (path,) = fetch(public, tmp_path)
    assert path.read_bytes() == CONTENT
    assert web.sent_ranges()[-1] == "bytes=400000-"
    assert list(tmp_path.iterdir()) == [path]


def test_a_slow_but_steady_one_is_not_given_up(web: Web, tmp_path: Path) -> None:
    content = CONTENT * 8
    web.files = {"/data.bin": content}
    web.cuts = [1_100_000] * 9
    (path,) = fetch(entry(f"{web.address}/data.bin", **UNKNOWN), tmp_path, pauses=(0.0,))
    assert path.read_bytes() == content


@pytest.mark.parametrize("changes", [{}, UNKNOWN])
def test_what_was_interrupted_goes_on_from_there(web: Web, tmp_path: Path, changes: dict[str, object]) -> None:
    size = interrupted(web, tmp_path, **changes)
    shown = Watching()
    (path,) = fetch(entry(f"{web.address}/data.bin", **changes), tmp_path, progress=shown)
    assert path.read_bytes() == CONTENT
    assert web.sent_ranges() == [f"bytes={size}-"]
    assert shown.steps[0] == size
    assert sum(shown.steps) == len(CONTENT)


def test_a_killed_process_leaves_what_it_has(web: Web, tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from contextlib import contextmanager
        from pathlib import Path
        from hepsieve.data.download import fetch
        from hepsieve.data.public import PublicData, PublicFile

        class Killing:
            done = 0
            @contextmanager
            def task(self, description, total=None):
                def advance(amount=1, note=""):
                    self.done += amount
                    if self.done > 100_000:
                        os.kill(os.getpid(), signal.SIGKILL)
                yield advance

        fetch(PublicData(name="toy", files=(PublicFile(url=sys.argv[1]),)), Path(sys.argv[2]), progress=Killing())
    """
    command = [sys.executable, "-c", textwrap.dedent(script), f"{web.address}/data.bin", str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "data.bin").exists()
    (path,) = fetch(entry(f"{web.address}/data.bin"), tmp_path)
    assert path.read_bytes() == CONTENT
    first, second = web.sent_ranges()
    assert first is None
    assert second is not None


@pytest.mark.parametrize("changes", [{}, UNKNOWN])
def test_a_server_without_ranges_sends_all_again(web: Web, tmp_path: Path, changes: dict[str, object]) -> None:
    interrupted(web, tmp_path, **changes)
    web.ranges, web.cuts = False, [500_000]
    (path,) = fetch(entry(f"{web.address}/data.bin", **changes), tmp_path, pauses=AT_ONCE)
    assert path.read_bytes() == CONTENT


def test_one_without_ranges_that_is_always_cut_is_given_up(web: Web, tmp_path: Path) -> None:
    web.ranges, web.cuts = False, [500_000] * 50
    with pytest.raises(DataError, match="cut after 500,000 of 1,280,000"):
        fetch(entry(f"{web.address}/data.bin"), tmp_path, pauses=AT_ONCE)
    assert len(web.asked) == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [({"etag": '"first"'}, {"etag": '"second"'}), ({"etag": None, "modified": "Mon, 3"}, {"modified": "Tue, 4"})],
)
def test_a_changed_file_begins_anew(
    web: Web, tmp_path: Path, before: dict[str, str | None], after: dict[str, str]
) -> None:
    for name, value in before.items():
        setattr(web, name, value)
    size = interrupted(web, tmp_path, **UNKNOWN)
    web.files = {"/data.bin": OTHER}
    for name, value in after.items():
        setattr(web, name, value)
    (path,) = fetch(entry(f"{web.address}/data.bin", **UNKNOWN), tmp_path)
    assert path.read_bytes() == OTHER
    assert web.sent_ranges() == [f"bytes={size}-"]


def test_a_changed_file_is_noticed_where_the_server_does_not_look(web: Web, tmp_path: Path) -> None:
    interrupted(web, tmp_path, **UNKNOWN)
    web.files, web.etag, web.conditions = {"/data.bin": OTHER}, '"second"', False
    assert fetch(entry(f"{web.address}/data.bin", **UNKNOWN), tmp_path)[0].read_bytes() == OTHER


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_a_version_without_a_name_is_trusted_only_with_a_checksum(web: Web, tmp_path: Path, etag: str | None) -> None:
    web.etag = etag
    interrupted(web, tmp_path / "a", **UNKNOWN)
    assert fetch(entry(f"{web.address}/data.bin", **UNKNOWN), tmp_path / "a")[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [None]
    size = interrupted(web, tmp_path / "b")
    assert fetch(entry(f"{web.address}/data.bin"), tmp_path / "b")[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [f"bytes={size}-"]
    assert "If-Range" not in web.asked[0][1]


def test_a_wrong_beginning_is_found_by_the_checksum_and_fetched_anew(web: Web, tmp_path: Path) -> None:
    size = interrupted(web, tmp_path)
    (tmp_path / ".part-fetch.data.bin").write_bytes(OTHER[:size])
    (path,) = fetch(entry(f"{web.address}/data.bin"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert web.sent_ranges() == [f"bytes={size}-", None]


def test_another_address_may_go_on_where_a_checksum_is_published(web: Web, tmp_path: Path) -> None:
    web.files["/mirror/data.bin"] = CONTENT
    size = interrupted(web, tmp_path / "a")
    assert fetch(entry(f"{web.address}/mirror/data.bin"), tmp_path / "a")[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [f"bytes={size}-"]
    assert "If-Range" not in web.asked[0][1]
    interrupted(web, tmp_path / "b", **UNKNOWN)
    assert fetch(entry(f"{web.address}/mirror/data.bin", **UNKNOWN), tmp_path / "b")[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [None]


def test_a_part_beyond_the_end_or_with_damaged_notes_begins_anew(web: Web, tmp_path: Path) -> None:
    public = entry(f"{web.address}/data.bin", **UNKNOWN)
    interrupted(web, tmp_path, **UNKNOWN)
    web.files = {"/data.bin": CONTENT[:500]}  # of the same name: the server answers 416
    assert fetch(public, tmp_path)[0].read_bytes() == CONTENT[:500]
    assert web.sent_ranges()[1:] == [None]
    (tmp_path / "data.bin").unlink()
    web.files = {"/data.bin": CONTENT}
    interrupted(web, tmp_path, **UNKNOWN)
    (tmp_path / ".part-fetch.data.bin.json").write_text("{")
    assert fetch(public, tmp_path)[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [None]


@pytest.mark.parametrize("part", ["bytes 0-1279999/1280000", "bytes 7", None])
def test_another_part_than_asked_for_is_not_appended(web: Web, tmp_path: Path, part: str | None) -> None:
    interrupted(web, tmp_path, **UNKNOWN)
    web.headers = {"Content-Range": part}
    assert fetch(entry(f"{web.address}/data.bin", **UNKNOWN), tmp_path)[0].read_bytes() == CONTENT
    assert web.sent_ranges()[1:] == [None]


def test_a_whole_file_that_was_not_published_needs_no_server(web: Web, tmp_path: Path) -> None:
    (tmp_path / ".part-fetch.data.bin").write_bytes(CONTENT)
    assert fetch(entry("http://127.0.0.1:9/data.bin"), tmp_path)[0].read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_a_server_that_is_gone_costs_nothing(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = interrupted(web, tmp_path)
    monkeypatch.setattr(time, "sleep", pytest.fail)
    with pytest.raises(DataError, match="the connection failed"):
        fetch(entry("http://127.0.0.1:9/data.bin"), tmp_path)
    assert (tmp_path / ".part-fetch.data.bin").stat().st_size == size
    assert not (tmp_path / "data.bin").exists()


def test_a_wrong_checksum_leaves_no_part(web: Web, tmp_path: Path) -> None:
    interrupted(web, tmp_path, sha256="0" * 64)
    with pytest.raises(DataError, match="sha256 differs"):
        fetch(entry(f"{web.address}/data.bin", sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_detour_keeps_the_part_asked_for(web: Web, tmp_path: Path) -> None:
    size = interrupted(web, tmp_path)
    web.statuses, web.headers = [302], {"Location": f"{web.address}/data.bin"}
    assert fetch(entry(f"{web.address}/moved/data.bin"), tmp_path)[0].read_bytes() == CONTENT
    assert web.sent_ranges() == [f"bytes={size}-"] * 2


def test_a_detour_leads_to_nothing_less_protected(web: Web, tmp_path: Path) -> None:
    for place in ("ftp://127.0.0.1/data.bin", "file:///etc/hostname"):
        web.statuses, web.headers = [302], {"Location": place}
        refused(entry(f"{web.address}/data.bin"), tmp_path, f"{place}.* not (followed|allowed)")
    request = urllib.request.Request("https://a.invalid/data.bin")
    with pytest.raises(DataError, match=r"leads to http://b\.invalid/, which is not https; not followed"):
        SafeRedirects().redirect_request(request, BytesIO(), 302, "Found", HTTPMessage(), "http://b.invalid/")
    followed = SafeRedirects().redirect_request(request, BytesIO(), 302, "", HTTPMessage(), "https://b.invalid/")
    assert followed is not None
    assert followed.full_url == "https://b.invalid/"


def test_one_that_finishes_between_opening_and_lock_keeps_its_file(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish_first(stream: BinaryIO, how: int) -> None:
        if not (tmp_path / "finished").exists():
            (tmp_path / ".part-fetch.data.bin").write_bytes(OTHER)
            (tmp_path / ".part-fetch.data.bin").rename(tmp_path / "finished")
        lock(stream, how)

    lock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", finish_first)
    assert fetch(entry(f"{web.address}/data.bin"), tmp_path)[0].read_bytes() == CONTENT
    assert (tmp_path / "finished").read_bytes() == OTHER


def test_two_processes_at_once_do_no_harm(web: Web, tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from hepsieve.data.download import fetch
        from hepsieve.data.public import PublicData, PublicFile
        from hepsieve.errors import DataError
        try:
            fetch(PublicData(name="toy", files=(PublicFile(url=sys.argv[1]),)), Path(sys.argv[2]))
        except DataError as error:
            sys.exit(3 if "another process" in str(error) else 1)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), f"{web.address}/data.bin", str(tmp_path)]
    running = [subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) for _ in range(4)]
    statuses = [process.wait() for process in running]
    assert 0 in statuses
    assert set(statuses) <= {0, 3}
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]
