"""What is published of every data set: enough to fetch and verify it, or a word on why it can't be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hepsieve.data.catalog import CATALOG, IMAGES, WAVEFORMS
from hepsieve.data.public import PUBLIC, PublicFile, public
from hepsieve.errors import ConfigError
from hepsieve.manifest import sha256

FILES = [file for data in PUBLIC.values() for file in data.files]


def test_everything_in_the_catalog_has_its_files() -> None:
    assert set(PUBLIC) == {*CATALOG, *IMAGES, *WAVEFORMS} == {"higgs", "hepmass", "egamma", "hnl", "xenon"}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_there_are_files_and_terms_or_a_reason_why_not(name: str) -> None:
    data = public(name)
    assert data.name == name
    assert bool(data.files) == bool(data.terms) == bool(data.run_files)
    assert bool(data.files) != bool(data.unavailable)
    assert "\n" not in data.unavailable


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_every_file_can_be_told_from_another(file: PublicFile) -> None:
    assert file.url.startswith("https://")
    assert Path(file.name).name == file.name
    assert file.size is not None or file.sha256 is not None
    assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_no_two_files_share_a_name() -> None:
    names = [name for file in FILES for name in (file.name, *file.known_as)]
    assert len(set(names)) == len(names)


def test_the_hepmass_checksums_agree_with_another_source() -> None:
    train, test = public("hepmass").files
    # DatasetProvider.jl gives one number for both files: the xor of their checksums.
    assert train.sha256 is not None
    assert test.sha256 is not None
    both = f"{int(train.sha256, 16) ^ int(test.sha256, 16):064x}"
    assert both == "becdb27c603c40ba3a746736a224535585b8c19f8d02db7da28d0fc78726c52b"


def test_a_run_on_hepmass_leaves_the_published_test_file() -> None:
    assert [file.name for file in public("hepmass").run_files] == ["all_train.csv.gz"]
    assert [file.name for file in public("hepmass").files] == ["all_train.csv.gz", "all_test.csv.gz"]


@pytest.mark.genuine
@pytest.mark.parametrize("file", public("hnl").files, ids=[file.name for file in public("hnl").files])
def test_the_genuine_files_are_those(genuine: Callable[[str], Path], file: PublicFile) -> None:
    path = genuine(f"hnl/{file.name}")
    assert (path.stat().st_size, sha256(path)) == (file.size, file.sha256)


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no data set 'hepmas' in the catalog; did you mean 'hepmass'"):
        public("hepmas")
    with pytest.raises(ConfigError, match="it holds: higgs, hepmass, egamma"):
        public("xyz")
