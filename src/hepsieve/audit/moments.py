"""Blocks of rows to counts, means and co-moments of their columns, which add up over blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# What is left of the variance of a column that is constant in a pair's rows, relative to the column's own variance.
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Sums over the rows in which both columns of a pair are finite, for every pair of p columns.

    Attributes:
        n: shape (p, p), the numbers of such rows.
        mean: shape (p, p): [k, l] is the mean of column k over the rows of the pair (k, l).
        square: shape (p, p): [k, l] is the sum of squares of column k around that mean.
        product: shape (p, p), the sum of products of the two columns around their means.
    """

    n: Floats
    mean: Floats
    square: Floats
    product: Floats

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Moments:
        """The moments of one block, shape (rows, p); columns are centred before they are multiplied."""
        known = np.isfinite(values)
        if known.all() and len(values):
            x = values.astype(np.float64)
            centre = x.mean(axis=0)
            x -= centre
            product = x.T @ x
            p = len(centre)
            n, mean = np.full((p, p), float(len(x))), np.repeat(centre[:, None], p, axis=1)
            return cls(n=n, mean=mean, square=np.repeat(np.diag(product)[:, None], p, axis=1), product=product)
        there = known.astype(np.float64)
        x = np.where(known, values, 0).astype(np.float64)
        centre = x.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        x = np.where(known, x - centre, 0)
        n = there.T @ there
        shift = np.divide(x.T @ there, n, out=np.zeros_like(n), where=n > 0)
        return cls(
            n=n,
            mean=centre[:, None] + shift,
            square=np.maximum((x**2).T @ there - n * shift**2, 0),
            product=x.T @ x - n * shift * shift.T,
        )

    def __add__(self, other: Moments) -> Moments:
        """The moments of both blocks together.

        Chan, Golub and LeVeque, The American Statistician 37 (1983) 242, eq. (2.1), and its form for products.
        """
        n = self.n + other.n
        share = np.divide(other.n, n, out=np.zeros_like(n), where=n > 0)
        apart = np.where(self.n > 0, other.mean - self.mean, 0)
        apart = np.where(other.n > 0, apart, 0)
        between = self.n * share
        return Moments(
            n=n,
            mean=np.where(self.n > 0, self.mean, other.mean) + share * apart,
            square=self.square + other.square + between * apart**2,
            product=self.product + other.product + between * apart * apart.T,
        )

    def columns(self) -> tuple[Floats, Floats, Floats]:
        """Numbers of finite values, means and standard deviations (with n - 1) of the columns; NaN if undefined."""
        n, mean, square = (np.diag(matrix) for matrix in (self.n, self.mean, self.square))
        nothing = np.full(len(n), np.nan)
        deviation = np.sqrt(np.divide(square, n - 1, out=nothing.copy(), where=n > 1))
        return n, np.where(n > 0, mean, nothing), deviation

    def correlations(self) -> Floats:
        """Pearson's r of each pair, shape (p, p); NaN where a column is constant in the pair's rows."""
        variance = np.diag(self.square) / np.maximum(np.diag(self.n), 1)
        varies = self.square > _ROUNDING * self.n * variance[:, None]
        varies &= varies.T
        scale = np.sqrt(self.square * self.square.T)
        r = np.divide(self.product, scale, out=np.full_like(scale, np.nan), where=varies)
        return np.clip(r, -1, 1)
