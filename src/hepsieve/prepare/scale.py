"""Affine maps fitted on training events: standardise, min–max and PCA compose to one map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.errors import ConfigError
from hepsieve.events import FloatArray

_CHUNK = 1 << 17  # rows of a sum or a matrix product, whose last bits depend on it
_FEW = 1 << 13  # rows of everything else
Matrix = NDArray[np.float64]


class Affine(BaseModel):
    """The map x ↦ (x − centre) · matrix + offset.

    The centre is kept apart from the offset so that a large mean beside a small spread loses no digits.

    Attributes:
        centre: p numbers.
        matrix: p rows of q numbers.
        offset: q numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    centre: tuple[float, ...]
    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]

    def __call__(self, features: FloatArray) -> FloatArray:
        """Map events, shape (n, p) to (n, q), computing in float64."""
        centre, matrix, offset = np.array(self.centre), np.array(self.matrix), np.array(self.offset)
        out: FloatArray = spill.empty((len(features), len(offset)), np.float32)
        if not _is_diagonal(matrix):
            for rows in spill.blocks(out, rows=_CHUNK):
                out[rows] = (features[rows] - centre) @ matrix + offset
            return out
        # A sum over terms that are zero is still a matrix product; scaling alone needs none.
        diagonal = np.diag(matrix)

        def scale(rows: slice) -> None:
            mapped = features[rows] - centre
            mapped *= diagonal
            mapped += offset
            out[rows] = mapped

        spill.on_all_cores(scale, spill.blocks(out, rows=_FEW))
        return out

    def then(self, other: Affine) -> Affine:
        """This map followed by the other, as one map."""
        matrix, second = np.array(self.matrix), np.array(other.matrix)
        offset = (np.array(self.offset) - np.array(other.centre)) @ second + np.array(other.offset)
        return affine(np.array(self.centre), matrix @ second, offset)


def affine(centre: Matrix, matrix: Matrix, offset: Matrix) -> Affine:
    """The affine map of these arrays, shapes (p,), (p, q) and (q,)."""
    return Affine(
        centre=tuple(map(float, centre)),
        matrix=tuple(tuple(map(float, row)) for row in matrix),
        offset=tuple(map(float, offset)),
    )


def identity(p: int) -> Affine:
    """The map that changes nothing."""
    return affine(np.zeros(p), np.eye(p), np.zeros(p))


def standardise(train: FloatArray) -> Affine:
    """To mean 0 and standard deviation 1 (population) of the training events; constant features go to 0."""
    mean, variance = _moments(train)
    deviation = np.sqrt(variance)
    spread = np.where(deviation > 0, deviation, 1.0)
    return affine(mean, np.diag(1 / spread), np.zeros(len(mean)))


def minmax(train: FloatArray) -> Affine:
    """To 0…1 over the training events; other events may lie outside, constant features go to 0."""
    low, high = np.asarray(train.min(axis=0), np.float64), np.asarray(train.max(axis=0), np.float64)
    spread = np.where(high > low, high - low, 1.0)
    return affine(low, np.diag(1 / spread), np.zeros(len(low)))


def pca(train: FloatArray, components: int, *, whiten: bool) -> Affine:
    """Onto the directions of largest variance of the training events, in falling order.

    The sign of each direction is fixed by making its largest coefficient positive.

    Raises:
        ConfigError: if more components are asked for than there are features.
    """
    if components > train.shape[1]:
        raise ConfigError(f"prepare.pca: {components} components of {train.shape[1]} features; ask for fewer")
    mean = _mean(train)
    covariance = np.zeros((train.shape[1],) * 2)
    for rows in spill.blocks(train, rows=_CHUNK):
        centred = train[rows] - mean
        covariance += centred.T @ centred
    values, vectors = np.linalg.eigh(covariance / len(train))
    order = np.argsort(-values, kind="stable")[:components]
    values, vectors = values[order], vectors[:, order]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(components)])
    if whiten:
        # A direction without variance (constant or dependent features) stays as it is.
        vectors = vectors / np.sqrt(np.where(values > 1e-12 * max(values.max(), 1e-300), values, 1.0))
    return affine(mean, vectors, np.zeros(components))


def _moments(train: FloatArray) -> tuple[Matrix, Matrix]:
    mean = _mean(train)
    squares = np.zeros(train.shape[1])
    for rows in spill.blocks(train, rows=_CHUNK):
        # Column by column, where numpy adds in pairs and rounds less.
        centred = np.subtract(train[rows], mean, order="F")
        centred *= centred
        squares += centred.sum(axis=0)
    return mean, np.where(train.min(axis=0) == train.max(axis=0), 0.0, squares / len(train))


def _mean(train: FloatArray) -> Matrix:
    return np.asarray(train.mean(axis=0, dtype=np.float64))


def _is_diagonal(matrix: Matrix) -> bool:
    return matrix.shape[0] == matrix.shape[1] and bool((matrix == np.diag(np.diag(matrix))).all())
