"""The folder of what can be made again has one name, also for processes that work elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from hepsieve.cache import default_cache
from hepsieve.spill import scratch_folder


def test_a_cache_named_from_here_is_the_same_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPSIEVE_CACHE", "kept")
    assert default_cache() == scratch_folder() == tmp_path / "kept"
    monkeypatch.delenv("HEPSIEVE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "mine")
    assert default_cache() == tmp_path / "mine" / "hepsieve"
