"""Preparation: from raw physical features to a model's inputs, fitted on the training part, stored with the model."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.scale import Affine, identity, minmax, pca, standardise


class Preparation(BaseModel):
    """Fitted steps: choose features, fill missing values, one affine map.

    Attributes:
        features: the names of the raw features that are used, in the order of the map's inputs.
        fill: what stands in for a missing value, per feature; None where missing values are refused.
        affine: all scaling and rotation in one map.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    features: tuple[str, ...]
    fill: tuple[float, ...] | None
    affine: Affine

    @classmethod
    def fit(cls, train: Events, config: PrepareConfig, *, impute: bool = False) -> Preparation:
        """Learn every constant from these events alone.

        Args:
            train: the training part.
            config: which steps.
            impute: replace values that are not finite by the training part's median.

        Raises:
            ConfigError: if a chosen feature does not exist.
        """
        names = config.features if config.features is not None else train.names
        unknown = [name for name in names if name not in train.names]
        if unknown:
            raise ConfigError(f"prepare.features: no feature {unknown[0]!r}; the data have {', '.join(train.names)}")
        raw = train.features[:, [train.names.index(name) for name in names]]
        fill = _medians(raw) if impute else None
        values = _filled(raw, fill)
        return cls(features=names, fill=fill, affine=_fit_affine(values, config))

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these events, shape (n, q)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw features in columns of these names, shape (n, p) to (n, q)."""
        return self.affine(_filled(self._chosen(features, names), self.fill))

    def filled(self, events: Events) -> FloatArray:
        """The chosen raw features of these events, with missing values replaced where that is the policy."""
        return _filled(self._chosen(events.features, events.names), self.fill)

    def _chosen(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        if names == self.features:
            return features
        return features[:, [names.index(name) for name in self.features]]

    @property
    def width(self) -> int:
        """The number of inputs that a model gets."""
        return len(self.affine.offset)


def _fit_affine(values: FloatArray, config: PrepareConfig) -> Affine:
    match config.scale:
        case "standardise":
            scale = standardise(values)
        case "minmax":
            scale = minmax(values)
        case "none":
            scale = identity(values.shape[1])
    if config.pca is None:
        return scale
    return scale.then(pca(scale(values), config.pca, whiten=config.whiten))


def _medians(values: FloatArray) -> tuple[float, ...]:
    medians = []
    for column in values.T:
        finite = column[np.isfinite(column)]
        medians.append(float(np.median(finite)) if len(finite) else 0.0)
    return tuple(medians)


def _filled(values: FloatArray, fill: tuple[float, ...] | None) -> FloatArray:
    if fill is None:
        return values
    return np.where(np.isfinite(values), values, np.asarray(fill, np.float32))
