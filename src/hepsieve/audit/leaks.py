"""Events to findings about leaks: features that give the label away, identical rows, test rows in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, rankdata

from hepsieve.audit.findings import Finding
from hepsieve.audit.identical import repeated, row_keys, shared_rows
from hepsieve.config import AuditConfig
from hepsieve.events import Events

GIVEAWAY = 0.999
_LOOKED_AT = 200_000  # events; a giveaway shows in any thousand
_BINS = 256
_SIGNIFICANT = 1e-4


def giveaways(events: Events) -> Iterator[Finding]:
    """Single features that alone tell the classes apart with an AUC above 0.999.

    Looks at the feature's order and, for labels hidden in any other code, at the signal fraction in bins, learned on
    one half of the events and tested on the other.
    """
    step = max(1, len(events) // _LOOKED_AT)
    target = np.asarray(events.target[::step]) > 0.5
    if events.features.ndim != 2 or min(target.sum(), (~target).sum()) < 10:
        return
    for k, name in enumerate(events.names):
        values = np.asarray(events.features[::step, k])
        area = max(_separation(values, target), _binned_separation(values, target))
        if area > GIVEAWAY:
            yield Finding(
                code="label-in-feature",
                severity="stop",
                column=name,
                message=f"feature {name} alone tells the classes apart with an AUC of {area:.5f}: it holds the label "
                "or something made from it; leave it out with prepare.features or data.features",
            )


def _separation(values: NDArray[np.float32], signal: NDArray[np.bool_]) -> float:
    """AUC of the value itself in whichever direction is better; NaN counts as the lowest value."""
    ranks = rankdata(np.where(np.isnan(values), -np.inf, values))
    n_signal, n_background = int(signal.sum()), int((~signal).sum())
    if not n_signal or not n_background:
        return 0.5
    area = (ranks[signal].sum() - n_signal * (n_signal + 1) / 2) / (n_signal * n_background)
    return float(max(area, 1 - area))


def _binned_separation(values: NDArray[np.float32], signal: NDArray[np.bool_]) -> float:
    finite = np.nan_to_num(values, nan=-np.inf, neginf=-np.inf, posinf=np.inf)
    ordered = np.sort(finite)
    edges = np.unique(ordered[:: max(1, len(ordered) // _BINS)])
    bins = np.searchsorted(edges, finite, side="right")
    learn = np.arange(len(values)) % 2 == 0
    events = np.bincount(bins[learn], minlength=len(edges) + 1)
    hits = np.bincount(bins[learn], weights=signal[learn], minlength=len(edges) + 1)
    fraction = (hits + 0.5) / (events + 1)
    return _separation(fraction[bins[~learn]].astype(np.float32), signal[~learn])


def duplicates(events: Events, config: AuditConfig) -> Iterator[Finding]:
    """Identical rows within one sample, and those that stand in both classes."""
    keys = row_keys(events.features)
    again = repeated(keys)
    count = int(again.sum())
    if count == 0:
        return
    share = count / len(events)
    rows = np.flatnonzero(again)
    signal = events.target > 0.5
    both = len(np.intersect1d(np.unique(keys[again & signal]), np.unique(keys[again & ~signal])))
    contradiction = f"; {both} of these rows stand in both classes" if both else ""
    yield Finding(
        code="duplicate-rows",
        severity="warn" if share > config.max_duplicates else "note",
        rows=tuple(int(row) for row in rows[:5]),
        message=f"{count} of {len(events)} events ({share:.2%}) occur more than once{contradiction}; identical rows "
        "always fall into the same part",
    )


def shared_between(train: Events, other: Events, *, part: str) -> Iterator[Finding]:
    """Events of a separate test (or validation) file that also stand in the training file.

    Files drawn independently from a generator that repeats itself share rows too. How many, the repeats within each
    file tell: a binomial test compares the pairs across the files with the pairs within them.
    """
    keys, other_keys = row_keys(train.features), row_keys(other.features)
    shared = shared_rows(other_keys, keys)
    if len(shared) == 0:
        return
    within = _repeats(keys) + _repeats(other_keys)
    across = len(np.unique(other_keys[shared]))
    n, m = len(train), len(other)
    pairs_across, pairs_within = n * m, (n * (n - 1) + m * (m - 1)) / 2
    chance = float(binom.sf(across - 1, across + within, pairs_across / (pairs_across + pairs_within)))
    text = f"{len(shared)} of {m} {part} events also stand in the training file"
    if chance < _SIGNIFICANT:
        yield Finding(
            code=f"{part}-rows-in-training",
            severity="stop",
            rows=tuple(int(row) for row in shared[:5]),
            message=f"{text}, more than the {within} repeated rows within the files explain (p = {chance:.1g}): every "
            f"{part} figure would be wrong; remove these rows from the training file",
        )
    else:
        yield Finding(
            code=f"{part}-rows-in-training",
            severity="warn",
            rows=tuple(int(row) for row in shared[:5]),
            message=f"{text}; the {within} repeated rows within the files explain so many (p = {chance:.2g})",
        )


def _repeats(keys: NDArray[np.uint64]) -> int:
    """Rows beyond the first of their kind."""
    return len(keys) - len(np.unique(keys))
