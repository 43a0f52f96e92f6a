"""What was counted in images to findings: empty ones, pixels that are dead or hot, showers off centre, odd values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from hepsieve.audit.findings import Finding, Severity
from hepsieve.audit.sides import BY_CHANCE, Counts, Mask, by_chance, first_rows, shares
from hepsieve.audit.survey import Survey
from hepsieve.config import AuditConfig

_EXAMPLES = 5
_FAR_MORE, _FAR_LESS = 3, 100  # times as often, or as rarely, as the neighbours
_FEW_OFF_CENTRE = 0.05
Rates = NDArray[np.float64]


def image_findings(seen: Survey, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    """All findings that concern images and their pixels, whatever can be learned from them.

    Args:
        seen: what was counted in the images.
        config: whether empty images are dropped.
        classes: the names of background and signal; empty in a regression.
    """
    yield from _empty(seen, config, classes)
    yield from _dead(seen, classes)
    yield from _hot(seen, classes)
    if seen.energy is not None:
        yield from _off_centre(seen, classes)
        yield from _timeless(seen, classes)
        yield from _negative(seen, float(seen.low[seen.energy]), classes)


def _empty(seen: Survey, config: AuditConfig, classes: tuple[str, str]) -> Iterator[Finding]:
    count = int(seen.empty.sum())
    if count == 0:
        return
    marked = seen.by_class(seen.empty)
    one, they = ("1 image has", "it was") if count == 1 else (f"{count} images have", "they were")
    text = f"{one} no energy at all: {shares(marked, seen.counts, classes, 'image')}"
    severity: Severity = "warn"
    if count == len(seen.empty):
        severity, text = "stop", f"all {count} images are empty: none has any energy; check the file and its channels"
    elif config.empty_images == "drop":
        severity, text = "note", f"{text}; {they} dropped (audit.empty_images: drop)"
    elif (p := by_chance(marked, seen.counts)) < BY_CHANCE:
        text = (
            f"empty images give the class away: {text}, which no chance explains (p = {p:.1g}). A model "
            "learns to score them by that; set audit.empty_images to drop"
        )
    else:
        text = f"{text}; nothing can be seen in them: set audit.empty_images to drop"
    yield Finding(code="empty-images", severity=severity, rows=first_rows(seen.empty), message=text)


def _dead(seen: Survey, classes: tuple[str, str]) -> Iterator[Finding]:
    """Pixels that are never hit, though their neighbours are."""
    dead = _never_hit(seen.hits.sum(axis=0))
    yield from _pixels(
        dead,
        code="dead-pixels",
        what="never or hardly ever has energy|never or hardly ever have energy",
        why=", though the pixels around do: dead crystals, or images that were cut or damaged",
    )
    for side, name in enumerate(classes):
        yield from _pixels(
            _not_alike(_never_hit(seen.hits[side]) & ~dead, seen),
            code="dead-pixels",
            column=name,
            what=f"has energy in no {name} image, or hardly any|have energy in no {name} image, or hardly any",
            why=f", though the pixels around do, and {classes[1 - side]} images do: this gives the class away. Set "
            "such pixels to 0 in both classes",
        )


def _hot(seen: Survey, classes: tuple[str, str]) -> Iterator[Finding]:
    """Pixels that are hit far more often than their neighbours; where the showers stand is none of them."""
    hot = _too_often(seen.hits.sum(axis=0)) | _too_often(seen.hits[0]) | _too_often(seen.hits[1])
    if (usual := seen.usual) is not None:
        hot.flat[usual] = False
    uneven = _not_alike(hot, seen)
    why = f" more than {_FAR_MORE} times as often as the pixels around: noisy crystals? Set them to 0"
    yield from _pixels(hot & ~uneven, code="hot-pixels", what="has energy|have energy", why=f"{why} in the file")
    more_often = (seen.hits / np.maximum(seen.counts, 1)[:, np.newaxis, np.newaxis]).argmax(axis=0)
    for side, name in enumerate(classes):
        yield from _pixels(
            uneven & (more_often == side),
            code="hot-pixels",
            column=name,
            what=f"has energy in {name} images|have energy in {name} images",
            why=f"{why} in both classes: {classes[1 - side]} images have less of it, which gives the class away",
        )


def _not_alike(marks: Mask, seen: Survey) -> Mask:
    """Of these pixels the ones that are not hit equally often in both classes."""
    found = np.zeros_like(marks)
    for row, column in np.argwhere(marks):
        found[row, column] = by_chance(seen.hits[:, row, column], seen.counts) < BY_CHANCE
    return found


def _pixels(marks: Mask, *, code: str, what: str, why: str, column: str | None = None) -> Iterator[Finding]:
    places = np.argwhere(marks)
    if len(places) == 0:
        return
    one, several = what.split("|")
    listed = ", ".join(f"[{row}, {column}]" for row, column in places[:_EXAMPLES])
    more = f" and {len(places) - _EXAMPLES} more" if len(places) > _EXAMPLES else ""
    subject = f"pixel {listed} {one}" if len(places) == 1 else f"{len(places)} pixels ({listed}{more}) {several}"
    yield Finding(code=code, severity="warn", column=column, message=f"{subject}{why}")


def _never_hit(hits: Counts) -> Mask:
    """Pixels that have at most a hundredth of the hits of their rarer neighbours, which no chance explains."""
    around, known = _around(hits)
    # The fourth rarest of eight: at the edge of the showers three are rare, and dead pixels may come in groups.
    rare = np.take_along_axis(around, (3 * known // 8)[np.newaxis], axis=0)[0]
    return np.asarray((hits <= rare / _FAR_LESS) & (poisson.cdf(hits, rare) < BY_CHANCE / hits.size))


def _too_often(hits: Counts) -> Mask:
    """Pixels hit more than three times as often as the third most frequent neighbour, beyond chance."""
    around, known = _around(hits)
    frequent = np.take_along_axis(around, (known - 1 - known // 4)[np.newaxis], axis=0)[0]
    # Around pixels without a hit the rate is not zero, only unknown.
    expected = np.maximum(frequent, (np.nansum(around, axis=0) + 1) / np.maximum(known, 1))
    return np.asarray(poisson.sf(hits - 1, _FAR_MORE * expected) < BY_CHANCE / hits.size)


def _around(hits: Counts) -> tuple[Rates, Counts]:
    """The hits of the eight pixels around each, rising, shape (8, rows, columns); NaN beyond the edge; how many."""
    height, width = hits.shape
    padded = np.pad(hits.astype(np.float64), 1, constant_values=np.nan)
    shifts = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    around = np.sort([padded[row : row + height, column : column + width] for row, column in shifts], axis=0)
    return around, np.isfinite(around).sum(axis=0)


def _pixel_count(pixels: int) -> str:
    return "1 pixel has" if pixels == 1 else f"{pixels} pixels have"


def _off_centre(seen: Survey, classes: tuple[str, str]) -> Iterator[Finding]:
    usual = seen.usual
    if usual is None:
        return
    away = seen.lit & (seen.hottest != usual)
    marked, of = seen.by_class(away), seen.by_class(seen.lit)
    share = marked.sum() / max(of.sum(), 1)
    if share == 0:
        return
    place = f"[{usual // seen.shape[1]}, {usual % seen.shape[1]}]"
    text = f"the hottest crystal is not the usual one, {place}, in {shares(marked, of, classes, 'image')}"
    p = by_chance(marked, of)
    if p < BY_CHANCE:
        text += f", which is not the same in both classes (p = {p:.1g})"
    few = share <= _FEW_OFF_CENTRE
    remedy = "" if few else "; cut the images out around the hottest crystal, or expect a network to learn where it is"
    yield Finding(
        code="off-centre", severity="note" if few else "warn", rows=first_rows(away), message=f"{text}{remedy}"
    )


def _timeless(seen: Survey, classes: tuple[str, str]) -> Iterator[Finding]:
    marked, pixels = seen.timeless
    if pixels == 0:
        return
    p = by_chance(marked, seen.counts)
    differs = f", and not as often in both classes (p = {p:.1g})" if p < BY_CHANCE else ""
    yield Finding(
        code="time-without-energy",
        severity="warn" if differs else "note",
        message=f"{_pixel_count(pixels)} a time and no energy, in {shares(marked, seen.counts, classes, 'image')}"
        f"{differs}: such a time means nothing; prepare.image.mask_time hides it",
    )


def _negative(seen: Survey, lowest: float, classes: tuple[str, str]) -> Iterator[Finding]:
    marked, pixels = seen.negative
    if pixels == 0:
        return
    yield Finding(
        code="negative-energy",
        severity="warn",
        message=f"{_pixel_count(pixels)} a negative energy, down to {lowest:.3g}, in "
        f"{shares(marked, seen.counts, classes, 'image')}: noise around a pedestal that was subtracted, or a fault? "
        "Shower shapes count it as 0",
    )
