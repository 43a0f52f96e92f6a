"""Parts and model configurations to a Run: fitted preparation and trained models, the test part still sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.events import Events, FloatArray
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, TrainConfig
from hepsieve.prepare import Preparation, Split
from hepsieve.progress import Progress, Silent
from hepsieve.train.dispatch import train_model
from hepsieve.train.trained import Part, Trained


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """One trained model together with the preparation that belongs to it.

    Attributes:
        name: the model's name in the run.
        config: what the user chose.
        preparation: raw features to inputs.
        trained: the model and how its training went.
    """

    name: str
    config: ModelConfig
    preparation: Preparation
    trained: Trained

    def scores(self, events: Events) -> NDArray[np.float64]:
        """Scores of these events, shape (n,), in [0, 1]; larger is more signal-like."""
        return self.score_features(events.features, events.names)

    def score_features(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores of raw features in columns of these names."""
        return self.trained.model.scores(self.preparation.apply(features, names))


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """Trained models and the parts they belong to."""

    parts: Split
    models: Mapping[str, Fitted]
    seed: int

    def __repr__(self) -> str:
        """The models and the parts."""
        return f"Run({', '.join(self.models)}; {self.parts})"


def train(
    models: Mapping[str, ModelConfig],
    parts: Split,
    *,
    prepare: PrepareConfig,
    settings: TrainConfig,
    seed: int,
    impute: bool = False,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
) -> Run:
    """Fit the preparation and every model on the training part; validation steers stopping, test stays sealed.

    Args:
        models: configurations by name.
        parts: the divided events.
        prepare: steps between raw features and inputs.
        settings: how networks are trained.
        seed: for initial weights, shuffling and dropout, the same for every model.
        impute: replace values that are not finite by the training part's medians.
        progress: where to show that it moves.
        on_epoch: hears of every finished epoch.
    """
    preparation = Preparation.fit(parts.train, prepare, impute=impute)
    train_part, validation_part = (_part(events, preparation) for events in (parts.train, parts.validation))
    fitted = {}
    for name, config in models.items():
        trained = train_model(
            name,
            config,
            train_part,
            validation_part,
            settings,
            seed=seed,
            progress=progress if progress is not None else Silent(),
            on_epoch=on_epoch,
        )
        fitted[name] = Fitted(name=name, config=config, preparation=preparation, trained=trained)
    return Run(parts=parts, models=fitted, seed=seed)


def _part(events: Events, preparation: Preparation) -> Part:
    return Part(inputs=preparation(events), target=events.target, weight=events.weight)
