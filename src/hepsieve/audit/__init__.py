"""Look for what is wrong with the data before anything is learned from it."""

from __future__ import annotations

from collections.abc import Iterator

from hepsieve.audit.findings import Audit, Finding
from hepsieve.audit.image_leaks import image_giveaways
from hepsieve.audit.images import image_findings
from hepsieve.audit.leaks import dependence, duplicates, giveaways, separations_alone, shared_between
from hepsieve.audit.look import look, look_at_images
from hepsieve.audit.mass import masses
from hepsieve.audit.pairs import pairs
from hepsieve.audit.quality import not_finite_rows, quality, unusable_rows
from hepsieve.audit.relations import correlated, no_separation
from hepsieve.audit.survey import survey
from hepsieve.config import AuditConfig
from hepsieve.events import Events
from hepsieve.shower_shapes import are_images

__all__ = ["Audit", "Finding", "audit", "audit_files", "not_finite_rows", "unusable_rows"]


def audit(events: Events, config: AuditConfig, *, classes: tuple[str, str]) -> Audit:
    """Everything that can be said about one sample.

    Args:
        events: the whole sample, before it is divided.
        config: policies for missing values, sentinels, duplicates and empty images.
        classes: the names of background and signal.
    """
    findings = list(quality(events, config, classes))
    if len(events):
        own = _of_images(events, config, classes) if are_images(events) else _comparisons(events, config)
        findings += [*own, *duplicates(events, config), *dependence(events)]
    return Audit(findings=tuple(findings), checked=_checked(events))


def _checked(events: Events) -> dict[str, int]:
    if not are_images(events):
        return {"events": len(events), "features": len(events.names)}
    _, height, width, channels = events.features.shape
    return {"images": len(events), "pixels each": height * width, "channels": channels}


def _of_images(events: Events, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """What is counted in images, and what shows when the classes are compared with each other."""
    counted = survey(events)
    yield from image_findings(counted, config, classes)
    keep = ~counted.empty if config.empty_images == "drop" else counted.labelled
    seen = look_at_images(events, keep=keep, complete=counted.complete)
    if seen is not None:
        yield from image_giveaways(seen)


def _comparisons(events: Events, config: AuditConfig) -> Iterator[Finding]:
    """What shows when the classes, or the features, are compared with each other."""
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
    """Whether validation or test events that come as files of their own also stand in the training file."""
    others = [(part, events) for part, events in (("validation", validation), ("test", test)) if events is not None]
    findings = [finding for part, events in others for finding in shared_between(train, events, part=part)]
    if validation is not None and test is not None:
        # Choosing a model on test events is as bad as training on them.
        findings += [
            Finding(
                code=finding.code.replace("training", "validation"),
                severity=finding.severity,
                rows=finding.rows,
                message=finding.message.replace("training data", "validation data"),
            )
            for finding in shared_between(validation, test, part="test")
        ]
    return Audit(findings=tuple(findings))
