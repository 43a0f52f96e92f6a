"""Numbers in files turned into what a regression learns: shares of a full scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve.data_config import TargetConfig
from hepsieve.errors import DataError
from hepsieve.events import FloatArray, TargetScale

Use = Literal["learn", "apply"]
"""What events are read for: to learn from them, or to apply to them what was learned, for which nobody needs to know
the target of a regression."""
_ROUNDING = 1e-6  # of the range: 0.3 as float32 lies above 0.3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How the numbers of a column become targets.

    Attributes:
        target: what the configuration says of them.
        own: what the file itself says of them, which then are shares already.
        use: what the events are read for.
    """

    target: TargetConfig
    own: TargetScale | None = None
    use: Use = "learn"

    def shares(self, values: NDArray[Any], place: Callable[[int], str]) -> FloatArray:
        """Targets in [0, 1], shape (n,); NaN where the number is missing.

        Args:
            values: the numbers, shape (n,).
            place: names file, row and column of one of them.

        Raises:
            DataError: naming the first that lies outside the range, or is missing where it is needed.
        """
        low, high = (0.0, 1.0) if self.own is not None else self.target.range
        share = (values.astype(np.float64) - low) / (high - low)
        missing = np.isnan(share)
        if self.use == "learn" and len(wrong := np.flatnonzero(missing)):
            raise DataError(
                f"{place(int(wrong[0]))}: the target {self.target.name} is missing (NaN); a regression learns from "
                "known values only: take such events out"
            )
        if len(wrong := np.flatnonzero(~missing & ~((share >= -_ROUNDING) & (share <= 1 + _ROUNDING)))):
            raise DataError(
                f"{place(int(wrong[0]))}: the target {self.target.name} is {values[wrong[0]]:g}, outside {low:g} to "
                f"{high:g}; mend it, or see data.target.range"
            )
        return np.clip(share, 0, 1).astype(np.float32)


def scale_of(target: TargetConfig) -> TargetScale:
    """What the configuration says that targets measure."""
    return TargetScale(name=target.name, unit=target.unit, full=target.full)


def require_same_scale(own: TargetScale | None, target: TargetConfig, where: object) -> None:
    """Pass unless a file says that its targets measure something else than the configuration says.

    Raises:
        DataError: naming both.
    """
    if own is not None and own != scale_of(target):
        raise DataError(
            f"{where}: its targets are {_words(own)}, but data.target says {_words(scale_of(target))}; take the task "
            "that the file was made for, or change data.target"
        )


def _words(scale: TargetScale) -> str:
    return f"{scale.name} from 0 to {scale.full:g} {scale.unit}".rstrip()
