"""Look for what is wrong with the data before anything is learned from it."""

from __future__ import annotations

from collections.abc import Iterator

from hepsieve.audit.copies import near_copies, near_copies_between
from hepsieve.audit.findings import Audit, Finding
from hepsieve.audit.image_leaks import image_giveaways
from hepsieve.audit.images import image_findings
from hepsieve.audit.leaks import dependence, duplicates, giveaways, separations_alone
from hepsieve.audit.look import look, look_at_images
from hepsieve.audit.mass import masses
from hepsieve.audit.order import row_order
from hepsieve.audit.pairs import pairs
from hepsieve.audit.quality import not_finite_rows, quality, unusable_rows
from hepsieve.audit.relations import correlated, no_separation
from hepsieve.audit.shared import shared_between
from hepsieve.audit.sides import side_names
from hepsieve.audit.survey import survey
from hepsieve.audit.swapped import swapped_classes
from hepsieve.audit.target_leaks import target_giveaways
from hepsieve.audit.waveform_leaks import waveform_giveaways
from hepsieve.audit.waveform_survey import survey_waveforms
from hepsieve.audit.waveforms import waveform_findings
from hepsieve.config import AuditConfig
from hepsieve.events import Events
from hepsieve.shower_shapes import are_images
from hepsieve.waveforms import are_waveforms

__all__ = ["Audit", "Finding", "audit", "audit_files", "not_finite_rows", "unusable_rows"]


def audit(events: Events, config: AuditConfig, *, classes: tuple[str, str]) -> Audit:
    """Everything that can be said about one sample.

    Args:
        events: the whole sample, before it is divided.
        config: policies for missing values, sentinels, duplicates, and empty images or waveforms.
        classes: the names of background and signal; a regression has none.
    """
    findings = list(quality(events, config, classes))
    if len(events):
        findings += [*_own(events, config, side_names(events, classes))]
        findings += [*row_order(events), *duplicates(events, config), *near_copies(events), *dependence(events)]
    return Audit(findings=tuple(findings), checked=_checked(events))


def _own(events: Events, config: AuditConfig, names: tuple[str, str]) -> Iterator[Finding]:
    """What is said of this kind of data alone."""
    if are_images(events):
        return _of_images(events, config, names)
    return _of_waveforms(events, config, names) if are_waveforms(events) else _comparisons(events, config)


def _checked(events: Events) -> dict[str, int]:
    if are_images(events):
        _, height, width, channels = events.features.shape
        return {"images": len(events), "pixels each": height * width, "channels": channels}
    if are_waveforms(events):
        _, samples, channels = events.features.shape
        return {"waveforms": len(events), "samples each": samples, "channels": channels}
    return {"events": len(events), "features": len(events.names)}


def _of_images(events: Events, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """What is counted in images, and what shows when the classes are compared with each other."""
    counted = survey(events)
    yield from image_findings(counted, config, classes)
    if events.kind == "regression":
        yield from target_giveaways(events)
        return
    keep = ~counted.empty if config.empty_images == "drop" else counted.labelled
    seen = look_at_images(events, keep=keep, complete=counted.complete)
    if seen is not None:
        yield from image_giveaways(seen)


def _of_waveforms(events: Events, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """What is counted in waveforms, and what tells the class or the target without looking at a pulse."""
    counted = survey_waveforms(events)
    yield from waveform_findings(counted, config, classes, events.names, events.units)
    keep = counted.labelled & ~counted.empty if config.empty_images == "drop" else counted.labelled
    yield from waveform_giveaways(events, counted, keep)


def _comparisons(events: Events, config: AuditConfig) -> Iterator[Finding]:
    """What shows when the classes, or the features, are compared with each other."""
    if events.kind == "regression":
        yield from target_giveaways(events)
        return
    seen = look(events)
    if seen is None:
        return
    alone = separations_alone(seen)
    yield from giveaways(seen, alone)
    yield from pairs(seen, alone)
    yield from masses(seen)
    yield from correlated(seen, config.correlated)
    yield from no_separation(seen)


def audit_files(train: Events, *, validation: Events | None, test: Events | None) -> Audit:
    """Whether validation or test events that come as files of their own also stand in the training file.

    Identical or nearly so; and whether the classes mean the same in all files.
    """
    others = [(part, events) for part, events in (("validation", validation), ("test", test)) if events is not None]
    findings = [finding for part, events in others for finding in _between(train, events, part)]
    if validation is not None and test is not None:
        # Choosing a model on test events is as bad as training on them.
        findings += [
            Finding(
                code=finding.code.replace("training", "validation"),
                severity=finding.severity,
                rows=finding.rows,
                message=finding.message.replace("training data", "validation data"),
            )
            for finding in (
                *shared_between(validation, test, part="test"),
                *near_copies_between(validation, test, part="test"),
            )
        ]
    return Audit(findings=tuple(findings))


def _between(train: Events, other: Events, part: str) -> Iterator[Finding]:
    yield from shared_between(train, other, part=part)
    yield from near_copies_between(train, other, part=part)
    yield from swapped_classes(train, other, part=part)
