"""Preparation of shower shapes: images to their table of shapes, the table to a model's inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.images import channels_of, require_size, with_channels
from hepsieve.prepare.pipeline import Preparation
from hepsieve.shower_shapes import as_table, shape_names, shower_shapes


class ShapePreparation(BaseModel):
    """Shower shapes of the chosen channels, prepared as any table.

    Attributes:
        size: rows and columns of the images.
        features: the names of the raw channels that are used.
        impute: whether values that are not finite count as no energy, and at no time; without it neither the audit nor
            scoring lets such an image come this far.
        table: the fitted steps from shapes to inputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: tuple[int, int]
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
        """Learn every constant from the shapes of these images alone.

        Args:
            train: the training part.
            config: how the table of shapes is scaled.
            channels: the channels that shapes are taken of, ``energy`` among them.
            without: shapes that the model does not get.
            impute: take values that are not finite for no energy.
        """
        features = tuple(channels)
        kept = tuple(name for name in shape_names(features) if name not in without)
        steps = config.model_copy(update={"features": kept, "log": ()})
        shapes = as_table(with_channels(train, features))
        size = (train.features.shape[1], train.features.shape[2])
        return cls(size=size, features=features, impute=impute, table=Preparation.fit(shapes, steps))

    def __call__(self, events: Events) -> FloatArray:
        """The model's inputs for these images, shape (n, q)."""
        return self.apply(events.features, events.names)

    def apply(self, features: FloatArray, names: tuple[str, ...]) -> FloatArray:
        """The model's inputs for raw images with channels of these names, shape (n, height, width, p) to (n, q).

        Raises:
            DataError: if the images have another size than those of the training.
        """
        require_size(features, self.size)
        wanted = [names.index(name) for name in self.features]
        shapes = shower_shapes(channels_of(features, wanted), self.features)
        return self.table.apply(shapes, shape_names(self.features))

    def filled(self, events: Events) -> FloatArray:
        """The raw channels of these images, with missing values replaced where that is the policy."""
        chosen = self.of_channels(events).features
        if not self.impute:
            return chosen
        filled: FloatArray = spill.empty(chosen.shape, np.float32)
        for rows in spill.blocks(chosen):
            filled[rows] = np.nan_to_num(chosen[rows], posinf=0, neginf=0)
        return filled

    def of_channels(self, events: Events) -> Events:
        """The same images with the channels alone that are used."""
        return with_channels(events, self.features)

    @property
    def fill(self) -> tuple[float, ...] | None:
        """What stands in for a missing value, per channel; None where missing values are refused."""
        return (0.0,) * len(self.features) if self.impute else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one event as the model gets it."""
        return self.table.shape
