"""Whether a file says of itself that its events are simulated, found out without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hepsieve.config import DataConfig
from hepsieve.data.column_file import holds_column
from hepsieve.data.open import holds_arrays, open_arrays, open_tables, require_file
from hepsieve.errors import ConfigError

OWN: dict[str, object] = {
    "trees": {},
    "file_labels": {},
    "label": None,
    "weight": None,
    "group": None,
    "group_consecutive": None,
    "header": None,
}
"""How a file of hepsieve's own is read: it says by itself which columns have these roles."""


def says_simulated(path: Path, data: DataConfig) -> bool:
    """Whether hepsieve wrote simulated events into this file; others, and CSV files, say nothing.

    Raises:
        DataError: if there is no such file, or it can't be opened.
    """
    require_file(path)
    own = data.model_copy(update=OWN)
    if holds_column(path):
        return False
    held = open_arrays(path, own) if holds_arrays(path, own) else open_tables(path, own)
    return any(one.origin is not None and one.origin.kind == "simulated" for one in held)


def require_one_kind(files: Sequence[Path], data: DataConfig) -> None:
    """Pass unless some of these files hold simulated events and others don't say so.

    Divided together, both would stand in validation and test: figures would be neither of data nor of simulation.

    Raises:
        ConfigError: naming one file of each.
    """
    kinds = {path: says_simulated(path, data) for path in files if not holds_column(path)}
    if len(set(kinds.values())) > 1:
        made = next(path for path, simulated in kinds.items() if simulated)
        genuine = next(path for path, simulated in kinds.items() if not simulated)
        raise ConfigError(
            f"data.files: {made} holds simulated events, and {genuine} others: divided together, both would "
            "stand in validation and test; name the simulated ones in train.simulation.files, to be learned from only"
        )
