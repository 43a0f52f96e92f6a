"""A description of data and its audit turned into one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from hepsieve.audit import Audit
from hepsieve.audit.description import Description
from hepsieve.errors import HepsieveError
from hepsieve.events import Origin
from hepsieve.manifest import new_file
from hepsieve.report.description import class_balance, glance, histogram
from hepsieve.report.html import environment
from hepsieve.report.image_description import shape_pictures
from hepsieve.report.picture import picture

_ENDINGS = (".html", ".htm")


def check_page(page: Path) -> None:
    """Refuse a place where no page can be written, before anything is read.

    Raises:
        HepsieveError: if it is a folder, or its name has another ending.
    """
    if page.is_dir():
        raise HepsieveError(f"{page}: is a folder; name the page to write, as {page / 'data.html'}")
    if page.suffix.lower() not in _ENDINGS:
        raise HepsieveError(f"{page}: a page needs the ending .html")


def render_inspection(description: Description, audit: Audit, *, title: str, task: str, origin: Origin) -> str:
    """The page as HTML text; equal data give equal text."""
    background, signal = description.classes
    pictures = [
        picture(
            histogram(feature),
            f"Distribution of {feature.name} for {signal} and {background} over all events.",
            title=feature.name,
        )
        for feature in description.features
    ]
    if description.images is not None:
        pictures = shape_pictures(description.images, description.classes)
    return (
        environment()
        .get_template("inspection.html.j2")
        .render(
            title=title,
            task=task,
            classes=description.classes,
            glance=glance(description),
            balance=class_balance(description),
            verdict=verdict(audit),
            audit=audit.worst_first(),
            histograms=pictures,
            origin=origin,
        )
    )


def verdict(audit: Audit) -> str:
    """How many findings there are, by severity.

    >>> verdict(Audit(findings=()))
    'The audit found nothing to complain about.'
    """
    severities = [finding.severity for finding in audit.findings]
    if not severities:
        return "The audit found nothing to complain about."
    words = {"stop": ("stop", "stops"), "warn": ("warning", "warnings"), "note": ("note", "notes")}
    counted = [
        f"{severities.count(severity)} {one if severities.count(severity) == 1 else many}"
        for severity, (one, many) in words.items()
        if severity in severities
    ]
    return f"The audit found {', '.join(counted)}."


def write_inspection(
    page: Path, description: Description, audit: Audit, *, title: str, task: str, origin: Origin
) -> Path:
    """Write the page and return its path; whatever stood there is replaced by the whole page or stays.

    Raises:
        HepsieveError: if it can't be written.
    """
    check_page(page)
    text = render_inspection(description, audit, title=title, task=task, origin=origin)
    with new_file(page) as file:
        # A file name that is no valid UTF-8 reaches Python as lone surrogates.
        file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return page
