"""Raw features, filled, to the columns that are scaled: seen in a frame, with derived features beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events, FloatArray
from hepsieve.objects import Derive, FrameConfig, ObjectConfig
from hepsieve.prepare.derive import Derived, derivable, derived_values
from hepsieve.prepare.frame import in_frame, needed_columns, tagged, tagged_first

_ROWS = 1 << 13


class Arrangement(BaseModel):
    """What is done to raw columns with the momenta in them; nothing of it is fitted.

    Attributes:
        objects: particles and jets.
        frame: the frame that they are seen in; None takes their columns as they are.
        derived: what is computed from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    objects: dict[str, ObjectConfig]
    frame: FrameConfig | None = None
    derived: tuple[Derived, ...] = ()

    @classmethod
    def of(
        cls, names: Sequence[str], train: Events, config: PrepareConfig, *, without: Sequence[str] = ()
    ) -> Arrangement | None:
        """What the configuration asks for, of these features; None where it asks for nothing.

        A feature that would be derived from another column than these is left out: a model that goes without a column
        must not see it through what follows from it.

        Args:
            names: the features that are used.
            train: the training part.
            config: which frame, and which groups of derived features.
            without: derived features to go without.

        Raises:
            ConfigError: if there is no such object, or the frame needs a column that is not among the features.
        """
        frame = config.frame if config.frame != FrameConfig() else None
        if frame is None and not config.derive:
            return None
        if frame is not None:
            require_frame(frame, train, names)
        derived = tuple(
            one
            for one in require_derivable(config.derive, train)
            if set(one.columns(train.objects)) <= set(names) and one.name not in without
        )
        wanted = set(train.objects) if frame is not None else {name for one in derived for name in one.objects}
        found = cls(objects={n: one for n, one in train.objects.items() if n in wanted}, frame=frame, derived=derived)
        if not found.names(names):
            raise ConfigError(
                f"prepare.frame.rotate: measured from {names[0]!r}, no feature is left; take some others too"
            )
        return found

    def names(self, features: Sequence[str]) -> tuple[str, ...]:
        """The names of the columns that come of these features."""
        kept = (name for name in features if name != self._left_out)
        return (*kept, *(one.name for one in self.derived))

    def __call__(self, values: FloatArray, features: Sequence[str]) -> FloatArray:
        """The columns that come of raw features, shape (n, p) to (n, q), computed in float64."""
        arranged: FloatArray = spill.empty((len(values), len(self.names(features))), np.float32)

        def arrange(rows: slice) -> None:
            block = np.asarray(values[rows], np.float64)
            for k, column in enumerate(self.columns(dict(zip(features, block.T, strict=True)))):
                arranged[rows, k] = column

        spill.on_all_cores(arrange, spill.blocks(arranged, rows=_ROWS))
        return arranged

    def columns(self, raw: Mapping[str, Any], ops: Any = np) -> list[Any]:
        """The same of single columns, each of shape (n,), by ``numpy`` or ``keras.ops``."""
        if self.frame is not None and self.frame.tagged_first:
            raw = tagged_first(raw, self.objects, ops)
        seen = raw if self.frame is None else in_frame(raw, self.frame, self.objects, ops)
        kept = [column for name, column in seen.items() if name != self._left_out]
        # No frame changes what is derived, and so it is taken from columns that were rounded less.
        return [*kept, *derived_values(self.derived, self.objects, raw, ops)]

    @property
    def _left_out(self) -> str | None:
        """The azimuth from which azimuths are measured, which is the same in all events."""
        rotate = None if self.frame is None else self.frame.rotate
        return None if rotate is None else self.objects[rotate].phi


def derived_names(groups: Sequence[Derive], train: Events, *, key: str = "prepare.derive") -> tuple[str, ...]:
    """The names of all that these groups hold of such events.

    Raises:
        ConfigError: as `require_derivable`.
    """
    return tuple(one.name for one in require_derivable(groups, train, key=key))


def every_derived(train: Events) -> tuple[str, ...]:
    """The names of all that can be derived of such events."""
    return tuple(one.name for one in derivable(get_args(Derive), whole_objects(train)))


def whole_objects(train: Events) -> dict[str, ObjectConfig]:
    """The objects whose momenta the data have."""
    return {name: one for name, one in train.objects.items() if set(one.columns) <= set(train.names)}


def require_derivable(groups: Sequence[Derive], train: Events, *, key: str = "prepare.derive") -> tuple[Derived, ...]:
    """The features of these groups, each of which has to have some.

    Raises:
        ConfigError: naming the group for which the data have no or too few objects.
    """
    known = whole_objects(train)
    for group in groups:
        if not derivable([group], known):
            raise ConfigError(
                f"{key}: {group} needs other objects than the data have ({', '.join(known) or 'none'}); name particles "
                "and jets with their columns in data.objects"
            )
    return derivable(groups, known)


def require_frame(
    frame: FrameConfig, train: Events, names: Sequence[str], *, key: str = "prepare.frame", model: str = "the model"
) -> None:
    """Refuse a frame of objects that the data don't have, or of columns that a model doesn't get.

    Args:
        frame: which objects define it.
        train: the training part.
        names: the features of the model.
        key: where the frame stands in the task.
        model: what gets these features.

    Raises:
        ConfigError: naming the object or the column.
    """
    have = ", ".join(train.objects) or "none; name them in data.objects"
    for what in ("rotate", "reflect", "mirror"):
        if (name := getattr(frame, what)) is not None and name not in train.objects:
            raise ConfigError(f"{key}.{what}: no object {name!r}; the data have {have}")
    if frame.tagged_first and len(tagged(train.objects)) < 2:
        raise ConfigError(f"{key}.tagged_first: fewer than two objects have a tag; name its column in data.objects")
    if frame.tagged_first and len({(one.log, one.mass) for one in tagged(train.objects).values()}) > 1:
        raise ConfigError(f"{key}.tagged_first: objects with tags must have the same mass and log to be exchanged")
    if frame.reflect is not None and train.objects[frame.reflect].eta is None:
        raise ConfigError(f"{key}.reflect: {frame.reflect} has no eta; take another object")
    for what, columns in needed_columns(frame, train.objects).items():
        for column in columns:
            if column not in names:
                raise ConfigError(
                    f"{key}.{what}: it needs {column!r}, which is not among the features of {model}; take another "
                    "object, or no frame"
                )
