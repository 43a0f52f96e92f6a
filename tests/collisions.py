"""A small table of collisions: a lepton, a jet, missing momentum, and a column that no symmetry changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events
from hepsieve.kinematics import mass, massless
from hepsieve.objects import FactorsConfig, ObjectConfig, OffsetsConfig

SCALES, OFFSETS = FactorsConfig(pt=40.0, eta=1.2, phi=1.8), OffsetsConfig(eta=0.02, phi=-0.01)
OBJECTS = {
    "lepton": ObjectConfig(pt="l_pt", eta="l_eta", phi="l_phi", scale=SCALES, offset=OFFSETS),
    "jet": ObjectConfig(pt="j_pt", eta="j_eta", phi="j_phi", scale=SCALES),
    "missing": ObjectConfig(pt="met", phi="met_phi", scale=SCALES, offset=OFFSETS),
}
NAMES = ("l_pt", "l_eta", "l_phi", "j_pt", "j_eta", "j_phi", "met", "met_phi", "m")
ANGLES = ("l_phi", "j_phi", "met_phi")


def collisions(n: int, seed: int = 1) -> Events:
    """Events whose signal has lepton and jet nearer to each other."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n)
    l_phi = rng.uniform(-np.pi, np.pi, n)
    j_phi = l_phi + rng.normal(size=n) * np.where(target == 1, 0.7, 1.8)
    l_eta = rng.normal(size=n)
    j_eta = l_eta + rng.normal(size=n) * np.where(target == 1, 0.5, 1.2)
    physical = {"l_eta": l_eta, "l_phi": l_phi, "j_eta": j_eta, "j_phi": j_phi, "met_phi": rng.uniform(-3, 3, n)}
    physical |= {name: rng.exponential(50.0, n) + 10 for name in ("l_pt", "j_pt", "met")}
    columns = {"m": rng.exponential(size=n)}
    for one in OBJECTS.values():
        for kind, name in (("pt", one.pt), ("eta", one.eta), ("phi", one.phi)):
            if name is not None:
                value = physical[name]
                value = (value + np.pi) % (2 * np.pi) - np.pi if kind == "phi" else value
                columns[name] = (value - getattr(one.offset, kind)) / getattr(one.scale, kind)
    features = np.stack([columns[name] for name in NAMES], axis=1).astype(np.float32)
    return Events.from_arrays(features, target, names=NAMES).replace(objects=OBJECTS)


def invariants(features: NDArray[np.float32], names: tuple[str, ...] = NAMES) -> NDArray[np.float64]:
    """What no symmetry changes, by definition from four-vectors: masses, momenta and the last column, shape (n, 6)."""
    columns = {name: features[:, k].astype(np.float64) for k, name in enumerate(names)}
    four = {}
    for name, one in OBJECTS.items():
        pt = columns[one.pt] * one.scale.pt + one.offset.pt
        phi = columns[one.phi] * one.scale.phi + one.offset.phi
        eta = np.zeros(len(pt)) if one.eta is None else columns[one.eta] * one.scale.eta + one.offset.eta
        four[name] = massless(pt, eta, phi)
    transverse = four["lepton"] + four["missing"]
    transverse[:, 2] = 0
    momenta = [columns[one.pt] for one in OBJECTS.values()]
    return np.stack(
        [mass(four["lepton"] + four["jet"]), np.hypot(*transverse[:, :2].T), *momenta, columns["m"]], axis=1
    )
