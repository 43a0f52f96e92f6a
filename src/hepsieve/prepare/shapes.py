"""Preparation of shapes: images or waveforms to their table of shapes, the table to a model's inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.channels import channels_of, require_size, with_channels
from hepsieve.prepare.pipeline import Preparation
from hepsieve.shapes import as_table, names_of, shapes_of


class ShapePreparation(BaseModel):
    """Shower shapes or pulse shapes of the chosen channels, prepared as any table.

    Attributes:
        size: rows and columns of the images, or samples of the waveforms.
        features: the names of the raw channels that are used.
        impute: whether values that are not finite count as no energy or light, and at no time; without it neither the
            audit nor scoring lets such an event come this far.
        table: the fitted steps from shapes to inputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: tuple[int, ...]
    features: tuple[str, ...]
    impute: bool
    table: Preparation

    @classmethod
    def fit(
        cls,
        train: Events,
        config: PrepareConfig,
        *,
        channels: Sequence[str],
        without: Sequence[str] = (),
        impute: bool = False,
    ) -> ShapePreparation:
        """Learn every constant from the shapes of these events alone.

        Args:
            train: the training part.
            config: how the table of shapes is scaled.
            channels: the channels that shapes are taken of, ``energy`` or ``light`` among them.
            without: shapes that the model does not get.
            impute: take values that are not finite for no energy or light.
        """
        features = tuple(channels)
        kept = tuple(name for name in names_of(features, ndim=train.features.ndim) if name not in without)
        steps = config.model_copy(update={"features": kept, "log": ()})
        shapes = as_table(with_channels(train, features))
        return cls(
            size=train.features.shape[1:-1], features=features, impute=impute, table=Preparation.fit(shapes, steps)
        )

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these events, shape (n, q)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw images or waveforms with channels of these names, shape (n, …, p) to (n, q).

        Raises:
            DataError: if they have another size than those of the training.
        """
        require_size(features, self.size)
        wanted = [names.index(name) for name in self.features]
        shapes = shapes_of(channels_of(features, wanted), self.features)
        return self.table.apply(shapes, names_of(self.features, ndim=features.ndim))

    def filled(self, events: Events) -> FloatArray:
        """The raw channels of these events, with missing values replaced where that is the policy."""
        chosen = self.of_channels(events).features
        if not self.impute:
            return chosen
        filled: FloatArray = spill.empty(chosen.shape, np.float32)
        for rows in spill.blocks(chosen):
            filled[rows] = np.nan_to_num(chosen[rows], posinf=0, neginf=0)
        return filled

    def of_channels(self, events: Events) -> Events:
        """The same events with the channels alone that are used."""
        return with_channels(events, self.features)

    @property
    def fill(self) -> tuple[float, ...] | None:
        """What stands in for a missing value, per channel; None where missing values are refused."""
        return (0.0,) * len(self.features) if self.impute else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one event as the model gets it."""
        return self.table.shape
