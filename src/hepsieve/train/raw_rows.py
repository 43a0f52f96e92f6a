"""Raw features of training events, of which altered copies are prepared anew in every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hepsieve.events import Events, FloatArray
from hepsieve.models.config import Learner, TrainConfig
from hepsieve.models.learner import Symmetry
from hepsieve.objects import ObjectConfig
from hepsieve.prepare import AnyPreparation
from hepsieve.prepare.copies import turned
from hepsieve.prepare.fit import PREPARATION
from hepsieve.spill import take
from hepsieve.train.symmetric import symmetries_of

ARRAY, DESCRIBED = "train-raw.npy", "train-raw.json"
"""Files of raw features, and of what else belongs to them."""


class _Described(BaseModel):
    """What is written beside the array."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    objects: dict[str, ObjectConfig]
    preparation: str


@dataclass(frozen=True, kw_only=True, eq=False)
class RawRows:
    """The events of a part before their preparation.

    Attributes:
        features: float32, shape (n, p).
        names: of the columns.
        objects: particles and jets, whose columns change.
        preparation: makes inputs of them.
    """

    features: NDArray[np.float32]
    names: tuple[str, ...]
    objects: Mapping[str, ObjectConfig]
    preparation: AnyPreparation

    def inputs(self, rows: NDArray[np.int64], drawn: Mapping[Symmetry, NDArray[np.float32]]) -> FloatArray:
        """The inputs of some events, each altered by what was drawn for it.

        Args:
            rows: which events, shape (k,).
            drawn: for each symmetry numbers from 0 to 1, shape (k,): the angle in turns, or whether signs change
                (below one half).
        """
        none = np.zeros((), np.float32)
        reflection, mirror = (drawn[name] < 0.5 if name in drawn else False for name in ("reflection", "mirror"))
        copy = turned(
            self.features[rows],
            self.names,
            self.objects,
            reflected=reflection,
            mirrored=mirror,
            angle=drawn.get("rotation", none).astype(np.float64),
        )
        return self.preparation.apply(copy, self.names)

    def take(self, rows: NDArray[np.bool_]) -> RawRows:
        """Some of the events."""
        return replace(self, features=take(self.features, rows))

    @property
    def described(self) -> str:
        """All but the array, as JSON."""
        preparation = PREPARATION.dump_json(self.preparation).decode()
        return _Described(names=self.names, objects=dict(self.objects), preparation=preparation).model_dump_json()

    @classmethod
    def read(cls, folder: Path) -> RawRows | None:
        """What ``DESCRIBED`` and ``ARRAY`` in this folder hold, memory-mapped; None without them."""
        if not (folder / DESCRIBED).is_file():
            return None
        described = _Described.model_validate_json((folder / DESCRIBED).read_text(encoding="utf-8"))
        return cls(
            features=np.load(folder / ARRAY, mmap_mode="r", allow_pickle=False),
            names=described.names,
            objects=described.objects,
            preparation=PREPARATION.validate_json(described.preparation),
        )


def raw_rows(config: Learner, events: Events, preparation: AnyPreparation, settings: TrainConfig) -> RawRows | None:
    """The training events as they were, for a model that learns from altered copies of them; None for others."""
    if events.features.ndim > 2 or not symmetries_of(config, settings):
        return None
    return RawRows(features=events.features, names=events.names, objects=events.objects, preparation=preparation)
