"""ScoreCalibration: how a model's scores became its calibrated scores, as ``calibration.json`` holds it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, assert_never

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator
from scipy.special import expit, logit

Method = Literal["temperature", "isotonic", "none"]
Share = Annotated[float, Field(ge=0, le=1)]


class _Map(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Temperature(_Map):
    """Divide the logits by a number: above 1 for scores that are too sure of themselves, below 1 for timid ones.

    A score of 0.5 stays 0.5 and the order of events stays as it is. Section 4.2 of arXiv:1706.04599.

    Attributes:
        temperature: the number.
        low: the lower end of its 95 % interval.
        high: the upper end.

    >>> Temperature(temperature=2, low=1.8, high=2.2)(np.array([0.0, 0.2, 0.5, 0.9])).round(4).tolist()
    [0.0, 0.3333, 0.5, 0.75]
    """

    kind: Literal["temperature"] = "temperature"
    temperature: PositiveFloat
    low: PositiveFloat
    high: PositiveFloat

    def __call__(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated scores, of the same shape."""
        # Scores of exactly 0 and 1 have infinite logits, and come back as they are.
        return np.asarray(expit(logit(np.asarray(score, np.float64)) / self.temperature), np.float64)


class Isotonic(_Map):
    """Read the calibrated score off a rising line through these points, level beyond the first and the last.

    Where the line is level, scores that differed become equal, which changes the AUC a little.

    Attributes:
        score: shape (k,), rising.
        calibrated: shape (k,), never falling, between 0 and 1 and neither.

    >>> Isotonic(score=(0.2, 0.6), calibrated=(0.1, 0.9))(np.array([0.0, 0.4, 1.0])).round(4).tolist()
    [0.1, 0.5, 0.9]
    """

    kind: Literal["isotonic"] = "isotonic"
    score: Annotated[tuple[Share, ...], Field(min_length=1)]
    calibrated: Annotated[tuple[Share, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rises(self) -> Isotonic:
        if len(self.score) != len(self.calibrated):
            raise ValueError(f"{len(self.score)} scores, but {len(self.calibrated)} calibrated ones")
        if any(left >= right for left, right in pairwise(self.score)):
            raise ValueError("the scores don't rise")
        if any(left > right for left, right in pairwise(self.calibrated)):
            raise ValueError("the calibrated scores fall")
        if not 0 < self.calibrated[0] <= self.calibrated[-1] < 1:
            raise ValueError("a calibrated score is 0 or 1")
        return self

    def __call__(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated scores, of the same shape."""
        return np.asarray(np.interp(score, self.score, self.calibrated), np.float64)


class ScoreCalibration(_Map):
    """What was decided about a model's scores, on events that are not test.

    Attributes:
        version: of this format.
        method: what was tried.
        applied: whether the scores are calibrated by it.
        why: in a sentence.
        fitted: the map from scores to calibrated scores; None where none was tried, or none could be fitted.
        n_events: how many events it was fitted on.
    """

    version: Literal[1] = 1
    method: Method
    applied: bool
    why: str
    fitted: Annotated[Temperature | Isotonic, Field(discriminator="kind")] | None = None
    n_events: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _can_be_applied(self) -> ScoreCalibration:
        if self.applied and (self.fitted is None or self.fitted.kind != self.method):
            raise ValueError(f"{self.method} is applied, but was not fitted")
        return self

    @property
    def map(self) -> Temperature | Isotonic | None:
        """What scores go through; None where they stay as they are."""
        return self.fitted if self.applied else None

    def __call__(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score that is quoted, of the model's own."""
        return score if self.map is None else self.map(score)

    def named(self) -> str:
        """What was done, in a few words.

        >>> ScoreCalibration(method="none", applied=False, why="").named()
        'not calibrated'
        """
        match self.map:
            case None:
                return "not calibrated"
            case Temperature(temperature=temperature):
                return f"calibrated by a temperature of {temperature:.3g}"
            case Isotonic():
                return "calibrated by isotonic regression"
            case _:
                assert_never(self.map)
