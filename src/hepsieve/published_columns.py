"""The constants behind the columns of the public HIGGS and HEPMASS data, which turn them into GeV and radians.

HIGGS: they were read off public rows, whose pt, eta and phi lie on a grid of 0.01 GeV and 0.001: a column's scale and
offset are those that put all its values onto the grid. Masses and missing energy follow from the others.

HEPMASS, of which mean, standard deviation, extremes and quartiles over all 7,000,000 rows are published:

- Azimuths end at ±1.732 = ±√3, as an even distribution does.
- Pseudorapidities end sharply, on both sides alike: at 2.5 for the lepton, at 3 for jets (see ``hepmass_detector``).
- Tags have two values each.
- f5 begins with −1.0542, −0.0060 and 0.8505: steps in the ratio ln(5/4) : ln(6/5), so that it is the logarithm of a
  number from 4 to 13. Momenta and masses are logarithms too: their quartiles lie as evenly about the median as those
  of a logarithm do, and the smallest missing energy 10 standard deviations below the mean.
- f24 is narrow, with its quartiles at 80.1, 80.4 and 81.5 GeV: the mass of lepton and neutrino, found as in HIGGS.

So a column is (x − shift) / scale, or (ln x − shift) / scale. Where a column has edges, the constants are those that
put the edges where they were published. For the others (``HEPMASS_FITTED``) they are those that give 30,000 simulated
rows the published mean and standard deviation, which puts a threshold of 15 GeV (lepton) or 20 GeV (fourth jet) within
0.1 of the published minimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

HIGGS_B_TAG_CODES = (1.086538076, 1.107436061, 1.274112225, 1.550980687)
"""What a loose tag of jets 1 to 4 is in the published columns; a tight one is twice that."""

HIGGS_SCALES = np.array(
    [
        *(54.642094, 1.026727, 1.80225, 58.2085, 1.801784),
        *(109.16171, 1.0098665, 1.80383, 1 / HIGGS_B_TAG_CODES[0]),
        *(79.425911, 1.02947, 1.80235, 1 / HIGGS_B_TAG_CODES[1]),
        *(56.940689, 1.0986009, 1.80266, 1 / HIGGS_B_TAG_CODES[2]),
        *(41.083428, 1.200735, 1.80209, 1 / HIGGS_B_TAG_CODES[3]),
        *(87.695751, 179.68827, 81.41911, 195.20406, 126.56807, 336.20647, 511.4418),
    ]
)
"""GeV for momenta and masses, radians for azimuths, none for pseudorapidities and tags."""

HIGGS_MEANS = np.array(
    [
        *(0.0, 0.000056, 0.000251, 0.0, 0.00162),
        *(0.0, 0.000026, 0.000711, 0.0),
        *(0.0, -0.000062, 0.000183, 0.0),
        *(0.0, -0.00019, 0.000172, 0.0),
        *(0.0, -0.000447, 0.000293, 0.0),
        *(0.0,) * 7,
    ]
)
"""In the units of the scales; only columns of either sign were centred."""

HEPMASS_LOGARITHMS = (0, 3, 5, 6, 10, 14, 18, 22, 23, 24, 25, 26)
"""The columns that are logarithms, of GeV and of the number of jets."""


def _edges(low: float, high: float, at_low: float, at_high: float) -> tuple[float, float]:
    """Shift and scale that put two values at these places."""
    scale = (high - low) / (at_high - at_low)
    return low - scale * at_low, scale


HEPMASS_FITTED: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        0: (4.067, 0.712),
        3: (4.153, 0.848),
        6: (5.030, 0.594),
        10: (4.619, 0.546),
        14: (4.207, 0.487),
        18: (3.790, 0.462),
        22: (4.497, 0.554),
        23: (5.262, 0.358),
        24: (4.435, 0.146),
        25: (5.418, 0.521),
        26: (6.494, 0.454),
    }
)
"""Shift and scale of the columns without edges."""

_JETS = np.log(4), np.log(13)
_READ_OFF: Mapping[int, tuple[float, float]] = {
    1: _edges(-2.5, 2.5, -2.365355, 2.365287),
    2: _edges(-np.pi, np.pi, -1.732165, 1.732370),
    4: _edges(-np.pi, np.pi, -1.732137, 1.731978),
    5: _edges(*_JETS, -1.054221, 4.482618),
    7: _edges(-3, 3, -2.757853, 2.758590),
    8: _edges(-np.pi, np.pi, -1.732359, 1.731450),
    9: _edges(0, 1, -1.325801, 0.754261),
    11: _edges(-3, 3, -2.602091, 2.602294),
    12: _edges(-np.pi, np.pi, -1.732216, 1.732007),
    13: _edges(0, 1, -1.161915, 0.860649),
    15: _edges(-3, 3, -2.437812, 2.438369),
    16: _edges(-np.pi, np.pi, -1.732145, 1.732738),
    17: _edges(0, 1, -0.815440, 1.226331),
    19: _edges(-3, 3, -2.281867, 2.282217),
    20: _edges(-np.pi, np.pi, -1.731758, 1.732740),
    21: _edges(0, 1, -0.573682, 1.743123),
}
_CONSTANTS = np.array([{**HEPMASS_FITTED, **_READ_OFF}[number] for number in range(27)])
HEPMASS_SHIFTS, HEPMASS_SCALES = _CONSTANTS[:, 0], _CONSTANTS[:, 1]
