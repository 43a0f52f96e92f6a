"""Events: the value that flows from a file or a simulator through every stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.errors import DataError
from hepsieve.objects import ObjectConfig

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where events came from.

    Attributes:
        kind: ``"real"`` for what a file holds, ``"simulated"`` for what a generator made.
        sources: file names, or the generator's name and version.
        fingerprint: sha256 over the content; equal fingerprints mean equal events.
        details: what else a reader of the report wants to know (seeds, file sizes, settings).
        dropped: columns that were wanted and left out, because not all files have them.
    """

    kind: Literal["real", "simulated"]
    sources: tuple[str, ...] = ()
    fingerprint: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TargetScale:
    """What is regressed: targets are shares of a full scale.

    Attributes:
        name: of the quantity, such as ``d``.
        unit: its physical unit; an empty string is dimensionless.
        full: how much of it, in that unit, a target of 1 is.
    """

    name: str
    unit: str = ""
    full: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """A sample of events, one row each.

    Attributes:
        features: float32, shape (n, p) for tables, (n, height, width, channel) for images,
            (n, time, channel) for waveforms; may be memory-mapped.
        target: float32, shape (n,): 0 for background and 1 for signal; or the value to regress, in [0, 1], NaN where
            nobody knows it.
        weight: float32, shape (n,), the event weights; may be negative.
        names: p feature names (tables) or channel names.
        units: as many units as names; an empty string is dimensionless.
        group: int64, shape (n,): rows with equal numbers share an origin and must stay together.
        origin: where the events came from.
        spectators: float64, shape (n, s): columns that are carried along and never learned from.
        spectator_names: s names, none of them a feature's.
        scale: what the target measures; None where it is a class.
        objects: particles and jets whose momenta some features are, as far as anybody said so.

    Raises:
        DataError: if shapes, lengths or names disagree.
    """

    features: FloatArray
    target: FloatArray
    weight: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    group: IntArray | None = None
    origin: Origin
    spectators: NDArray[np.float64] | None = None
    spectator_names: tuple[str, ...] = ()
    scale: TargetScale | None = None
    objects: Mapping[str, ObjectConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        n = len(self.features)
        if self.features.ndim < 2:
            raise DataError(f"features have shape {self.features.shape}; at least (events, features) is needed")
        for name, array in (("features", self.features), ("target", self.target), ("weight", self.weight)):
            if array.dtype != np.float32:
                raise DataError(f"{name} are {array.dtype}; convert them to float32")
        for name, column in (("target", self.target), ("weight", self.weight), ("group", self.group)):
            if column is not None and column.shape != (n,):
                raise DataError(f"{name} has shape {column.shape}, but there are {n} events")
        if len(self.names) != self.features.shape[-1]:
            raise DataError(f"{len(self.names)} names for {self.features.shape[-1]} features")
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise DataError(f"feature names appear twice: {', '.join(twice)}")
        if len(self.units) != len(self.names):
            raise DataError(f"{len(self.units)} units for {len(self.names)} names")
        self._check_spectators()
        self._check_target()

    @property
    def kind(self) -> Literal["classification", "regression"]:
        """What there is to learn: a class, or a number."""
        return "classification" if self.scale is None else "regression"

    def _check_target(self) -> None:
        """A number to regress is a share of its full scale; what classes may be is for whoever reads them."""
        if self.scale is None:
            return
        outside = np.flatnonzero((self.target < 0) | (self.target > 1))
        if outside.size:
            row = int(outside[0])
            raise DataError(f"event {row + 1}: the target {self.scale.name} is {self.target[row]:g}, outside [0, 1]")

    def _check_spectators(self) -> None:
        shape = None if self.spectators is None else self.spectators.shape
        if shape != ((len(self.features), len(self.spectator_names)) if self.spectator_names else None):
            raise DataError(f"spectators have shape {shape} for {len(self.spectator_names)} names")
        if both := sorted(set(self.names) & set(self.spectator_names)):
            raise DataError(f"{both[0]!r} is a feature and a spectator; it can be one of them only")

    def __len__(self) -> int:
        """The number of events."""
        return len(self.features)

    def __repr__(self) -> str:
        """Numbers of events and features, and where they came from."""
        features = f"{len(self.names)} features ({', '.join(self.names[:3])}{', …' if len(self.names) > 3 else ''})"
        signal = f"{int((self.target > 0.5).sum())} of them signal"
        learned = signal if self.scale is None else f"{self.scale.name} to regress"
        return f"Events({len(self)} events, {learned}, {features}, {self.origin.kind})"

    def __getitem__(self, rows: NDArray[Any] | slice) -> Events:
        """The events of these rows (index array, boolean mask or slice).

        A slice looks at the same memory; others are copies, the large ones of which lie on temporary files.
        """
        return replace(
            self,
            features=_rows(self.features, rows),
            target=_rows(self.target, rows),
            weight=_rows(self.weight, rows),
            group=None if self.group is None else _rows(self.group, rows),
            spectators=None if self.spectators is None else _rows(self.spectators, rows),
        )

    def spectator(self, name: str) -> NDArray[np.float64]:
        """The spectator column of this name, shape (n,).

        Raises:
            DataError: if there is none.
        """
        if self.spectators is None or name not in self.spectator_names:
            raise DataError(f"no spectator {name!r}; there are {', '.join(self.spectator_names) or 'none'}")
        return self.spectators[:, self.spectator_names.index(name)]

    def column(self, name: str) -> NDArray[np.floating]:
        """The feature (of a table) or spectator of this name, shape (n,), as it was read.

        Raises:
            DataError: if there is none.
        """
        if name in self.names and self.features.ndim == 2:
            return np.asarray(self.features[:, self.names.index(name)])
        return np.asarray(self.spectator(name))

    def let_go(self) -> None:
        """Give back the memory of arrays that lie on files: nobody will look at these events soon."""
        spill.let_go(self.features, self.target, self.weight, self.group, self.spectators)

    def replace(self, **changes: Any) -> Events:
        """These events with some attributes exchanged; the original stays as it is."""
        return replace(self, **changes)

    @classmethod
    def from_arrays(
        cls,
        features: NDArray[Any],
        target: NDArray[Any],
        *,
        weight: NDArray[Any] | None = None,
        names: tuple[str, ...] | None = None,
        units: tuple[str, ...] | None = None,
        group: NDArray[Any] | None = None,
        origin: Origin | None = None,
        scale: TargetScale | None = None,
    ) -> Events:
        """Events from arrays of any number type: weights are 1 and features are called x0, x1, … unless given.

        >>> events = Events.from_arrays(np.zeros((3, 2)), np.array([0, 1, 1]))
        >>> len(events), events.names, events.weight.tolist()
        (3, ('x0', 'x1'), [1.0, 1.0, 1.0])
        """
        features = np.asarray(features, dtype=np.float32)
        names = names if names is not None else tuple(f"x{k}" for k in range(features.shape[-1]))
        return cls(
            features=features,
            target=np.asarray(target, dtype=np.float32),
            weight=np.ones(len(features), np.float32) if weight is None else np.asarray(weight, dtype=np.float32),
            names=names,
            units=units if units is not None else ("",) * len(names),
            group=None if group is None else np.asarray(group, dtype=np.int64),
            origin=origin if origin is not None else Origin(kind="real"),
            scale=scale,
        )


def _rows(array: NDArray[Any], rows: NDArray[Any] | slice) -> NDArray[Any]:
    return np.asarray(array[rows]) if isinstance(rows, slice) else spill.take(array, np.asarray(rows))
