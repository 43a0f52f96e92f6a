"""Part and Trained: what a training takes and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepsieve.history import EpochRecord
from hepsieve.models.predictor import Predictor
from hepsieve.train.objective import Kind

if TYPE_CHECKING:
    # It needs the preparation, and that the audit with scikit-learn.
    from hepsieve.train.raw_rows import RawRows

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True, eq=False)
class Part:
    """Prepared events of one part of the data.

    Attributes:
        inputs: float32, shape (n, q), or (n, height, width, channels) for networks that look at images, and
            (n, time, channels) for those that look at waveforms.
        target: float32, shape (n,), 0 for background and 1 for signal; or what is regressed, in [0, 1].
        weight: float32, shape (n,), event weights, possibly negative.
        kind: what the target is: a class or a number.
        raw: the events before their preparation, where altered copies of them are learned from.
    """

    inputs: NDArray[np.float32]
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    kind: Kind = "classification"
    raw: RawRows | None = None

    def __len__(self) -> int:
        """The number of events."""
        return len(self.target)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A trained model and how it came about.

    Attributes:
        model: as it was after its best epoch on validation; where ``keep`` is ``last``, after its last one, which then
            is the best.
        history: one record per epoch, boosting round or stage.
        best_epoch: counted from 1; 0 where none was better than what the training began with.
        seconds: wall-clock time of the training, validation included.
        warnings: sentences for the report, such as "dead model: …".
    """

    model: Predictor
    history: tuple[EpochRecord, ...]
    best_epoch: int
    seconds: float
    warnings: tuple[str, ...] = ()
