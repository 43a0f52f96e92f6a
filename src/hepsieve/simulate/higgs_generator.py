"""Pythia 8 makes heavy-Higgs cascades and top pairs: settings and seeds in, particles out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hepsieve.simulate.higgs_tuning import TUNING
from hepsieve.simulate.particles import Particles, Record
from hepsieve.simulate.pythia import configured, counts, flat, initialised, load_pythia

Process = Literal["signal", "background"]

LEPTONS, QUARKS = "11 13", "1 2 3 4 5"
W, H0, H_CHARGED = 24, 35, 37

COLLISIONS = (
    "Print:quiet = on",
    "Beams:eCM = 8000.",
    "6:m0 = 172.5",
    "PartonLevel:MPI = off",
    "Random:setSeed = on",
    "24:onMode = off",
)
SHOWERS = (
    # Underlying event off and showers from the factorisation scale down: the public events have as many jets as this
    # gives, fewer than Pythia's defaults.
    "SpaceShower:pTmaxMatch = 1",
    "TimeShower:pTmaxMatch = 1",
    f"TimeShower:alphaSvalue = {TUNING.time_alpha}",
    f"PDF:pSet = {TUNING.parton_set}",
)
TOP_PAIRS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")
HIGGS_CASCADE = (
    # gg → H0(425) → W∓H±(325), H± → W±h0(125), h0 → bb̄, the benchmark of arXiv:1402.4735 (but for the
    # light Higgs boson's mass: see the tuning).
    "Higgs:useBSM = on",
    "HiggsBSM:gg2H2 = on",
    f"25:m0 = {TUNING.light_higgs_mass}",
    "35:m0 = 425.",
    "37:m0 = 325.",
    "HiggsH2:coup2HchgW = 1.",
    "35:onMode = off",
    "35:onIfMatch = 24 -37",
    "35:onIfMatch = -24 37",
    "37:onMode = off",
    "37:onIfMatch = 24 25",
    "25:onMode = off",
    "25:onIfMatch = 5 -5",
    # A two-Higgs-doublet width would smear the mass peaks; the public events show narrow ones.
    "35:doForceWidth = on",
    "35:mWidth = 1.",
    "37:doForceWidth = on",
    "37:mWidth = 1.",
)


def settings(process: Process, *, charge: Literal[1, -1], seed: int) -> tuple[str, ...]:
    """Pythia's settings: the W boson of this charge decays to e or μ, the other one to quarks.

    Args:
        process: ``"signal"`` for the Higgs cascade, ``"background"`` for top pairs.
        charge: of the lepton.
        seed: Pythia's own, 1 to 900,000,000.
    """
    hard = HIGGS_CASCADE if process == "signal" else (*TOP_PAIRS, f"6:m0 = {TUNING.top_mass}")
    alpha = TUNING.signal_space_alpha if process == "signal" else TUNING.background_space_alpha
    initial = f"SpaceShower:alphaSvalue = {alpha}"
    return (*COLLISIONS, *SHOWERS, initial, *one_lepton(charge), *hard, f"Random:seed = {seed}")


def one_lepton(charge: Literal[1, -1]) -> tuple[str, str]:
    """Settings by which the W boson of this charge decays to e or μ, the other one to quarks."""
    plus, minus = (LEPTONS, QUARKS) if charge > 0 else (QUARKS, LEPTONS)
    return f"24:onPosIfAny = {plus}", f"24:onNegIfAny = {minus}"


def longitudinal_weight(process: Any) -> float:
    """The product of sin²θ* over the W bosons from H0 → WH± and H± → Wh0 in a process record, 0 to 1.

    A W from the decay of one scalar into another is longitudinal, so that its fermions follow sin²θ* about its
    direction of flight; Pythia lets them decay evenly. θ* is the angle, in the W's rest frame, between a daughter
    and the direction opposite to the parent's; for massless daughters
    cos θ* = [(P·l) − (P·q)(q·l)/q²] / √{[(P·q)²/q² − P²] q²/4}, P, q and l being parent, W and daughter.
    """
    weight = 1.0
    for index in range(5, process.size()):
        boson = process[index]
        if boson.idAbs() != W:
            continue
        parent = process[boson.mother1()]
        if parent.idAbs() not in (H0, H_CHARGED):
            continue
        p, q, daughter = parent.p(), boson.p(), process[boson.daughter1()].p()
        q2, pq = q.m2Calc(), p * q
        numerator = p * daughter - pq * (q * daughter) / q2
        weight *= max(0.0, 1.0 - numerator**2 / ((pq**2 / q2 - p.m2Calc()) * q2 / 4))
    return weight


@dataclass(frozen=True, kw_only=True, eq=False)
class Generator:
    """A Pythia that is ready to make events; it must keep its hook alive."""

    pythia: Any
    hook: Any

    def generate(self, events: int) -> Record:
        """The next events (a few less where Pythia gave one up).

        Raises:
            RuntimeError: if Pythia gave all of them up.
        """
        record = _columns(self.pythia.nextBatch(events))
        if record.events == 0:
            raise RuntimeError("Pythia failed to make any event")
        return record


def open_generator(process: Process, *, charge: Literal[1, -1], seed: int, rng: np.random.Generator) -> Generator:
    """A freshly initialised Pythia, so that its events depend on nothing but these arguments.

    Args:
        process: which collisions to make.
        charge: of the lepton.
        seed: Pythia's own, 1 to 900,000,000.
        rng: decides which of the evenly decayed W bosons stay.

    Raises:
        MissingExtra: if pythia8mc is not installed.
        RuntimeError: if Pythia refuses a setting.
    """
    pythia = configured(settings(process, charge=charge, seed=seed))
    hook = _longitudinal_hook(load_pythia(), rng) if process == "signal" else None
    if hook is not None:
        pythia.setUserHooksPtr(hook)
    return Generator(pythia=initialised(pythia), hook=hook)


def _longitudinal_hook(module: Any, rng: np.random.Generator) -> Any:
    """A hook that drops events with probability 1 − sin²θ*₁ sin²θ*₂ before showers and hadrons are made."""

    class Longitudinal(module.UserHooks):  # type: ignore[misc]  # its type is known only at run time
        def canVetoProcessLevel(self) -> bool:
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:
            return bool(rng.random() >= longitudinal_weight(process))

    return Longitudinal()


def _columns(batch: Any) -> Record:
    """Pythia's awkward arrays as flat columns."""
    particles = batch.prt
    multiplicity = counts(particles.id)
    event = np.repeat(np.arange(len(multiplicity)), multiplicity)
    kind = np.abs(flat(particles.id)).astype(np.int64)
    momentum = tuple(flat(particles.p[axis]) for axis in ("px", "py", "pz", "e"))
    stable = np.flatnonzero(flat(particles.status) > 0)
    quark = np.flatnonzero((kind == 4) | (kind == 5))
    px, py, pz, energy = momentum

    def rows(index: Any) -> Particles:
        return Particles.from_momenta(event[index], kind[index], (px[index], py[index], pz[index], energy[index]))

    return Record(events=len(multiplicity), stable=rows(stable), quarks=rows(quark))
