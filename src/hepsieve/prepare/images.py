"""Preparation of images: from raw channels to a network's inputs, fitted on the training part alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.channels import channels_of, filled, medians, refuse_missing, require_size
from hepsieve.prepare.moments import Moments, together
from hepsieve.shower_shapes import ENERGY, TIME

_ROWS = 64  # images at a time, which a core's cache holds; sums over them decide the last bits of the constants


class ImagePreparation(BaseModel):
    """Fitted steps: choose channels, fill missing values, bend the energy, mask the time, scale each channel.

    Attributes:
        size: rows and columns of the images.
        features: the raw channels that are used; the model's own come first.
        channels: how many of them the model gets; one more may say where there is energy.
        fill: what stands in for a missing value, per raw channel; None where missing values are refused.
        energy: what becomes of a deposit E: ``log``, ±log(1 + |E|/unit); ``sqrt``, ±√|E|; ``none``.
        unit: the energy from which on the logarithm bends, in the data's unit.
        absent: what a channel of the model counts as where a pixel has no energy; None for one that is taken as it is.
        centre: is subtracted from each channel of the model.
        factor: multiplies it then.
        flat: whether the model gets the pixels in one row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: tuple[int, int]
    features: tuple[str, ...]
    channels: int
    fill: tuple[float, ...] | None
    energy: Literal["log", "sqrt", "none"]
    unit: float
    absent: tuple[float | None, ...]
    centre: tuple[float, ...]
    factor: tuple[float, ...]
    flat: bool = False

    @classmethod
    def fit(
        cls,
        train: Events,
        config: PrepareConfig,
        *,
        channels: Sequence[str] | None = None,
        flat: bool = False,
        impute: bool = False,
    ) -> ImagePreparation:
        """Learn every constant from these images alone, walking through them in blocks.

        Args:
            train: the training part.
            config: which steps.
            channels: what the model gets; ``prepare.features``, or all, where nothing is said.
            flat: for a model that takes the pixels in one row.
            impute: replace values that are not finite by the training part's median of the channel.

        Raises:
            DataError: if a value is not finite and is not to be replaced.
        """
        chosen = tuple(channels or config.features or train.names)
        steps = config.image
        masks = steps.mask_time and TIME in chosen and ENERGY in train.names
        features = chosen if not masks or ENERGY in chosen else (*chosen, ENERGY)
        as_it_is = cls(
            size=(train.features.shape[1], train.features.shape[2]),
            features=features,
            channels=len(chosen),
            # The time of a pixel without energy counts for nothing here either.
            fill=medians(train, features, where={TIME: ENERGY} if masks else {}) if impute else None,
            energy=steps.energy,
            unit=steps.unit,
            absent=tuple(0.0 if masks and name == TIME else None for name in chosen),
            centre=(0.0,) * len(chosen),
            factor=(1.0,) * len(chosen),
            flat=flat,
        )
        return _scaled(as_it_is, train, config)

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these images, shape (n, *shape)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw images with channels of these names, shape (n, height, width, p) to (n, *shape).

        Raises:
            DataError: if the images have another size than those of the training.
        """
        require_size(features, self.size)
        inputs: FloatArray = spill.empty((len(features), *self.shape), np.float32)
        pixels = inputs.reshape(len(features), *self.size, self.channels)
        wanted = [names.index(name) for name in self.features]

        def prepare(rows: slice) -> None:
            raw = self.fill_in(channels_of(features[rows], wanted))
            for k in range(self.channels):
                values, there = self.step(raw, k)
                mapped = np.subtract(values, self.centre[k], dtype=np.float64)
                mapped *= self.factor[k]
                pixels[rows, ..., k] = mapped if there is None else np.where(there, mapped, self.rest(k))

        spill.on_all_cores(prepare, spill.blocks(features, rows=_ROWS))
        return inputs

    def filled(self, events: Events) -> FloatArray:
        """The raw channels of these images, with missing values replaced where that is the policy."""
        wanted = [events.names.index(name) for name in self.features]
        return filled(channels_of(events.features, wanted), self.fill)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image as the model gets it."""
        return (self.size[0] * self.size[1] * self.channels,) if self.flat else (*self.size, self.channels)

    def fill_in(self, raw: FloatArray) -> FloatArray:
        """Raw images in the channels of ``features``, with missing values replaced where that is the policy."""
        if self.fill is None:
            return raw
        return np.where(np.isfinite(raw), raw, np.asarray(self.fill, np.float32))

    def step(self, raw: FloatArray, k: int) -> tuple[FloatArray, NDArray[np.bool_] | None]:
        """Channel k of the model before it is scaled, and which of its pixels count; None where all do."""
        values = raw[..., k]
        if self.features[k] == ENERGY:
            values = _bent(values, self.energy, self.unit)
        return values, None if self.absent[k] is None else raw[..., self.features.index(ENERGY)] > 0

    def rest(self, k: int) -> float:
        """What the model gets where a channel is absent."""
        return ((self.absent[k] or 0.0) - self.centre[k]) * self.factor[k]


def _bent(energy: FloatArray, how: Literal["log", "sqrt", "none"], unit: float) -> FloatArray:
    """The energy on the scale that the model sees; what lies below zero mirrors what lies above."""
    match how:
        case "none":
            return energy
        case "sqrt":
            bent = np.sqrt(np.abs(energy))
        case "log":
            bent = np.log1p(np.abs(energy) * np.float32(1 / unit))
    return np.copysign(bent, energy)


def _scaled(as_it_is: ImagePreparation, train: Events, config: PrepareConfig) -> ImagePreparation:
    """The preparation with the constants of the scaling, from one walk through the images."""
    wanted = [train.names.index(name) for name in as_it_is.features]
    parts = list(spill.blocks(train.features, rows=_ROWS))
    found: list[list[Moments]] = [[] for _ in parts]

    def look(rows: slice) -> None:
        raw = as_it_is.fill_in(channels_of(train.features[rows], wanted))
        for k in range(as_it_is.channels):
            values, there = as_it_is.step(raw, k)
            found[rows.start // _ROWS].append(Moments.of(values if there is None else values[there]))

    spill.on_all_cores(look, parts)
    # In the order of the images, whichever core was first: sums in another order have other last bits.
    every = [together([of_block[k] for of_block in found]) for k in range(as_it_is.channels)]
    for k, moments in enumerate(every):
        if not np.isfinite(moments.mean):
            refuse_missing(train, as_it_is.features[k])
    scales = [moments.scale(config.scale) for moments in every]
    return as_it_is.model_copy(
        update={
            "absent": tuple(None if a is None else m.mean for a, m in zip(as_it_is.absent, every, strict=True)),
            "centre": tuple(centre for centre, _ in scales),
            "factor": tuple(factor for _, factor in scales),
        }
    )
