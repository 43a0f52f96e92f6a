"""A figure ready for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from hepsieve.report.style import to_data_uri

Numbers = Mapping[str, Sequence[float | str | None]]
"""The columns behind a plot, by their names; of equal length."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure ready for an <img> element.

    Attributes:
        source: a ``data:`` address.
        alt: what the figure shows, for readers who don't see it.
        title: stands above the figure.
        note: stands below it.
        numbers: what is plotted, for its download.
    """

    source: str
    alt: str
    title: str = ""
    note: str = ""
    numbers: Numbers = field(default_factory=dict)


def picture(figure: Figure, alt: str, *, title: str = "", note: str = "", numbers: Numbers | None = None) -> Picture:
    """The figure drawn, with the words around it and the numbers behind it."""
    return Picture(source=to_data_uri(figure), alt=alt, title=title, note=note, numbers=numbers or {})
