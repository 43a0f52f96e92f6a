"""Where hepsieve keeps what can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache() -> Path:
    """Where prepared stores, simulated and fetched events lie: HEPSIEVE_CACHE, or the user's cache folder.

    It is absolute, as it is named to processes that may work in other folders.
    """
    chosen = os.environ.get("HEPSIEVE_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return (Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepsieve").absolute()
