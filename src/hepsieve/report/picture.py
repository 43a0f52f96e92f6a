"""A figure ready for the page."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.figure import Figure

from hepsieve.report.numbers import Numbers, csv_text, drawn_numbers
from hepsieve.report.style import to_data_uri


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure ready for an <img> element.

    Attributes:
        source: a ``data:`` address.
        alt: what the figure shows, for readers who don't see it.
        title: stands above the figure.
        note: stands below it.
        numbers: what is plotted, for its download; columns of equal length.
    """

    source: str
    alt: str
    title: str = ""
    note: str = ""
    numbers: Numbers = field(default_factory=dict)

    @property
    def csv(self) -> str:
        """The numbers as comma-separated values; empty without numbers."""
        return csv_text(self.numbers) if self.numbers else ""


def picture(figure: Figure, alt: str, *, title: str = "", note: str = "", numbers: Numbers | None = None) -> Picture:
    """The figure drawn, with the words around it and the numbers behind it.

    Without ``numbers`` they are taken from what is drawn.

    Raises:
        ValueError: if the columns of ``numbers`` are of unequal length.
    """
    columns = drawn_numbers(figure) if numbers is None else numbers
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError(f"{alt} the columns {', '.join(columns)} are of unequal length")
    return Picture(source=to_data_uri(figure), alt=alt, title=title, note=note, numbers=columns)
