"""What Pythia is told of the resonance, and the mass that it makes."""

from __future__ import annotations

import numpy as np
import pytest

from hepsieve.simulate.hepmass_generator import MASSES, WIDTH, open_generator, settings
from hepsieve.simulate.higgs_generator import TOP_PAIRS


def test_settings_name_mass_charge_and_seed() -> None:
    signal, background = settings(750, charge=1, seed=7), settings(None, charge=-1, seed=8)
    assert {"32:m0 = 750.", "32:mWidth = 9.0", "24:onPosIfAny = 11 13", "Random:seed = 7"} <= set(signal)
    assert {*TOP_PAIRS, "24:onNegIfAny = 11 13", "Random:seed = 8"} <= set(background)
    assert not any(setting.startswith(("32:", "Zprime")) for setting in background)
    assert not set(TOP_PAIRS) & set(signal)


@pytest.mark.parametrize("mass", [MASSES[0], MASSES[-1]])
def test_the_resonance_has_its_mass_and_width_and_decays_to_top_quarks(mass: int) -> None:
    pytest.importorskip("pythia8mc")
    generator = open_generator(mass, charge=1, seed=3)
    generator.pythia.readString("PartonLevel:all = off")
    assert generator.pythia.init()
    found = []
    for _ in range(400):
        generator.pythia.next()
        process = generator.pythia.process
        pair = [process[row] for row in range(5, process.size()) if process[row].idAbs() == 6]
        assert len(pair) == 2
        found.append((pair[0].p() + pair[1].p()).mCalc())
    low, median, high = np.percentile(found, [25, 50, 75])
    # Half of a Breit–Wigner curve lies within half a width; of 400 events the quartiles are known to about 0.08 widths.
    # Parton densities that fall lower the heavy one a little.
    assert median == pytest.approx(mass, abs=0.5 * WIDTH * mass)
    assert high - low == pytest.approx(WIDTH * mass, rel=0.5)
