"""A look at the events to findings about features: which say the same, and which say nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from hepsieve.audit.findings import Finding
from hepsieve.audit.look import Look
from hepsieve.audit.separation import area, edges

_SHOWN = 8
_CHANCE = 0.05
_LEAST = 50
_BINS = 20


def correlated(look: Look, threshold: float) -> Iterator[Finding]:
    """Pairs of features with |r| above a threshold in either class, in one finding, strongest first."""
    sides = [correlations(look.values[rows]) for rows in (~look.signal, look.signal)]
    first, second = np.triu_indices(len(look.names), 1)
    r = np.array([side[first, second] for side in sides])
    strength = np.abs(r).max(axis=0)
    found = np.flatnonzero(strength > threshold)
    if len(found) == 0:
        return
    found = found[np.argsort(-strength[found], kind="stable")]
    shown = [
        f"{look.names[first[k]]} with {look.names[second[k]]}: {r[0, k]:.3f} / {r[1, k]:.3f}" for k in found[:_SHOWN]
    ]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    pairs = "1 pair of features is" if len(found) == 1 else f"{len(found)} pairs of features are"
    yield Finding(
        code="correlated-features",
        severity="note",
        message=f"{pairs} strongly correlated, |r| > {threshold:g} in a class (r in background / in signal): "
        f"{'; '.join(shown)}{more}. Such a pair shares its importance; try leaving one of the two out with "
        "prepare.features",
    )


def correlations(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pearson's r of each pair of columns over the rows where both are finite; 0 where one of them is constant.

    Args:
        values: shape (n, p).

    Returns:
        Shape (p, p).
    """
    known = np.isfinite(values)
    n = np.maximum(known.sum(axis=0), 1)
    x = np.where(known, values, 0).astype(np.float64)
    centred = np.where(known, x - x.sum(axis=0) / n, 0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    z = centred / np.where(spread > 0, spread, 1)
    there = known.astype(np.float64)
    both = np.maximum(there.T @ there, 1)
    # Column k of each matrix beside column l: sums over the rows where both are known.
    sums, squares = z.T @ there, (z**2).T @ there
    covariance = z.T @ z - sums * sums.T / both
    variance = squares - sums**2 / both
    scale = np.sqrt(np.maximum(variance * variance.T, 0))
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 1e-9 * both))


def no_separation(look: Look) -> Iterator[Finding]:
    """Features whose distributions in the two classes can't be told apart.

    Two tests per feature, Kolmogorov-Smirnov's of the order and chi² of the signal fraction in 20 bins of equal
    content; p is the smaller one, doubled (Bonferroni), and must stay above 0.05. It is not multiplied by the number
    of features too: that would call features useless that do separate a little.
    """
    for k, name in enumerate(look.names):
        background, signal = look.finite(k)
        if min(len(background), len(signal)) < _LEAST or _constant(background, signal):
            continue
        values = np.concatenate([background, signal])
        is_signal = np.arange(len(values)) >= len(background)
        p = min(
            1.0, 2 * min(float(ks_2samp(background, signal, method="asymp").pvalue), _chi_squared(values, is_signal))
        )
        if p > _CHANCE:
            yield Finding(
                code="no-separation",
                severity="note",
                column=name,
                message=f"feature {name} alone shows no separation: AUC {area(values, is_signal):.3f}, and the "
                f"classes' distributions agree with p = {p:.2g} (Kolmogorov-Smirnov and chi²; {len(background)} "
                f"background and {len(signal)} signal events). Together with others it may still help: see its "
                "importance before leaving it out with prepare.features",
            )


def _constant(*sides: NDArray[np.float64]) -> bool:
    return min(float(side.min()) for side in sides) == max(float(side.max()) for side in sides)


def _chi_squared(values: NDArray[np.float64], signal: NDArray[np.bool_]) -> float:
    """p-value of equal signal fractions in all bins."""
    bins = np.searchsorted(edges(values, _BINS), values, side="right")
    table = np.array([np.bincount(bins[side], minlength=bins.max() + 1) for side in (~signal, signal)])
    return float(chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False).pvalue)
