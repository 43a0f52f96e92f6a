"""What a user may say about particles and jets: their columns, the frame that they are seen in, what is derived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hepsieve.kinematics import MOST_ETA, MOST_PT, Momentum

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]+$")]
"""Of an object: a part of the names of what is derived."""
Derive = Literal[
    "pair_masses",
    "triple_masses",
    "quadruple_masses",
    "delta_r",
    "delta_phi",
    "delta_eta",
    "transverse_masses",
    "pair_momenta",
    "sums",
    "w_candidates",
]
"""A group of derived features; see `hepsieve.prepare.derive`."""


Of = Literal["pt", "eta", "phi", "tag"]
"""What a column of an object holds."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FactorsConfig(_Frozen):
    """What columns are multiplied with; none may be 0."""

    pt: float = 1.0
    eta: float = 1.0
    phi: float = 1.0
    tag: float = 1.0

    @model_validator(mode="after")
    def _keeps_its_values(self) -> FactorsConfig:
        if 0 in (self.pt, self.eta, self.phi, self.tag):
            raise ValueError("a factor of 0 leaves nothing of a column")
        return self


class OffsetsConfig(_Frozen):
    """What is added to columns."""

    pt: float = 0.0
    eta: float = 0.0
    phi: float = 0.0
    tag: float = 0.0


class ObjectConfig(_Frozen):
    """A particle, a jet or the missing momentum, and the columns with its momentum.

    Attributes:
        pt: the column with its transverse momentum.
        phi: the column with its azimuth.
        eta: the column with its pseudorapidity; null for missing momentum, of which nothing is known along the beam.
        tag: the column that says how surely it is a b jet; the more, the surer.
        mass: GeV.
        scale: pt in GeV, η, φ in radians and the tag are column × scale + offset.
        offset: see ``scale``.
        log: the column of pt holds the logarithm of a number of GeV, after scale and offset.
        lepton: whether it may come, with the missing momentum, from a W boson.
    """

    pt: str
    phi: str
    eta: str | None = None
    tag: str | None = None
    mass: Annotated[float, Field(ge=0)] = 0.0
    scale: FactorsConfig = FactorsConfig()
    offset: OffsetsConfig = OffsetsConfig()
    log: bool = False
    lepton: bool = False

    @model_validator(mode="after")
    def _one_column_each(self) -> ObjectConfig:
        if len(set(self.every_column)) < len(self.every_column):
            raise ValueError(f"pt, eta, phi and tag are columns of their own; found {', '.join(self.every_column)}")
        if self.eta is None and (self.lepton or self.tag is not None):
            raise ValueError("a lepton or a jet with a tag has an eta; name its column")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with its momentum."""
        return (self.pt, self.phi) if self.eta is None else (self.pt, self.eta, self.phi)

    @property
    def every_column(self) -> tuple[str, ...]:
        """These, and that of its tag."""
        return self.columns if self.tag is None else (*self.columns, self.tag)

    @property
    def places(self) -> dict[Of, str]:
        """Its columns by what they hold."""
        every: dict[Of, str | None] = {"pt": self.pt, "eta": self.eta, "phi": self.phi, "tag": self.tag}
        return {of: column for of, column in every.items() if column is not None}

    def physical(self, of: Of, column: Any) -> Any:
        """GeV (or their logarithm), radians, pseudorapidities or tags from a raw column."""
        return column * getattr(self.scale, of) + getattr(self.offset, of)

    def raw(self, of: Of, values: Any) -> Any:
        """The reverse of `physical`."""
        return (values - getattr(self.offset, of)) / getattr(self.scale, of)

    def momentum(self, columns: Mapping[str, Any], ops: Any = np) -> Momentum:
        """Its momentum from raw columns; those that are not there are taken for 0.

        Negative momenta count as none, and what lies beyond all experiments as the limits in `hepsieve.kinematics`.
        """
        zero = 0 * next(iter(columns.values()))
        pt, phi = self.physical("pt", columns.get(self.pt, zero)), self.azimuth(columns.get(self.phi, zero))
        if self.log:
            pt = ops.exp(ops.minimum(pt, float(np.log(MOST_PT))))
        pt = ops.minimum(ops.maximum(pt, 0.0), MOST_PT)
        eta = None
        if self.eta is not None:
            eta = self.physical("eta", columns.get(self.eta, zero))
            eta = ops.minimum(ops.maximum(eta, -MOST_ETA), MOST_ETA)
        return Momentum(pt=pt, eta=eta, phi=phi, mass=self.mass)

    def azimuth(self, column: Any) -> Any:
        """Radians from its raw column."""
        return self.physical("phi", column)


class FrameConfig(_Frozen):
    """The frame in which objects are seen: without it a model has to learn that it doesn't matter.

    Attributes:
        rotate: the object from which azimuths are measured; its own is no input any more.
        reflect: the object whose pseudorapidity is never negative: where it is, all change their sign.
        mirror: the object whose azimuth from ``rotate``'s is never negative: where it is, all change their sign.
        tagged_first: exchange the objects with a tag before all that, so that the surest b jets come first; of equally
            sure ones (less than 0.001 apart) the order stays.
    """

    rotate: str | None = None
    reflect: str | None = None
    mirror: str | None = None
    tagged_first: bool = False

    @model_validator(mode="after")
    def _mirrors_what_is_rotated(self) -> FrameConfig:
        if self.mirror is not None and self.rotate is None:
            raise ValueError("mirror needs azimuths from an object; name it in rotate")
        if self.mirror is not None and self.mirror == self.rotate:
            raise ValueError(f"mirror and rotate are both {self.mirror}, whose azimuth is then 0; name another one")
        return self
