"""Events to findings about their quality: values that are no numbers, sentinels, constants, weights, classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.findings import Finding
from hepsieve.config import AuditConfig
from hepsieve.events import Events

_EXAMPLES = 5


def quality(events: Events, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """All findings that concern single values or columns."""
    if len(events) == 0:
        yield Finding(code="no-events", severity="stop", message="there are no events; give a file that holds some")
        return
    yield from _dropped(events)
    yield from _not_finite(events, config)
    yield from _sentinels(events, config)
    yield from _constants(events)
    yield from _weights(events)
    yield from _classes(events, classes)


def not_finite_rows(events: Events) -> NDArray[np.bool_]:
    """Marks the events with a NaN or an infinity in any feature, the target or the weight."""
    flat = events.features.reshape(len(events), -1)
    bad = ~np.isfinite(flat).all(axis=1) | ~np.isfinite(events.target) | ~np.isfinite(events.weight)
    return np.asarray(bad)


def _dropped(events: Events) -> Iterator[Finding]:
    if events.origin.dropped:
        yield Finding(
            code="dropped-columns",
            severity="note",
            message=f"not all files have {', '.join(events.origin.dropped)}: left out of all (data.unshared: drop)",
        )


def _not_finite(events: Events, config: AuditConfig) -> Iterator[Finding]:
    columns = [(f"feature {name}", name, events.features[..., k]) for k, name in enumerate(events.names)]
    for what, column, values in [*columns, ("the target", None, events.target), ("the weight", None, events.weight)]:
        bad = ~np.isfinite(values.reshape(len(events), -1)).all(axis=1)
        count = int(bad.sum())
        if count == 0:
            continue
        kinds = _kinds(values)
        rows = np.flatnonzero(bad)[:_EXAMPLES]
        text = f"{what} is not finite in {count} of {len(events)} events ({kinds}; first: event {rows[0] + 1})"
        imputable = column is not None
        match config.missing:
            case "drop":
                severity, text = "note", f"{text}; these events were dropped (audit.missing: drop)"
            case "impute" if imputable:
                severity, text = "note", f"{text}; replaced by the training part's median (audit.missing: impute)"
            case "impute":
                severity, text = "stop", f"{text}; only features can be imputed: set audit.missing to drop"
            case _:
                remedy = "drop or impute" if imputable else "drop"
                severity, text = "stop", f"{text}; mend the file or set audit.missing to {remedy}"
        code = "not-finite" if imputable else f"not-finite-{what.removeprefix('the ')}"
        yield Finding(
            code=code,
            severity="stop" if severity == "stop" else "note",
            column=column,
            rows=tuple(int(row) for row in rows),
            message=text,
        )


def _kinds(values: NDArray[np.float32]) -> str:
    counts = {"NaN": int(np.isnan(values).sum()), "infinity": int(np.isinf(values).sum())}
    return ", ".join(f"{n} × {kind}" for kind, n in counts.items() if n)


def _sentinels(events: Events, config: AuditConfig) -> Iterator[Finding]:
    for k, name in enumerate(events.names):
        values = events.features[..., k]
        for sentinel in config.sentinels:
            hits = (values == np.float32(sentinel)).reshape(len(events), -1).any(axis=1)
            count = int(hits.sum())
            if count and count < len(events):  # a column of nothing else is reported as constant
                yield Finding(
                    code="sentinel",
                    severity="warn",
                    column=name,
                    rows=tuple(int(row) for row in np.flatnonzero(hits)[:_EXAMPLES]),
                    message=f"feature {name} is exactly {sentinel:g} in {count} of {len(events)} events: a stand-in "
                    "for a missing value? The models will take it for a number",
                )


def _constants(events: Events) -> Iterator[Finding]:
    for k, name in enumerate(events.names):
        values = events.features[..., k]
        first = values.reshape(-1)[0]
        if bool((values == first).all()):
            yield Finding(
                code="constant",
                severity="warn",
                column=name,
                message=f"feature {name} is {first:g} in all {len(events)} events: it separates nothing",
            )


def _weights(events: Events) -> Iterator[Finding]:
    weight = events.weight.astype(np.float64)
    if not np.isfinite(weight).all():
        return
    for value, name in ((0, "background"), (1, "signal")):
        rows = events.target == value
        if rows.any() and weight[rows].sum() <= 0:
            yield Finding(
                code="weights",
                severity="stop",
                message=f"the weights of class {value} ({name}) sum to {weight[rows].sum():g}; "
                "no efficiency can be quoted: check the weight column",
            )
    negative = weight < 0
    if negative.any():
        effective = weight.sum() ** 2 / (weight**2).sum()
        yield Finding(
            code="negative-weights",
            severity="note",
            message=f"{negative.sum()} of {len(events)} weights are negative ({-weight[negative].sum():.3g} of "
            f"{np.abs(weight).sum():.3g} in absolute weight; effective sample size {effective:.0f}): evaluation keeps "
            "them, training follows train.negative_weights",
        )


def _classes(events: Events, classes: tuple[str, str]) -> Iterator[Finding]:
    target = events.target[np.isfinite(events.target)]
    other = ~np.isin(target, (0, 1))
    if other.any():
        row = int(np.flatnonzero(np.isfinite(events.target) & ~np.isin(events.target, (0, 1)))[0])
        yield Finding(
            code="label-values",
            severity="stop",
            rows=(row,),
            message=f"{other.sum()} labels are neither 0 ({classes[0]}) nor 1 ({classes[1]}): "
            f"{events.target[row]:g} in event {row + 1}",
        )
        return
    present = np.unique(target)
    if len(present) == 1:
        only = classes[int(present[0])]
        yield Finding(
            code="one-class",
            severity="stop",
            message=f"all {len(target)} events are {only}: there is nothing to tell apart; "
            "give the other class's file too",
        )
