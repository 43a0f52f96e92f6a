"""Start Pythia 8 with settings and a seed, and read its events as flat columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import install_hint

SEEDS = 900_000_000
"""Pythia's own seeds go from 1 to this."""


def load_pythia() -> Any:
    """The module ``pythia8mc``.

    Raises:
        MissingExtra: if it is not installed.
    """
    try:
        import pythia8mc
    except ImportError:
        raise install_hint("pythia8mc", "simulate") from None
    return pythia8mc


def configured(settings: Sequence[str]) -> Any:
    """A quiet Pythia that has read the settings and is not yet initialised.

    Raises:
        MissingExtra: if pythia8mc is not installed.
        RuntimeError: if Pythia refuses a setting.
    """
    pythia = load_pythia().Pythia("", False)
    for setting in settings:
        if not pythia.readString(setting):
            raise RuntimeError(f"Pythia refuses the setting {setting!r}")
    return pythia


def initialised(pythia: Any) -> Any:
    """The same Pythia, ready to make events.

    Raises:
        RuntimeError: if it did not initialise.
    """
    if not pythia.init():
        raise RuntimeError("Pythia did not initialise")
    return pythia


def pythia_seeds(rng: np.random.Generator, count: int) -> list[int]:
    """Seeds for several generators, drawn from one."""
    return [int(seed) for seed in rng.integers(1, SEEDS, count, endpoint=True)]


def flat(column: Any) -> NDArray[Any]:
    """The entries of all events of one of Pythia's awkward columns, one after the other."""
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.flatten(column)))


def counts(column: Any) -> NDArray[np.int64]:
    """The number of entries of each event in one of Pythia's awkward columns."""
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.num(column)), dtype=np.int64)
