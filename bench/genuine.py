"""Where the genuine files of a benchmark are."""

from __future__ import annotations

import os
from pathlib import Path


def genuine_file(benchmark: str, name: str) -> Path:
    """A file below the folder that ``HEPSIEVE_REAL_DATA`` names.

    Args:
        benchmark: who asks for it.
        name: its place there, such as ``higgs/Higgs_data.root``.

    Raises:
        SystemExit: in one line, if it is not there.
    """
    path = Path(os.environ.get("HEPSIEVE_REAL_DATA", ""), name)
    if not path.is_file():
        folder = name.partition("/")[0]
        raise SystemExit(
            f"{benchmark}: no genuine file {path}; set HEPSIEVE_REAL_DATA to the folder that holds {folder}/"
        )
    return path
