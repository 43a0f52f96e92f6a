"""Whether the workers of a cluster have the versions of what results depend on that we have."""

from __future__ import annotations

from collections.abc import Mapping

from hepsieve.errors import HepsieveError

Versions = Mapping[str, str | None]
"""Package to version; None where it is not installed."""


def require_same(address: str, ours: Versions, *, scheduler: Versions, workers: Mapping[str, Versions]) -> None:
    """Compare versions.

    Args:
        address: of the scheduler.
        ours: what results depend on, as it is here.
        scheduler: its packages; it carries nothing out and may lack some.
        workers: those of every worker by its address.

    Raises:
        HepsieveError: naming every package that differs, and where.
    """
    found: dict[str, list[str]] = {}
    for place, packages in {"the scheduler": scheduler, **workers}.items():
        for name, here in ours.items():
            there = packages.get(name)
            if there == here or (there is None and place == "the scheduler"):
                continue
            found.setdefault(f"{name} {there or 'missing'} instead of {here or 'none'}", []).append(place)
    if found:
        told = "; ".join(f"{difference} ({_places(places)})" for difference, places in found.items())
        raise HepsieveError(f"--scheduler {address}: other versions than here: {told}; install the same there")


def _places(places: list[str]) -> str:
    """The first of some places, and how many more.

    >>> _places(["tcp://10.0.0.1:4000", "tcp://10.0.0.2:4000", "tcp://10.0.0.3:4000"])
    'tcp://10.0.0.1:4000 and 2 more'
    """
    return places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"
