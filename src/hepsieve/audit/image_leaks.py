"""A look at images to findings about labels in them: a shower shape, or a pixel, that gives the class away alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.findings import Finding
from hepsieve.audit.leaks import no_chance, separations_alone, strong_feature
from hepsieve.audit.look import ImageLook, Look
from hepsieve.audit.separation import GIVEAWAY, STRONG

_FIRST_ROWS = 4000
_FIRST_AREA = 0.985
_MOST = 16  # pixels that are examined on all rows
_SHOWN = 5
_AT_ONCE = 128  # pixels


def image_giveaways(look: ImageLook) -> Iterator[Finding]:
    """Shower shapes and pixels that alone tell the classes apart with an AUC above 0.999.

    They stop a run where few images can't be the reason, like features of a table; else they are a warning.
    """
    if look.shapes is not None:
        yield from giveaway(
            look.shapes,
            separations_alone(look.shapes),
            what="shower shape",
            codes=False,  # the number of hot crystals is honest and small
            remedy="the images of the classes were not made alike: look for another unit, threshold, noise or crop",
        )
    suspects, total = _suspects(look)
    pixels = look.pixels(suspects)
    yield from giveaway(
        pixels,
        separations_alone(pixels),
        what="pixel",
        codes=True,
        remedy="was the label written into the images? Set such pixels to 0 in both classes, or leave the channel out "
        "with prepare.features",
        unseen=total - len(suspects),
    )


def giveaway(
    look: Look,
    alone: Sequence[float],
    *,
    what: str,
    remedy: str,
    codes: bool,
    unseen: int = 0,
    code: str = "label-in-feature",
    rows: str = "images",
) -> Iterator[Finding]:
    """One finding for all columns that give the class away; ``unseen`` of them were not examined further.

    Args:
        look: the columns.
        alone: the AUC with which each separates alone.
        what: a column is called.
        remedy: what to do about it.
        codes: whether columns of few values are suspicious for that.
        unseen: how many others looked so good.
        code: of the finding.
        rows: what the events are called.
    """
    found = sorted((k for k, value in enumerate(alone) if value > GIVEAWAY), key=lambda k: -alone[k])
    strong = sorted((k for k, value in enumerate(alone) if STRONG < value <= GIVEAWAY), key=lambda k: -alone[k])
    if not found and strong:
        listed = ", ".join(f"{look.names[k]} {alone[k]:.5f}" for k in strong[1:_SHOWN])
        also = f" (also {listed})" if listed else ""
        yield strong_feature(what, look.names[strong[0]], alone[strong[0]], also=also)
    if not found:
        return
    best = found[0]
    others = ", ".join(f"{look.names[k]} {alone[k]:.5f}" for k in found[1:_SHOWN])
    more = len(found) - _SHOWN + unseen
    also = f" (also {others}{f' and {more} more' if more > 0 else ''})" if others else ""
    certain = any(no_chance(alone[k], look, k, codes=codes) for k in found)
    yield Finding(
        code=code,
        severity="stop" if certain else "warn",
        column=look.names[best],
        message=f"{what} {look.names[best]} alone tells the classes apart with an AUC of {alone[best]:.5f}{also}: "
        f"{remedy}" + ("" if certain else f". It may also be very good, or the {rows} few"),
    )


def _suspects(look: ImageLook) -> tuple[NDArray[np.int64], int]:
    """The pixels that a quick look at some of the images calls best, and how many looked so good.

    Images that agree in a pixel without energy have no order there: with shares of zero b and s in the classes no AUC
    is above 1 − bs/2, which leaves few pixels to look at.
    """
    zeros = _zeros(look)
    candidates = np.flatnonzero(zeros[0] * zeros[1] < 4 * (1 - STRONG))
    rows = np.sort(np.random.default_rng(0).permutation(len(look.signal))[:_FIRST_ROWS])
    quick = [
        separations_alone(look.pixels(candidates[start : start + _AT_ONCE], rows))
        for start in range(0, len(candidates), _AT_ONCE)
    ]
    areas = np.array([area for part in quick for area in part])
    good = np.flatnonzero(areas > _FIRST_AREA)
    best = good[np.argsort(-areas[good], kind="stable")[:_MOST]]
    return candidates[best], len(good)


def _zeros(look: ImageLook) -> NDArray[np.float64]:
    """The share of images of background and of signal that are zero in each pixel, shape (2, pixels · channels)."""
    found = np.zeros((2, int(np.prod(look.images.shape[1:]))))
    for rows in spill.blocks(look.images):
        zero = (look.images[rows] == 0).reshape(rows.stop - rows.start, -1).astype(np.float32)
        found += np.stack([~look.signal[rows], look.signal[rows]]).astype(np.float32) @ zero
    images = np.bincount(look.signal, minlength=2)
    return np.asarray(found / images[:, np.newaxis])
