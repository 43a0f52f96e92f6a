"""Public files taken from elsewhere: another address, a folder, a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.data.test_download import CONTENT, entry, refused
from tests.data.web import Web, serving

from hepsieve.data.download import fetch
from hepsieve.data.public import PublicData
from hepsieve.errors import DataError

ONE = entry("https://nowhere.invalid/data.bin")
TWO = replace(ONE, files=(*ONE.files, *entry("https://nowhere.invalid/more.bin", known_as=("old.bin",)).files))


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={f"/{path}": CONTENT for path in ("data.bin", "more.bin", "a/any")})) as running:
        yield running


@pytest.mark.parametrize(
    ("public", "source", "asked"),
    [
        (ONE, "/a/any", ["/a/any"]),
        (ONE, "/", ["/data.bin"]),
        (TWO, "", ["/data.bin", "/more.bin"]),
        (TWO, "/", ["/data.bin", "/more.bin"]),
        (TWO, "/more.bin", ["/data.bin", "/more.bin"]),
    ],
)
def test_an_address_is_a_files_or_a_folders(
    web: Web, tmp_path: Path, public: PublicData, source: str, asked: list[str]
) -> None:
    paths = fetch(public, tmp_path, source=f"{web.address}{source}")
    assert [path.read_bytes() for path in paths] == [CONTENT] * len(asked)
    assert [path for path, _ in web.asked] == asked


def test_a_folder_or_a_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "data.bin").write_bytes(CONTENT)
    (tmp_path / "a" / "old.bin").write_bytes(CONTENT)
    (path,) = fetch(ONE, tmp_path / "b", source=str(tmp_path / "a"))
    assert path.read_bytes() == CONTENT
    assert fetch(ONE, tmp_path / "c", source=str(tmp_path / "a" / "data.bin"))[0].read_bytes() == CONTENT
    assert [path.name for path in fetch(TWO, tmp_path / "d", source=str(tmp_path / "a"))] == ["data.bin", "more.bin"]
    assert [path.name for path in fetch(TWO, tmp_path / "b", source=str(tmp_path / "a" / "old.bin"))] == [
        "data.bin",
        "more.bin",
    ]


def test_what_is_not_there_or_not_the_file_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    out = tmp_path / "out"
    refused(ONE, out, r"a/data\.bin: no such file; name the folder that holds data\.bin", source=str(tmp_path / "a"))
    refused(ONE, out, "no such file; name the folder that holds", source="ftp://nowhere.invalid/data.bin")
    file = tmp_path / "a" / "data.bin"
    file.write_bytes(CONTENT[:-1] + b"x")
    refused(ONE, out, "not the published data.bin", source=str(tmp_path / "a"))
    refused(TWO, out, r"one file, where 2 are wanted; .* holds data\.bin, more\.bin$", source=str(file))
    file.write_bytes(CONTENT[:-1])
    refused(ONE, out, "1,279,999 bytes, but the published", source=str(file))
    (tmp_path / "a" / "a.gz").write_bytes(b"<html>log in")
    refused(entry("https://a.invalid/a.gz", size=None, sha256=None), out, "a web page", source=str(tmp_path / "a"))


def test_a_copy_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(CONTENT)
    (path,) = fetch(ONE, tmp_path / "to", source=str(tmp_path))
    (tmp_path / "data.bin").unlink()
    assert path.read_bytes() == CONTENT


def test_another_disk_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    (tmp_path / "data.bin").write_bytes(CONTENT)
    (path,) = fetch(ONE, tmp_path / "to", source=str(tmp_path))
    assert path.read_bytes() == CONTENT
    assert not path.samefile(tmp_path / "data.bin")


def test_a_folder_that_lacks_one_of_two_gives_the_other(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"more\.bin: no such file"):
        fetch(TWO, tmp_path / "to", source=str(tmp_path))
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["data.bin"]
