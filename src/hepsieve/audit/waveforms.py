"""What was counted in waveforms to findings: flat, clipped and cut off ones, pedestals, noise, pulses upside down."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.findings import Finding, Severity
from hepsieve.audit.sides import BY_CHANCE, Mask, by_chance, first_rows, listed, shares
from hepsieve.audit.waveform_survey import WaveformSurvey
from hepsieve.config import AuditConfig

_MANY = 0.01  # share of waveforms from which on something is loud
_PEDESTAL = 0.5  # of the noise
_OF_AREA = 0.05
_FAR = 8.0  # noises away from the other baselines
_LIMITS = {2.0**bits - 1: f"{bits} bits" for bits in (8, 10, 12, 14, 15, 16)}


def waveform_findings(
    seen: WaveformSurvey, config: AuditConfig, names: tuple[str, str], channels: tuple[str, ...], units: tuple[str, ...]
) -> Iterator[Finding]:
    """All findings that concern waveforms and their samples, whatever can be learned from them.

    Args:
        seen: what was counted in the waveforms.
        config: whether empty waveforms are dropped.
        names: what background and signal are called; empty in a regression.
        channels: their names.
        units: their units.
    """
    yield from _empty(seen, config, names)
    for k, (channel, unit) in enumerate(zip(channels, units, strict=True)):
        usable = seen.complete & ~seen.empty
        if usable.any():
            yield from _clipped(seen, k, names, channel, unit)
            yield from _cut(seen, k, names, channel)
            yield from _dark(seen, k, names, channel)
            yield from _down(seen, k, names, channel)
            yield from _normalised(seen, k, channel, usable)
            yield from _pedestal(seen, k, channel, unit, usable)
            yield from _baselines(seen, k, channel, unit, usable)


def _empty(seen: WaveformSurvey, config: AuditConfig, names: tuple[str, str]) -> Iterator[Finding]:
    count = int(seen.empty.sum())
    if count == 0:
        return
    marked, rows = seen.by_class(seen.empty), first_rows(seen.empty)
    one, they = (
        ("1 waveform never changes", "it was") if count == 1 else (f"{count} waveforms never change", "they were")
    )
    counted = shares(marked, seen.counts, names, "waveform")
    text = f"{one}, so that nothing can be seen: {counted}; {listed(rows, 'waveform')}"
    severity: Severity = "stop"
    if count == len(seen.empty):
        text = f"all {count} waveforms are flat: no sample differs from the others; check the file and its array"
    elif config.empty_images == "drop":
        severity, text = "note", f"{text}; {they} dropped (audit.empty_images: drop)"
    elif (p := by_chance(marked, seen.counts)) < BY_CHANCE:
        text = (
            f"flat waveforms give the class away: {text}, which no chance explains (p = {p:.1g}). A model learns to "
            "score them by that; set audit.empty_images to drop"
        )
    else:
        text = f"{text}; set audit.empty_images to drop, or accept empty-waveforms"
    yield Finding(code="empty-waveforms", severity=severity, rows=rows, message=text)


def _told(marks: Mask, seen: WaveformSurvey, names: tuple[str, str]) -> str:
    """How many waveforms are marked and which come first, and whether that gives the class away."""
    marked = seen.by_class(marks)
    p = by_chance(marked, seen.counts)
    uneven = f"; not as often in both classes (p = {p:.1g}), which gives them away" if p < BY_CHANCE else ""
    return f"{shares(marked, seen.counts, names, 'waveform')}; {listed(first_rows(marks), 'waveform')}{uneven}"


def _loud(marks: Mask, seen: WaveformSurvey) -> Severity:
    """Loud where it concerns more than a few waveforms, or one class more than the other."""
    marked = seen.by_class(marks)
    uneven = by_chance(marked, seen.counts) < BY_CHANCE
    return "warn" if uneven or marks.mean() >= _MANY else "note"


def _clipped(seen: WaveformSurvey, k: int, names: tuple[str, str], channel: str, unit: str) -> Iterator[Finding]:
    top, usable = seen.quantity("highest sample", k), seen.complete & ~seen.empty & ~seen.down[:, k]
    ceiling, shared = _ceiling(top[usable])
    marks = seen.clipped[:, k] | ((top == ceiling) & usable if shared else False)
    if not marks.any():
        return
    worst = int(np.where(marks, seen.at_top[:, k], 0).argmax())
    limit = f", the end of a scale of {_LIMITS[ceiling]}" if ceiling in _LIMITS and shared else ""
    level = f" at {ceiling:g}{_with(unit)}{limit}" if shared else ""
    yield Finding(
        code="clipped-waveforms",
        severity="warn",
        column=channel,
        rows=first_rows(marks),
        message=f"clipped{level}: many samples at exactly the highest value, up to {seen.at_top[worst, k]} of "
        f"{seen.samples} (waveform {worst + 1}), in {_told(marks, seen, names)}. What went beyond is lost: areas and "
        "shapes of such pulses are wrong; leave them out, or give the range that was not saturated",
    )


def _ceiling(tops: NDArray[np.floating]) -> tuple[float, bool]:
    """The highest sample of all, and whether so many waveforms reach exactly it that it is the end of a scale."""
    if len(tops) == 0:
        return 0.0, False
    ceiling = float(tops.max())
    there = int((tops == ceiling).sum())
    below = tops[tops < ceiling]
    # Whole numbers repeat by themselves.
    whole = len(np.unique(below)) < 0.9 * len(below)
    if there < (8 if whole else 3) or len(below) == 0:
        return ceiling, False
    span = ceiling - float(np.median(below))
    near = int((below >= ceiling - 0.05 * span).sum())
    return ceiling, there > (2 if whole else 1) * near and span >= 10 * (ceiling - float(below.max()))


def _cut(seen: WaveformSurvey, k: int, names: tuple[str, str], channel: str) -> Iterator[Finding]:
    marks = seen.cut[:, k]
    if marks.any():
        yield Finding(
            code="cut-off-waveforms",
            severity=_loud(marks, seen),
            column=channel,
            rows=first_rows(marks),
            message=f"the first or the last samples hold more than a tenth of the highest light, so that a pulse is "
            f"cut off at the edge of the window, in {_told(marks, seen, names)}",
        )


def _dark(seen: WaveformSurvey, k: int, names: tuple[str, str], channel: str) -> Iterator[Finding]:
    marks = seen.dark[:, k]
    if marks.any():
        yield Finding(
            code="no-pulse",
            severity=_loud(marks, seen),
            column=channel,
            rows=first_rows(marks),
            message=f"nothing rises above the noise in {_told(marks, seen, names)}",
        )


def _down(seen: WaveformSurvey, k: int, names: tuple[str, str], channel: str) -> Iterator[Finding]:
    marks = seen.down[:, k]
    if marks.any():
        yield Finding(
            code="negative-pulses",
            severity="warn",
            column=channel,
            rows=first_rows(marks),
            message=f"pulses go down from the baseline in {_told(marks, seen, names)}: is this a raw voltage? Areas "
            "and pulse shapes expect light to count upwards; turn the waveforms over in the file",
        )


def _normalised(seen: WaveformSurvey, k: int, channel: str, usable: Mask) -> Iterator[Finding]:
    tops = seen.quantity("highest sample", k)[usable]
    if len(tops) >= 10 and (tops == tops[0]).all() and np.median(seen.at_top[usable, k]) < 3:
        yield Finding(
            code="already-normalised",
            severity="note",
            column=channel,
            message=f"the highest sample of every waveform is exactly {tops[0]:g}: each was scaled by itself before, "
            "and how large the pulses were can't be learned any more",
        )


def _pedestal(seen: WaveformSurvey, k: int, channel: str, unit: str, usable: Mask) -> Iterator[Finding]:
    level, noise, area = (seen.quantity(name, k)[usable] for name in ("baseline", "noise", "area"))
    if not np.isfinite(level).any():
        return
    base, rms, light = (float(np.nanmedian(values)) for values in (level, noise, area))
    adds = base * seen.samples
    # Less than the noise of an area harms none, and without pulses the area itself is noise.
    allowed = max(_OF_AREA * abs(light), rms * np.sqrt(seen.samples))
    if (rms == 0 or abs(base) <= _PEDESTAL * rms) and abs(adds) <= allowed:
        return
    low, high = np.nanquantile(level, (0.05, 0.95))
    yield Finding(
        code="baseline",
        severity="warn",
        column=channel,
        message=f"the waveforms stand on a pedestal: the median of the quiet samples is {base:.4g}{_with(unit)} (90 % "
        f"of the waveforms between {low:.4g} and {high:.4g}; noise {rms:.3g} rms). Over {seen.samples} samples it adds "
        f"{adds:.4g} to an area of {light:.4g}: subtract it in the file",
    )


def _baselines(seen: WaveformSurvey, k: int, channel: str, unit: str, usable: Mask) -> Iterator[Finding]:
    level, noise = seen.quantity("baseline", k), seen.quantity("noise", k)
    known = usable & np.isfinite(level)
    if not known.any():
        return
    base, rms = float(np.median(level[known])), float(np.median(noise[known]))
    light = float(np.median(np.abs(seen.quantity("area", k)[known])))
    # A shift well below the noise, or of less than a twentieth of the pulse's light, harms nothing.
    by_area = _OF_AREA * light / seen.samples
    limit = max(_PEDESTAL * rms, min(_FAR * rms, by_area)) if rms > 0 else by_area
    marks = known & (np.abs(level - base) > limit)
    if not marks.any():
        return
    worst = int(np.where(marks, np.abs(level - base), -1).argmax())
    rows = first_rows(marks)
    yield Finding(
        code="baselines-differ",
        severity="warn" if marks.mean() >= _MANY else "note",
        column=channel,
        rows=rows,
        message=f"{marks.sum()} of {len(marks)} waveforms ({marks.mean():.2%}) have another baseline than the rest, "
        f"{base:.4g}{_with(unit)}, by more than {limit:.3g}; {listed(rows, 'waveform')}; farthest: waveform "
        f"{worst + 1} at {level[worst]:.4g}. Noise is {rms:.3g} rms; subtract each waveform's own baseline in the file",
    )


def _with(unit: str) -> str:
    return f" {unit}" if unit else ""
