"""Preparation: from raw physical features to a model's inputs, fitted on the training part, stored with the model."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.arrange import Arrangement, every_derived
from hepsieve.prepare.scale import Affine, identity, minmax, pca, standardise


class Preparation(BaseModel):
    """Fitted steps: choose features, fill missing values, arrange momenta, take logarithms, one affine map.

    Attributes:
        features: the names of the raw features that are used, in their order.
        fill: what stands in for a missing value, per feature; None where missing values are refused.
        arrange: the frame in which momenta are seen, and what is derived from them; None leaves the features alone.
        log: the smallest value whose logarithm is taken, per input of the map (what lies below counts as this); None
            for one that is taken as it is.
        affine: all scaling and rotation in one map.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    features: tuple[str, ...]
    fill: tuple[float, ...] | None
    arrange: Arrangement | None = None
    log: tuple[float | None, ...] | None = None
    affine: Affine

    @classmethod
    def fit(
        cls, train: Events, config: PrepareConfig, *, without: Sequence[str] = (), impute: bool = False
    ) -> Preparation:
        """Learn every constant from these events alone.

        Args:
            train: the training part.
            config: which steps.
            without: features, chosen or derived ones, to go without; what is derived from them goes with them.
            impute: replace values that are not finite by the training part's median.

        Raises:
            ConfigError: if a chosen feature does not exist, or the logarithm of negative values is asked for.
        """
        names = config.features if config.features is not None else train.names
        unknown = [name for name in names if name not in train.names]
        if unknown:
            raise _no_feature("prepare.features", unknown[0], train)
        names = tuple(name for name in names if name not in without)
        raw = _chosen(train.features, train.names, names)
        fill = _medians(raw) if impute else None
        arrange = Arrangement.of(names, train, config, without=without)
        values, columns = _filled(raw, fill), names
        if arrange is not None:
            values, columns = arrange(values, names), arrange.names(names)
        # A column that can be carried along or dropped by a setting, or derived for another model, may stay there.
        there = (*train.names, *train.spectator_names, *train.origin.dropped, *every_derived(train))
        if unknown := [name for name in config.log if name not in there]:
            raise _no_feature("prepare.log", unknown[0], train)
        log = _smallest(values, columns, [name for name in config.log if name in columns])
        affine = _fit_affine(_logarithms(values, log), config)
        return cls(features=names, fill=fill, arrange=arrange, log=log, affine=affine)

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these events, shape (n, q)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw features in columns of these names, shape (n, p) to (n, q)."""
        values = _filled(_chosen(features, names, self.features), self.fill)
        if self.arrange is not None:
            values = self.arrange(values, self.features)
        return self.affine(_logarithms(values, self.log))

    def filled(self, events: Events) -> FloatArray:
        """The chosen raw features of these events, with missing values replaced where that is the policy."""
        return _filled(_chosen(events.features, events.names, self.features), self.fill)

    @property
    def width(self) -> int:
        """The number of inputs that a model gets."""
        return len(self.affine.offset)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one event as the model gets it."""
        return (self.width,)


def _no_feature(key: str, name: str, train: Events) -> ConfigError:
    if name in train.spectator_names:
        return ConfigError(
            f"{key}: {name!r} is a spectator, which is carried along and never learned from; choose among the features "
            f"{', '.join(train.names)}"
        )
    near = difflib.get_close_matches(name, train.names, n=1)
    hint = f", the nearest is {near[0]!r}" if near else ""
    return ConfigError(f"{key}: no feature {name!r}{hint}; the data have {', '.join(train.names)}")


def _chosen(features: FloatArray, names: tuple[str, ...], wanted: tuple[str, ...]) -> FloatArray:
    if names == wanted:
        return features
    columns = [names.index(name) for name in wanted]
    chosen: FloatArray = spill.empty((len(features), len(columns)), np.float32)
    for rows in spill.blocks(features):
        chosen[rows] = features[rows][:, columns]
    return chosen


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


def _smallest(values: FloatArray, names: tuple[str, ...], wanted: Sequence[str]) -> tuple[float | None, ...] | None:
    """Where the logarithm of each wanted feature begins: at the smallest positive training value."""
    floors: list[float | None] = [None] * len(names)
    for name in wanted:
        column = values[:, names.index(name)]
        if column.min() < 0 or not column.max() > 0:
            raise ConfigError(
                f"prepare.log: feature {name!r} goes from {column.min():g} to {column.max():g} in the "
                "training part; only a feature that is never negative has a logarithm"
            )
        floors[names.index(name)] = float(column.min(where=column > 0, initial=np.inf))
    return tuple(floors) if wanted else None


def _logarithms(values: FloatArray, log: tuple[float | None, ...] | None) -> FloatArray:
    if log is None:
        return values
    taken: FloatArray = spill.empty(values.shape, np.float32)
    for rows in spill.blocks(values):
        taken[rows] = values[rows]
        for k, floor in enumerate(log):
            if floor is not None:
                taken[rows, k] = np.log(np.maximum(taken[rows, k], np.float32(floor)))
    return taken


def _medians(values: FloatArray) -> tuple[float, ...]:
    medians = []
    for column in values.T:
        finite = column[np.isfinite(column)]
        medians.append(float(np.median(finite)) if len(finite) else 0.0)
    return tuple(medians)


def _filled(values: FloatArray, fill: tuple[float, ...] | None) -> FloatArray:
    if fill is None:
        return values
    filled: FloatArray = spill.empty(values.shape, np.float32)
    for rows in spill.blocks(values):
        filled[rows] = np.where(np.isfinite(values[rows]), values[rows], np.asarray(fill, np.float32))
    return filled
