"""Preparation of waveforms: from raw samples to a network's inputs, fitted on the training part alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.errors import DataError
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.channels import channels_of, filled, medians, refuse_missing, require_size
from hepsieve.prepare.moments import Moments, together

Normalise = Literal["set", "each", "area", "none"]
_ROWS = 64  # waveforms at a time, which a core's cache holds; sums over them decide the last bits of the constants


class WaveformPreparation(BaseModel):
    """Fitted steps: choose channels, fill missing values, bring the light of each channel to a common scale.

    Attributes:
        samples: of each waveform.
        features: the names of the channels that are used, in the order in which the model gets them.
        fill: what stands in for a missing value, per channel; None where missing values are refused.
        normalise: ``each`` first brings every waveform by itself to 0…1, ``area`` divides it by its area; a waveform
            of equal samples, or without light, becomes 0.
        centre: is subtracted from each channel then: with ``set`` the smallest sample of the training part.
        factor: multiplies it at last: with ``set`` the largest sample becomes 1, with ``area`` the mean of the maxima.
        flat: whether the model gets the samples of all channels in one row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    samples: int
    features: tuple[str, ...]
    fill: tuple[float, ...] | None
    normalise: Normalise
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
    ) -> WaveformPreparation:
        """Learn every constant from these waveforms alone, walking through them in blocks.

        Args:
            train: the training part.
            config: which steps.
            channels: what the model gets; ``prepare.features``, or all, where nothing is said.
            flat: for a model that takes the samples in one row.
            impute: replace values that are not finite by the training part's median of the channel.

        Raises:
            DataError: if a value is not finite and is not to be replaced, or all samples of a channel are equal.
        """
        features = tuple(channels or config.features or train.names)
        as_it_is = cls(
            samples=train.features.shape[1],
            features=features,
            fill=medians(train, features) if impute else None,
            normalise=config.waveform.normalise,
            centre=(0.0,) * len(features),
            factor=(1.0,) * len(features),
            flat=flat,
        )
        return _scaled(as_it_is, train)

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these waveforms, shape (n, *shape)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw waveforms with channels of these names, shape (n, time, p) to (n, *shape).

        Raises:
            DataError: if the waveforms have another length than those of the training.
        """
        require_size(features, (self.samples,))
        chosen = channels_of(features, [names.index(name) for name in self.features])
        inputs: FloatArray = spill.empty((len(features), *self.shape), np.float32)
        samples = inputs.reshape(chosen.shape)
        centre, factor = np.asarray(self.centre, np.float32), np.asarray(self.factor, np.float32)

        def prepare(rows: slice) -> None:
            mapped = normalised(self.fill_in(chosen[rows]), self.normalise)
            np.subtract(mapped, centre, out=samples[rows])
            samples[rows] *= factor

        spill.on_all_cores(prepare, spill.blocks(features, rows=_ROWS))
        return inputs

    def filled(self, events: Events) -> FloatArray:
        """The raw channels of these waveforms, with missing values replaced where that is the policy."""
        wanted = [events.names.index(name) for name in self.features]
        return filled(channels_of(events.features, wanted), self.fill)

    def fill_in(self, raw: FloatArray) -> FloatArray:
        """A block of raw waveforms in the channels of ``features``, with missing values replaced likewise."""
        if self.fill is None:
            return raw
        return np.where(np.isfinite(raw), raw, np.asarray(self.fill, np.float32))

    @property
    def channels(self) -> int:
        """How many channels the model gets."""
        return len(self.features)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one waveform as the model gets it."""
        return (self.samples * self.channels,) if self.flat else (self.samples, self.channels)


def normalised(raw: FloatArray, how: Normalise) -> FloatArray:
    """What is done to every waveform by itself, shape (n, time, channels); what is constant over one becomes 0."""
    match how:
        case "set" | "none":
            return raw
        case "each":
            low = raw.min(axis=1, keepdims=True)
            spread = raw.max(axis=1, keepdims=True) - low
            return np.asarray(np.divide(raw - low, spread, out=np.zeros_like(raw), where=spread > 0))
        case "area":
            # No waveform of light alone has a sample that is more than its area; noise alone may have hardly any area.
            area = raw.sum(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
            area = np.maximum(area, np.abs(raw).max(axis=1, keepdims=True))
            return np.asarray(np.divide(raw, area, out=np.zeros_like(raw), where=area > 0))


def _scaled(as_it_is: WaveformPreparation, train: Events) -> WaveformPreparation:
    """The preparation with its constants, from one walk through the waveforms."""
    wanted = [train.names.index(name) for name in as_it_is.features]
    samples, highest = _looked_at(as_it_is, channels_of(train.features, wanted))
    for name, of_channel in zip(as_it_is.features, samples, strict=True):
        if not np.isfinite(of_channel.mean):
            refuse_missing(train, name)
        if not of_channel.high > of_channel.low:
            raise DataError(
                f"every sample of the {len(train)} training waveforms is {of_channel.low:g} in channel {name!r}; there "
                "is nothing to learn from it: check the array"
            )
    match as_it_is.normalise:
        case "each" | "none":
            return as_it_is
        case "set":
            constants = [of_channel.scale("minmax") for of_channel in samples]
        case "area":
            constants = [(0.0, 1 / pulse.mean if pulse.mean > 0 else 1.0) for pulse in highest]
    centre, factor = zip(*constants, strict=True)
    return as_it_is.model_copy(update={"centre": centre, "factor": factor})


def _looked_at(preparation: WaveformPreparation, chosen: FloatArray) -> tuple[list[Moments], list[Moments]]:
    """Of each channel, what is known of the raw samples, and of the largest ones of the normalised waveforms."""
    parts = list(spill.blocks(chosen, rows=_ROWS))
    samples: list[list[Moments]] = [[] for _ in parts]
    highest: list[list[Moments]] = [[] for _ in parts]

    def look(rows: slice) -> None:
        raw = preparation.fill_in(chosen[rows])
        number = rows.start // _ROWS
        samples[number] = [Moments.of(raw[..., k]) for k in range(preparation.channels)]
        if preparation.normalise == "area" and all(np.isfinite(one.mean) for one in samples[number]):
            top = normalised(raw, "area").max(axis=1)
            highest[number] = [Moments.of(top[:, k]) for k in range(preparation.channels)]

    spill.on_all_cores(look, parts)
    # In the order of the waveforms, whichever core was first: sums in another order have other last bits.
    every = range(preparation.channels)
    known = [together([of_block[k] for of_block in samples]) for k in every]
    tops = [together([of_block[k] for of_block in highest if of_block]) for k in every] if any(highest) else []
    return known, tops
