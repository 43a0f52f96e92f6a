"""Events to findings about their quality: values that are no numbers, sentinels, constants, weights, classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.findings import Finding
from hepsieve.audit.sides import words
from hepsieve.audit.survey import empty_images
from hepsieve.audit.targets import target_findings
from hepsieve.audit.waveform_survey import empty_waveforms
from hepsieve.config import AuditConfig
from hepsieve.events import Events, FloatArray
from hepsieve.waveforms import are_waveforms

_EXAMPLES = 5
Mask = NDArray[np.bool_]


def quality(events: Events, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """All findings that concern single values or columns."""
    if len(events) == 0:
        yield Finding(code="no-events", severity="stop", message="there are no events; give a file that holds some")
        return
    yield from _dropped(events)
    seen = _walk(events, config)
    yield from _not_finite(events, config, seen.not_finite)
    yield from _sentinels(events, config, seen.sentinel)
    yield from _constants(events, seen.varies)
    if events.kind == "regression":
        yield from _total_weight(events)
        yield from target_findings(events)
    else:
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


def unusable_rows(events: Events, config: AuditConfig) -> Mask:
    """Marks the events that the config says to drop: those that are not finite, empty images and flat waveforms."""
    marks = not_finite_rows(events) if config.missing == "drop" else np.zeros(len(events), np.bool_)
    if config.empty_images != "drop":
        return marks
    return marks | (empty_waveforms(events) if are_waveforms(events) else empty_images(events))


def _dropped(events: Events) -> Iterator[Finding]:
    if events.origin.dropped:
        yield Finding(
            code="dropped-columns",
            severity="note",
            message=f"not all files have {', '.join(events.origin.dropped)}: left out of all (data.unshared: drop)",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """What some value of each feature (of each channel of images) is; all of shape (p,)."""

    not_finite: Mask
    sentinel: Mask
    varies: Mask


def _walk(events: Events, config: AuditConfig) -> _Seen:
    """One walk through all values."""
    features, p = events.features, len(events.names)
    sentinels = np.array(config.sentinels, np.float32)
    firsts = features[:1].reshape(-1, p)[0]
    parts = list(spill.blocks(features))
    found = np.zeros((len(parts), 3, p), np.bool_)
    # Nearly all columns vary within the first block already.
    varies = _columns(np.asarray(features[parts[0]]) != firsts, p)

    def look(part: slice) -> None:
        values, here = np.asarray(features[part]), found[part.start // (parts[0].stop or 1)]
        here[0] = _columns(~np.isfinite(values), p)
        here[1] = _columns(np.isin(values, sentinels), p)
        here[2] = varies if varies.all() else _columns(values != firsts, p)

    spill.on_all_cores(look, parts)
    return _Seen(
        not_finite=np.any(found[:, 0], axis=0), sentinel=np.any(found[:, 1], axis=0), varies=np.any(found[:, 2], axis=0)
    )


def _columns(marks: Mask, p: int) -> Mask:
    return np.asarray(marks.reshape(-1, p).any(axis=0)) if marks.any() else np.zeros(p, np.bool_)


def _rows_where(values: FloatArray, test: Callable[[FloatArray], Mask]) -> NDArray[np.int64]:
    """The events with a value that passes a test."""
    found = [np.empty(0, np.int64)]
    for part in spill.blocks(values):
        here = test(np.asarray(values[part]))
        found.append(np.flatnonzero(np.any(here.reshape(len(here), -1), axis=1)) + part.start)
    return np.concatenate(found)


def _not_finite(events: Events, config: AuditConfig, suspects: Mask) -> Iterator[Finding]:
    feature, event = words(events)
    columns = [
        (f"{feature} {events.names[k]}", events.names[k], events.features[..., k]) for k in np.flatnonzero(suspects)
    ]
    target = "the target" if events.scale is None else f"the target {events.scale.name}"
    for what, column, values in [*columns, (target, None, events.target), ("the weight", None, events.weight)]:
        bad = _rows_where(values, lambda block: ~np.isfinite(block))
        if len(bad) == 0:
            continue
        first = _first(values, bad, event)
        text = f"{what} is not finite in {len(bad)} of {len(events)} {event}s ({_kinds(values)}; {first})"
        imputable = column is not None
        match config.missing:
            case "drop":
                severity, text = "note", f"{text}; these {event}s were dropped (audit.missing: drop)"
            case "impute" if imputable:
                severity, text = "note", f"{text}; replaced by the training part's median (audit.missing: impute)"
            case "impute":
                severity, text = "stop", f"{text}; only features can be imputed: set audit.missing to drop"
            case _:
                remedy = "mend the file or set audit.missing to drop" + (" or impute" if imputable else "")
                if not imputable and events.kind == "regression":
                    remedy = "mend the file, or take them out of it"
                severity, text = "stop", f"{text}; {remedy}"
        code = "not-finite" if imputable else f"not-finite-{what.split()[1]}"
        yield Finding(
            code=code,
            severity="stop" if severity == "stop" else "note",
            column=column,
            rows=tuple(bad[:_EXAMPLES].tolist()),
            message=text,
        )


def _first(values: FloatArray, bad: NDArray[np.int64], event: str) -> str:
    """Which event comes first; of images a few, and where in the first one."""
    if values.ndim == 1 or event == "event":
        return f"first: event {bad[0] + 1}"
    place = np.argwhere(~np.isfinite(values[bad[0]]))[0].tolist()
    where = f"pixel {place}" if event == "image" else f"sample {place[0]}"
    others = ", ".join(str(k + 1) for k in bad[1:_EXAMPLES])
    return f"first: {event} {bad[0] + 1}, {where}" + (f"; then {others}" if others else "")


def _kinds(values: FloatArray) -> str:
    counts = {"NaN": 0, "infinity": 0}
    for part in spill.blocks(values):
        here = np.asarray(values[part])
        counts["NaN"] += int(np.isnan(here).sum())
        counts["infinity"] += int(np.isinf(here).sum())
    return ", ".join(f"{n} × {kind}" for kind, n in counts.items() if n)


def _sentinels(events: Events, config: AuditConfig, suspects: Mask) -> Iterator[Finding]:
    feature, event = words(events)
    for k in np.flatnonzero(suspects):
        name = events.names[k]
        for sentinel in config.sentinels:
            rows = _rows_where(events.features[..., k], partial(np.equal, np.float32(sentinel)))
            if 0 < len(rows) < len(events):  # a column of nothing else is reported as constant
                yield Finding(
                    code="sentinel",
                    severity="warn",
                    column=name,
                    rows=tuple(rows[:_EXAMPLES].tolist()),
                    message=f"{feature} {name} is exactly {sentinel:g} in {len(rows)} of {len(events)} {event}s: a "
                    "stand-in for a missing value? The models will take it for a number",
                )


def _constants(events: Events, varies: Mask) -> Iterator[Finding]:
    feature, event = words(events)
    firsts = events.features[:1].reshape(-1, len(events.names))[0]
    for k in np.flatnonzero(~varies):
        name, first = events.names[k], firsts[k]
        if first == first:  # NaN differs from itself
            yield Finding(
                code="constant",
                severity="warn",
                column=name,
                message=f"{feature} {name} is {first:g} in all {len(events)} {event}s: it separates nothing",
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
        yield _negative_weights(events, several, total=total, negative=negative, squares=squares)


def _negative_weights(events: Events, several: int, *, total: float, negative: float, squares: float) -> Finding:
    return Finding(
        code="negative-weights",
        severity="note",
        message=f"{several} of {len(events)} weights are negative ({negative:.3g} of {total + 2 * negative:.3g} in "
        f"absolute weight; effective sample size {total**2 / squares:.0f}): evaluation keeps them, training "
        "follows train.negative_weights",
    )


def _total_weight(events: Events) -> Iterator[Finding]:
    weight = np.asarray(events.weight, np.float64)
    if not np.isfinite(weight).all():
        return
    total = float(weight.sum())
    if total <= 0:
        yield Finding(
            code="weights",
            severity="stop",
            message=f"the weights sum to {total:g}; no error can be quoted: check the weight column",
        )
    below = weight < 0
    if below.any():
        yield _negative_weights(
            events,
            int(below.sum()),
            total=total,
            negative=-float(weight[below].sum()),
            squares=float((weight**2).sum()),
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
