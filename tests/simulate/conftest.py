"""Fixtures for simulations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests that need Geant4's tables, which take half a second to write."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def geant4(shared_cache: Path) -> Iterator[None]:
    """Geant4 with its tables in a cache of the tests' own; skips where it is not installed."""
    pytest.importorskip("calzone")
    pytest.importorskip("xraydb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPSIEVE_CACHE", str(shared_cache))
        yield
