"""What a planted fault is, and which findings catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from hepsieve.audit import Audit, audit, audit_files
from hepsieve.audit.findings import Finding
from hepsieve.config import AuditConfig
from hepsieve.events import Events

CLASSES = ("background", "signal")
LEAKS = (
    "label-in-feature",
    "label-in-sample",
    "label-in-two-features",
    "target-in-feature",
    "tells-class",
    "tells-target",
    "strong-feature",
    "row-order-in-feature",
    "near-duplicate-rows",
    "test-rows-in-training",
    "test-near-duplicates-in-training",
    "test-classes-swapped",
    "contradictory-labels",
    "one-class",
)
"""Findings that say, or ask, whether something leaks."""
ASKING = ("strong-feature", "label-in-feature")
"""Those that, as warnings, ask whether a feature is very good or holds the label."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Events, and the test events where they come as a file of their own."""

    events: Events
    test: Events | None = None

    def audit(self) -> Audit:
        """All findings."""
        report = audit(self.events, AuditConfig(), classes=CLASSES)
        if self.test is None:
            return report
        return report + audit_files(self.events, validation=None, test=self.test)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mistake that people make with data, to be planted in clean ones.

    Attributes:
        name: the mistake.
        suits: whether it can be made with such events.
        plant: makes it.
        codes: findings that catch it; a warning is enough unless it has to stop.
        stops: whether one of them has to stop the run, in so many events.
    """

    name: str
    suits: Callable[[Events], bool]
    plant: Callable[[Events, Generator], Sample]
    codes: tuple[str, ...]
    stops: Callable[[Events], bool] = lambda events: False

    def caught(self, events: Events, rng: Generator) -> str:
        """By which finding, or an empty string."""
        sample = self.plant(events, rng)
        found = [f for f in sample.audit().findings if f.code in self.codes and f.severity != "note"]
        if self.stops(events):
            found = [f for f in found if f.severity == "stop"]
        return f"{min(found, key=_order).code} ({min(found, key=_order).severity})" if found else ""


def _order(finding: Finding) -> int:
    return ("stop", "warn", "note").index(finding.severity)


def alarms(sample: Sample, *, strong: bool) -> list[str]:
    """The findings that are false alarms in clean events.

    Whatever stops, and every warning about a leak; but where an honest feature is above AUC 0.99, the question what it
    is must be asked, and is no accusation; in few events it may seem to be above 0.999, of which a warning asks too.
    """
    return [
        finding.key
        for finding in sample.audit().findings
        if finding.severity == "stop" or (finding.severity == "warn" and finding.code in LEAKS)
        if not (strong and finding.severity == "warn" and finding.code in ASKING)
    ]


def is_table(events: Events) -> bool:
    """Columns of two classes."""
    return events.features.ndim == 2 and events.scale is None


def is_array(events: Events) -> bool:
    """Images or waveforms of two classes."""
    return events.features.ndim > 2 and events.scale is None


def is_regression(events: Events) -> bool:
    """Of any kind."""
    return events.scale is not None


def anything(events: Events) -> bool:
    """Whatever it is."""
    return True


def halved(events: Events, rng: Generator) -> tuple[Events, Events]:
    """Three quarters to train on, and a quarter as a test file."""
    rows = rng.permutation(len(events))
    cut = 3 * len(events) // 4
    return events[rows[:cut]], events[rows[cut:]]


def joined(first: Events, second: Events) -> Events:
    """Both, one after the other."""
    group = None
    if first.group is not None and second.group is not None:
        group = np.concatenate([first.group, second.group + int(first.group.max()) + 1])
    return replace(
        first,
        features=np.concatenate([first.features, second.features]),
        target=np.concatenate([first.target, second.target]),
        weight=np.concatenate([first.weight, second.weight]),
        group=group,
        spectators=None,
        spectator_names=(),
    )


def with_column(events: Events, values: np.ndarray[tuple[int], np.dtype[np.float64]], column: int = -1) -> Events:
    """The same events with other values in one column."""
    features = events.features.copy()
    features[:, column] = values
    return events.replace(features=features)
