"""A description of data and its audit turned into one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from hepsieve.audit import Audit
from hepsieve.audit.description import Description
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.events import Origin
from hepsieve.report.contents import INSPECTION, contents
from hepsieve.report.description import class_balance, glance, histogram
from hepsieve.report.image_description import shape_pictures
from hepsieve.report.page import environment, write_text
from hepsieve.report.picture import Picture, picture
from hepsieve.report.waveform_description import quantity_pictures
from hepsieve.report.waveform_section import waveform_section

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


def render_inspection(
    description: Description,
    audit: Audit,
    *,
    title: str,
    task: str,
    origin: Origin,
    waveforms: WaveformSummary | None = None,
) -> str:
    """The page as HTML text; equal data give equal text.

    Args:
        description: what is in the data.
        audit: what is wrong with them.
        title: of the page.
        task: which task knows the data.
        origin: where they came from.
        waveforms: what they look like, where they are waveforms.
    """
    context = {
        "title": title,
        "task": task,
        "classes": description.classes,
        "glance": glance(description),
        "balance": class_balance(description),
        "verdict": verdict(audit),
        "audit": audit.worst_first(),
        "histograms": _histograms(description),
        "waveforms": waveform_section(waveforms),
        "origin": origin,
    }
    page = environment().get_template("inspection.html.j2")
    return page.render(context, contents=contents(INSPECTION, context))


def _histograms(description: Description) -> list[Picture]:
    background, signal = description.classes
    if description.images is not None:
        return shape_pictures(description.images, description.classes)
    if description.waveforms is not None:
        return quantity_pictures(description.waveforms, description.classes)
    whose = f"for {signal} and {background} " if signal else ""
    return [
        picture(histogram(feature), f"Distribution of {feature.name} {whose}over all events.", title=feature.name)
        for feature in description.features
    ]


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
    page: Path,
    description: Description,
    audit: Audit,
    *,
    title: str,
    task: str,
    origin: Origin,
    waveforms: WaveformSummary | None = None,
) -> Path:
    """Write the page and return its path; whatever stood there is replaced by the whole page or stays.

    See `render_inspection` for the arguments.

    Raises:
        HepsieveError: if it can't be written.
    """
    check_page(page)
    text = render_inspection(description, audit, title=title, task=task, origin=origin, waveforms=waveforms)
    write_text(page, text)
    return page
