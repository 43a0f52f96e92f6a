"""Pythia 8 makes pairs of top quarks, from a heavy Z′ or without: settings and seeds in, particles out."""

from __future__ import annotations

from typing import Literal

from hepsieve.simulate.higgs_generator import COLLISIONS, TOP_PAIRS, Generator, one_lepton
from hepsieve.simulate.pythia import configured, initialised

MASSES = (500, 750, 1000, 1250, 1500)
"""Of the resonance, in GeV."""

WIDTH = 0.012
"""Of the mass. The publication asks for a resonance and names no width. This one is what searches at the LHC take for a
narrow Z′ (arXiv:1112.4928); it is a tenth of the detector's resolution, so that no column shows it."""

SHOWERS = ("SpaceShower:alphaSvalue = 0.155",)
"""Above Pythia's 0.1365, for as many jets as the public events have without the underlying event, which would cost
four times as much."""


def settings(mass: int | None, *, charge: Literal[1, -1], seed: int) -> tuple[str, ...]:
    """Pythia's settings: the W boson of this charge decays to e or μ, the other one to quarks.

    Args:
        mass: of the resonance in GeV; None for the top pairs of the standard model.
        charge: of the lepton.
        seed: Pythia's own, 1 to 900,000,000.
    """
    hard = TOP_PAIRS if mass is None else _resonance(mass)
    return (*COLLISIONS, *SHOWERS, *one_lepton(charge), *hard, f"Random:seed = {seed}")


def open_generator(mass: int | None, *, charge: Literal[1, -1], seed: int) -> Generator:
    """A freshly initialised Pythia, so that its events depend on nothing but these arguments.

    Args:
        mass: of the resonance in GeV; None for the top pairs of the standard model.
        charge: of the lepton.
        seed: Pythia's own, 1 to 900,000,000.

    Raises:
        MissingExtra: if pythia8mc is not installed.
        RuntimeError: if Pythia refuses a setting.
    """
    return Generator(pythia=initialised(configured(settings(mass, charge=charge, seed=seed))), hook=None)


def _resonance(mass: int) -> tuple[str, ...]:
    return (
        "NewGaugeBoson:ffbar2gmZZprime = on",
        "Zprime:gmZmode = 3",  # neither a photon nor a Z in between
        f"32:m0 = {mass}.",
        "32:doForceWidth = on",
        f"32:mWidth = {WIDTH * mass}",
        "32:onMode = off",
        "32:onIfAny = 6",
    )
