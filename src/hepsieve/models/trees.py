"""Gradient-boosted trees as a Predictor: an xgboost booster, stored as UBJ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.special import expit

from hepsieve.errors import IntegrityError

MODEL_FILE = "model.ubj"
SQUARED = "reg:squarederror"
"""xgboost's name of the objective of regressions."""
_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class TreesPredictor:
    """A trained booster, cut after its best round; what it was trained for, it knows itself."""

    framework: ClassVar[str] = "xgboost"
    booster: Any

    @cached_property
    def predicts_numbers(self) -> bool:
        """Whether its summed leaf values are predictions of a regression, not logits."""
        learner = json.loads(self.booster.save_config())["learner"]
        return bool(learner["objective"]["name"] == SQUARED)

    @property
    def parameters(self) -> int:
        """Nodes of all trees: each split chose a threshold, each leaf a value."""
        return sum(tree.count("\n") for tree in self.booster.get_dump())

    @property
    def rounds(self) -> int:
        """Number of trees."""
        return int(self.booster.num_boosted_rounds())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the margins, shape (n,); in a regression the margins themselves, cut to [0, 1]."""
        margins = self.margins(inputs)
        return np.clip(margins, 0.0, 1.0) if self.predicts_numbers else np.asarray(expit(margins))

    def margins(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Summed leaf values, shape (n,)."""
        batches = (np.asarray(inputs[k : k + _ROWS_AT_ONCE]) for k in range(0, len(inputs), _ROWS_AT_ONCE))
        parts = [self.booster.inplace_predict(batch, predict_type="margin") for batch in batches]
        return np.concatenate([np.empty(0), *parts])

    def widths(self, inputs: NDArray[np.float32]) -> None:
        """None: trees predict no width."""

    def save(self, folder: Path) -> None:
        """Write ``model.ubj``."""
        self.booster.save_model(folder / MODEL_FILE)


def load(folder: Path, inputs: int) -> TreesPredictor:
    """The trees that ``TreesPredictor.save`` wrote.

    Raises:
        IntegrityError: if the file is missing, damaged or made for another number of inputs.
    """
    file = folder / MODEL_FILE
    if not file.is_file():
        raise IntegrityError(f"{file}: missing; make the folder again")
    booster = xgboost.Booster()
    try:
        booster.load_model(file)
    except xgboost.core.XGBoostError:
        raise IntegrityError(f"{file}: no xgboost model in UBJ form; make the folder again") from None
    if booster.num_features() != inputs:
        raise IntegrityError(f"{file}: trees for {booster.num_features()} inputs; the preparation gives {inputs}")
    return TreesPredictor(booster=booster)
