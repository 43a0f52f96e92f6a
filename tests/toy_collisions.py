"""Random collisions with a lepton, missing momentum and four jets, in columns of any scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.reference.kinematics import Seen

from hepsieve.events import Events
from hepsieve.objects import FactorsConfig, ObjectConfig, OffsetsConfig

Floats = NDArray[np.float64]
JETS = ("jet1", "jet2", "jet3", "jet4")
_SCALE = FactorsConfig(pt=50.0, eta=1.1, phi=1.8, tag=0.5)
_OFFSET = OffsetsConfig(eta=0.01, phi=-0.002)


@dataclass(frozen=True)
class Changes:
    """What leaves physics as it is.

    Attributes:
        angle: every event is turned by this, in radians.
        up: 1, or −1 to reflect along the beam.
        side: 1, or −1 to mirror the azimuths.
    """

    angle: float = 0.0
    up: int = 1
    side: int = 1

    def __call__(self, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """The changed physical columns; azimuths stay in −π…π."""
        changed = dict(columns)
        for name, values in columns.items():
            if name.endswith("_eta"):
                changed[name] = self.up * values
            if name.endswith("_phi"):
                changed[name] = np.angle(np.exp(1j * (self.side * values + self.angle)))
        return changed


def collision_objects(*, mass: float = 0.0, log: bool = False) -> dict[str, ObjectConfig]:
    """The objects of `collisions`; jets of this mass, momenta as logarithms or not."""

    def one(name: str, **more: object) -> ObjectConfig:
        said = {"pt": f"{name}_pt", "eta": f"{name}_eta", "phi": f"{name}_phi", "scale": _SCALE, "offset": _OFFSET}
        return ObjectConfig.model_validate({**said, "log": log, **more})

    lepton, missing = one("lepton", lepton=True), one("missing", eta=None)
    return {
        "lepton": lepton,
        "missing": missing,
        **{name: one(name, mass=mass, tag=f"{name}_tag") for name in JETS},
    }


def physical(n: int, *, seed: int, near: bool = False) -> dict[str, Floats]:
    """GeV, pseudorapidities, radians and tags by column; ``near`` puts signal's first two jets side by side."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Floats] = {}
    for name in ("lepton", "missing", *JETS):
        columns[f"{name}_pt"] = 15 + rng.exponential(40, n)
        if name != "missing":
            columns[f"{name}_eta"] = rng.uniform(-2.5, 2.5, n)
        columns[f"{name}_phi"] = rng.uniform(-np.pi, np.pi, n)
        if name in JETS:
            columns[f"{name}_tag"] = rng.integers(0, 3, n).astype(float)
    if near:
        for of in ("eta", "phi"):
            step = rng.normal(0, 0.4, n)
            columns[f"jet2_{of}"] = np.where(np.arange(n) % 2, columns[f"jet1_{of}"] + step, columns[f"jet2_{of}"])
    columns["other"] = rng.normal(size=n)
    return columns


def raw(columns: Mapping[str, Floats], objects: Mapping[str, ObjectConfig]) -> dict[str, Floats]:
    """The same as columns of a file."""
    found = dict(columns)
    for one in objects.values():
        for of, name in one.places.items():
            values = np.log(columns[name]) if of == "pt" and one.log else columns[name]
            found[name] = one.raw(of, values)
    return found


def collisions(
    n: int, *, seed: int, mass: float = 0.0, log: bool = False, near: bool = False, change: Changes | None = None
) -> Events:
    """Events of two classes in turns, after a change of their physical columns."""
    objects = collision_objects(mass=mass, log=log)
    columns = physical(n, seed=seed, near=near)
    if change is not None:
        columns = change(columns)
    return events_of(raw(columns, objects), objects)


def events_of(columns: Mapping[str, Floats], objects: Mapping[str, ObjectConfig]) -> Events:
    """Events with these raw columns; every other one is signal."""
    features = np.stack([*columns.values()], axis=1)
    target = np.arange(len(features)) % 2
    return Events.from_arrays(features, target, names=tuple(columns)).replace(objects=objects)


def seen(columns: Mapping[str, Floats], row: int, *, mass: float = 0.0) -> dict[str, Seen]:
    """The objects of one event for the slow definitions."""
    return {
        name: (
            float(columns[f"{name}_pt"][row]),
            float(columns[f"{name}_eta"][row]) if name != "missing" else 0.0,
            float(columns[f"{name}_phi"][row]),
            mass if name in JETS else 0.0,
        )
        for name in ("lepton", "missing", *JETS)
    }


def write_csv(path: Path, columns: Mapping[str, Floats]) -> Path:
    """A CSV file with these columns and, first, ``kind``: 0 and 1 in turns."""
    rows = np.stack([*columns.values()], axis=1).tolist()
    lines = [f"{k % 2},{','.join(map(repr, row))}" for k, row in enumerate(rows)]
    path.write_text("\n".join([f"kind,{','.join(columns)}", *lines]) + "\n", encoding="utf-8")
    return path
