"""The features that can be derived from an event's objects: which there are, what each needs, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, assert_never

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve.kinematics import Kinematics
from hepsieve.objects import Derive, ObjectConfig

Quantity = Literal[
    "mass", "w_mass", "delta_r", "delta_phi", "delta_eta", "transverse_mass", "transverse_momentum", "scalar_sum"
]
_SYMBOLS: Mapping[Quantity, str] = {
    "mass": "m",
    "w_mass": "mW",
    "delta_r": "dR",
    "delta_phi": "dphi",
    "delta_eta": "deta",
    "transverse_mass": "mT",
    "transverse_momentum": "pT",
    "scalar_sum": "HT",
}


class Derived(BaseModel):
    """A derived feature: a quantity of `hepsieve.kinematics.Kinematics` and the objects that it is taken of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: Quantity
    objects: tuple[str, ...]

    @property
    def name(self) -> str:
        """Such as ``m(jet1,jet2)``."""
        return f"{_SYMBOLS[self.quantity]}({','.join(self.objects)})"

    def columns(self, objects: Mapping[str, ObjectConfig]) -> tuple[str, ...]:
        """The raw columns that it is computed from."""
        own = [objects[name] for name in self.objects]
        match self.quantity:
            case "mass" | "w_mass":
                return tuple(column for one in own for column in one.columns)
            case "delta_eta":
                return tuple(one.eta for one in own if one.eta is not None)
            case "delta_phi":
                return tuple(one.phi for one in own)
            case "delta_r":
                return tuple(column for one in own for column in one.columns if column != one.pt)
            case "transverse_mass" | "transverse_momentum":
                return tuple(column for one in own for column in (one.pt, one.phi))
            case "scalar_sum":
                return tuple(one.pt for one in own)
            case _:
                assert_never(self.quantity)

    def of(self, kinematics: Kinematics) -> Any:
        """Its values, shape (n,)."""
        match self.quantity:
            case "mass":
                return kinematics.mass(self.objects)
            case "w_mass":
                return kinematics.w_mass(self.objects)
            case "delta_r":
                return kinematics.delta_r(self.objects)
            case "delta_phi":
                return kinematics.delta_phi(self.objects)
            case "delta_eta":
                return kinematics.delta_eta(self.objects)
            case "transverse_mass":
                return kinematics.transverse_mass(self.objects)
            case "transverse_momentum":
                return kinematics.transverse_momentum(self.objects)
            case "scalar_sum":
                return kinematics.scalar_sum(self.objects)
            case _:
                assert_never(self.quantity)


def derivable(groups: Iterable[Derive], objects: Mapping[str, ObjectConfig]) -> tuple[Derived, ...]:
    """All features of these groups that such objects have.

    - ``pair_masses``, ``triple_masses``, ``quadruple_masses``: m(a,b), m(a,b,c), m(a,b,c,d) of objects with an η.
    - ``delta_r``, ``delta_eta``: dR(a,b), deta(a,b) of every two of them.
    - ``delta_phi``: dphi(a,b) of every two, missing momentum too.
    - ``transverse_masses``: mT(a,missing).
    - ``pair_momenta``: pT(a,b), the length of the sum of two transverse momenta, missing momentum too.
    - ``sums``: HT(…) of all objects with an η and of all at all, m(…) of the former, pT(…) of both.
    - ``w_candidates``: mW(lepton,missing,…), where a W boson gives the missing momentum its η, of lepton and missing
      momentum with one and with two of the others, and with all of them.

    >>> jet = {n: ObjectConfig(pt=f"pt{n}", eta=f"eta{n}", phi=f"phi{n}") for n in "ab"}
    >>> [one.name for one in derivable(["pair_masses", "delta_r"], jet)]
    ['m(a,b)', 'dR(a,b)']
    """
    found = [one for group in groups for one in _group(group, objects)]
    return tuple({one.name: one for one in found}.values())


def _group(group: Derive, objects: Mapping[str, ObjectConfig]) -> list[Derived]:
    everything = tuple(objects)
    visible = tuple(name for name in objects if objects[name].eta is not None)
    missing = tuple(name for name in objects if name not in visible)
    match group:
        case "pair_masses":
            return _of("mass", combinations(visible, 2))
        case "triple_masses":
            return _of("mass", combinations(visible, 3))
        case "quadruple_masses":
            return _of("mass", combinations(visible, 4))
        case "delta_r":
            return _of("delta_r", combinations(visible, 2))
        case "delta_eta":
            return _of("delta_eta", combinations(visible, 2))
        case "delta_phi":
            return _of("delta_phi", combinations(everything, 2))
        case "transverse_masses":
            return _of("transverse_mass", ((one, unseen) for unseen in missing for one in visible))
        case "pair_momenta":
            return _of("transverse_momentum", combinations(everything, 2))
        case "sums":
            both = [each for each in dict.fromkeys((visible, everything)) if len(each) > 1]
            sums = [*_of("scalar_sum", both), *_of("transverse_momentum", both)]
            return [*sums, *_of("mass", [visible] if len(visible) > 1 else [])]
        case "w_candidates":
            leptons = [name for name in visible if objects[name].lepton]
            return [one for lepton in leptons for unseen in missing for one in _w_candidates(lepton, unseen, visible)]
        case _:
            assert_never(group)


def _of(quantity: Quantity, objects: Iterable[Sequence[str]]) -> list[Derived]:
    return [Derived(quantity=quantity, objects=tuple(each)) for each in objects]


def _w_candidates(lepton: str, missing: str, visible: Sequence[str]) -> list[Derived]:
    others = tuple(name for name in visible if name != lepton)
    beside = dict.fromkeys((*combinations(others, 1), *combinations(others, 2), others))
    return _of("w_mass", ((lepton, missing, *some) for some in beside if some))


def derived_values(
    derived: Sequence[Derived], objects: Mapping[str, ObjectConfig], columns: Mapping[str, Any], ops: Any = np
) -> list[Any]:
    """The values of derived features, each of shape (n,).

    Args:
        derived: which features.
        objects: the objects that they are of.
        columns: raw columns by name, shape (n,).
        ops: ``numpy`` or ``keras.ops``.
    """
    wanted = dict.fromkeys(name for one in derived for name in one.objects)
    kinematics = Kinematics(momenta={name: objects[name].momentum(columns, ops) for name in wanted}, ops=ops)
    return [one.of(kinematics) for one in derived]
