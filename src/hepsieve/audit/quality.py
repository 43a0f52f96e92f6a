"""Events to findings about their quality: values that are no numbers, sentinels, constants, weights, classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.findings import Finding
from hepsieve.config import AuditConfig
from hepsieve.events import Events, FloatArray

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
    bad = np.empty(len(events), np.bool_)
    for rows in spill.blocks(events.features):
        values = events.features[rows]
        bad[rows] = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        bad[rows] |= ~np.isfinite(events.target[rows]) | ~np.isfinite(events.weight[rows])
    return bad


def _dropped(events: Events) -> Iterator[Finding]:
    if events.origin.dropped:
        yield Finding(
            code="dropped-columns",
            severity="note",
            message=f"not all files have {', '.join(events.origin.dropped)}: left out of all (data.unshared: drop)",
        )


def _not_finite(events: Events, config: AuditConfig) -> Iterator[Finding]:
    columns = [(f"feature {name}", name, events.features[..., k]) for k, name in enumerate(events.names)]
    suspects = _columns_where(events, lambda values: ~np.isfinite(values))
    suspicious = [column for column, suspect in zip(columns, suspects, strict=True) if suspect]
    for what, column, values in [*suspicious, ("the target", None, events.target), ("the weight", None, events.weight)]:
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


def _columns_where(events: Events, test: Callable[[FloatArray], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The features with a value that passes a test, in one walk through all events; shape (p,)."""
    found = np.zeros(len(events.names), np.bool_)
    for rows in spill.blocks(events.features):
        found |= test(events.features[rows]).reshape(-1, len(found)).any(axis=0)
    return found


def _kinds(values: NDArray[np.float32]) -> str:
    counts = {"NaN": int(np.isnan(values).sum()), "infinity": int(np.isinf(values).sum())}
    return ", ".join(f"{n} × {kind}" for kind, n in counts.items() if n)


def _sentinels(events: Events, config: AuditConfig) -> Iterator[Finding]:
    sentinels = np.array(config.sentinels, np.float32)
    for k in np.flatnonzero(_columns_where(events, lambda values: np.isin(values, sentinels))):
        name, values = events.names[k], events.features[..., k]
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
    firsts = events.features[:1].reshape(-1, len(events.names))[0]
    for k in np.flatnonzero(~_columns_where(events, lambda values: values != firsts)):
        name, first = events.names[k], firsts[k]
        if first == first:  # NaN differs from itself
            yield Finding(
                code="constant",
                severity="warn",
                column=name,
                message=f"feature {name} is {first:g} in all {len(events)} events: it separates nothing",
            )


def _weights(events: Events) -> Iterator[Finding]:
    sums = {0: 0.0, 1: 0.0}
    total = squares = negative = 0.0
    several = 0
    for rows in spill.blocks(events.weight):
        weight, target = np.asarray(events.weight[rows], np.float64), events.target[rows]
        if not np.isfinite(weight).all():
            return
        total, squares = total + float(weight.sum()), squares + float((weight**2).sum())
        negative, several = negative - float(weight[weight < 0].sum()), several + int((weight < 0).sum())
        for value in sums:
            sums[value] += float(weight[target == value].sum())
    for value, name in ((0, "background"), (1, "signal")):
        if sums[value] <= 0 and bool((events.target == value).any()):
            yield Finding(
                code="weights",
                severity="stop",
                message=f"the weights of class {value} ({name}) sum to {sums[value]:g}; "
                "no efficiency can be quoted: check the weight column",
            )
    if several:
        yield Finding(
            code="negative-weights",
            severity="note",
            message=f"{several} of {len(events)} weights are negative ({negative:.3g} of {total + 2 * negative:.3g} in "
            f"absolute weight; effective sample size {total**2 / squares:.0f}): evaluation keeps them, training "
            "follows train.negative_weights",
        )


def _classes(events: Events, classes: tuple[str, str]) -> Iterator[Finding]:
    counts = {0: 0, 1: 0}
    others = []
    for rows in spill.blocks(events.target):
        target = events.target[rows]
        for value in counts:
            counts[value] += int((target == value).sum())
        others.append(np.flatnonzero(np.isfinite(target) & (target != 0) & (target != 1)) + rows.start)
    other = np.concatenate(others)
    if len(other):
        row = int(other[0])
        yield Finding(
            code="label-values",
            severity="stop",
            rows=(row,),
            message=f"{len(other)} labels are neither 0 ({classes[0]}) nor 1 ({classes[1]}): "
            f"{events.target[row]:g} in event {row + 1}",
        )
        return
    present = [value for value, count in counts.items() if count]
    if len(present) == 1:
        only = classes[present[0]]
        yield Finding(
            code="one-class",
            severity="stop",
            message=f"all {counts[present[0]]} events are {only}: there is nothing to tell apart; "
            "give the other class's file too",
        )
