"""Whether an optional framework is there, asked before it is imported."""

from __future__ import annotations

from importlib.util import find_spec

from hepsieve.errors import install_hint


def require(package: str, *, extra: str) -> None:
    """Do nothing if ``package`` is installed.

    Raises:
        MissingExtra: naming the command that installs it.
    """
    if find_spec(package) is None:
        raise install_hint(package, extra)
