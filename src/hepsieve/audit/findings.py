"""Audit: what is in the data and what is wrong with it, as findings with a code and a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from hepsieve.errors import AuditStop, ConfigError

Severity = Literal["stop", "warn", "note"]
# Without what these miss, no model can be fitted or no figure computed; there is nothing to accept.
FATAL = (
    "no-events",
    "label-values",
    "one-class",
    "constant-target",
    "weights",
    "not-finite",
    "not-finite-target",
    "not-finite-weight",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the audit saw.

    Attributes:
        code: what kind of thing; with the column it is the name by which a config accepts it.
        severity: ``stop`` ends the run unless accepted, ``warn`` is shown loudly, ``note`` is for the record.
        message: a sentence with the numbers and the remedy.
        column: the feature concerned, if it is one.
        rows: the first few rows concerned, counted from 0.
        accepted: the config accepts this finding.
    """

    code: str
    severity: Severity
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    accepted: bool = False

    @property
    def key(self) -> str:
        """The name by which a config accepts this finding: ``code`` or ``code:column``."""
        return self.code if self.column is None else f"{self.code}:{self.column}"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All findings about a sample, and how much was looked at."""

    findings: tuple[Finding, ...]
    checked: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Audit) -> Audit:
        """The findings of both."""
        return Audit(findings=self.findings + other.findings, checked={**self.checked, **other.checked})

    def accept(self, keys: Iterable[str]) -> Audit:
        """The same audit with the findings of these keys accepted.

        Raises:
            ConfigError: if a key that stands in the config names nothing that was found (accepting in advance would
                hide a later finding), or something that nobody can accept.
        """
        wanted = set(keys)
        unknown = wanted - {finding.key for finding in self.findings}
        if unknown:
            raise ConfigError(f"audit.accept: nothing was found under {sorted(unknown)[0]!r}; remove it from the list")
        for finding in self.findings:
            code = finding.code.removeprefix("validation-").removeprefix("test-")
            if finding.key in wanted and finding.severity == "stop" and code in FATAL:
                raise ConfigError(f"audit.accept: {finding.key!r} can't be accepted: {finding.message}")
        findings = tuple(replace(f, accepted=True) if f.key in wanted else f for f in self.findings)
        return replace(self, findings=findings)

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that end a run."""
        return tuple(f for f in self.findings if f.severity == "stop" and not f.accepted)

    def require_clean(self) -> None:
        """Let a run go on only if nothing stops it.

        Raises:
            AuditStop: one line with the first finding, how many others there are, and how to accept it.
        """
        if not self.stops:
            return
        first, *others = self.stops
        more = f" (and {len(others)} more: {', '.join(f.key for f in others[:5])})" if others else ""
        raise AuditStop(f"the audit stops here: {first.message} [{first.key}]{more}")

    def worst_first(self) -> Audit:
        """The same audit with its findings in the order stop, warn, note."""
        order = ("stop", "warn", "note")
        return replace(self, findings=tuple(sorted(self.findings, key=lambda f: order.index(f.severity))))

    def content(self) -> dict[str, Any]:
        """The findings and how much was looked at, ready for JSON."""
        return {"findings": [asdict(f) for f in self.findings], "checked": dict(self.checked)}

    def to_json(self) -> str:
        """The content of audit.json."""
        return json.dumps(self.content(), indent=2, allow_nan=False) + "\n"
