"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def genuine() -> Callable[[str], Path]:
    """Paths of genuine data files below HEPSIEVE_REAL_DATA; without them the test skips, but fails in CI."""

    def find(name: str) -> Path:
        folder = os.environ.get("HEPSIEVE_REAL_DATA")
        path = Path(folder, name) if folder else None
        if path is not None and path.is_file():
            return path
        message = f"no genuine file {name}: set HEPSIEVE_REAL_DATA to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)

    return find
