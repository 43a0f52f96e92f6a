"""A figure ready for the page."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from hepsieve.report.style import to_data_uri


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure ready for an <img> element.

    Attributes:
        source: a ``data:`` address.
        alt: what the figure shows, for readers who don't see it.
        title: stands above the figure.
        note: stands below it.
    """

    source: str
    alt: str
    title: str = ""
    note: str = ""


def picture(figure: Figure, alt: str, *, title: str = "", note: str = "") -> Picture:
    """The figure drawn, with the words around it."""
    return Picture(source=to_data_uri(figure), alt=alt, title=title, note=note)
