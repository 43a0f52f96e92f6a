"""Constants of the fast shower: what electrons in lead tungstate do on average and how much they vary, from Geant4.

Fitted to 14,900 showers of electrons of 0.02, 0.05, 0.2, 1, 5, 20, 50 and 90 GeV
in a block of PbWO₄, 23 cm deep and as wide as it takes, with their energy in bins of 0.5 cm of depth and in 40 bins of
radius (Geant4 11.4 through calzone 1.2, electromagnetic physics ``option1``, cut 0.2 cm). There were 2,000 to 3,000
showers at each energy up to 5 GeV, 1,300 at 20 GeV, 1,850 at 50 GeV and 450 at 90 GeV.

* Along the shower each electron's profile was fitted by a gamma distribution (Longo and Sestili, NIM 128 (1975) 283;
  hep-ex/0001020, section 3): means and spreads of its logarithms, from 1 GeV on. Below, showers are too short for a
  fit of each, and the constants were set by hand to the mean profile and the spread of the mean depths; at 5 MeV they
  are carried on.
* The spread of the shape and its correlation with the mean depth were then set so that the width of the profile
  varies, and follows the mean depth, as it does in Geant4.
* The mean profile is no gamma distribution: electrons ionise before they shower, and soft photons carry energy far
  down. ``STRETCH`` moves depths so that quantiles of the mean profile agree (from 1 GeV).
* Across the shower, radii were binned by depth over the shower's own mean depth, and the quantiles of each bin fitted
  by a polynomial, from 0.2 GeV (``RADII``). A last polynomial, the same for all depths, brought the profile of whole
  showers to Geant4's.
* ``FREE_PATH`` and ``LOST`` were set by hand to the mean depth of photons and the mean energy of electrons.
"""

from __future__ import annotations

import numpy as np

GRID = np.log((0.005, 0.02, 0.05, 0.2, 1, 5, 20, 50, 90))
"""Logarithms of energies in GeV at which the following constants are given; between them they run straight."""
SHAPE = np.array((-1.3, -0.5, 0.1, 0.56, 1.011, 1.293, 1.47, 1.601, 1.687))
"""Mean ln α, the shape of the gamma distribution of the depths."""
SHAPE_SPREAD = np.array((0, 0, 0, 0.1, 0.187, 0.19, 0.16, 0.14, 0.12))
MEAN = np.array((-0.8, 0.266, 0.867, 1.34, 1.67, 1.909, 2.0765, 2.178, 2.2396))
"""Mean logarithm of the shower's mean depth in cm."""
MEAN_SPREAD = np.array((0.2, 0.2, 0.05, 0.18, 0.17, 0.137, 0.112, 0.1, 0.089))
CORRELATION = 0.66
"""Of the logarithms of shape and mean depth."""
LOST = np.array((0.02, 0.0166, 0.0126, 0.0082, 0.0045, 0.0045, 0.0045, 0.0045, 0.0045))
"""Mean share of energy that leaves through the front face or is too soft to follow."""

PATHS = np.log((0.005, 0.02, 0.05, 0.2, 1, 5, 20))
"""Logarithms of photon energies in GeV for ``FREE_PATH``."""
FREE_PATH = np.array((2.3, 1.9, 1.62, 1.35, 1.2, 1.144, 1.144))
"""Mean depth in cm at which a photon begins to shower: 9/7 X₀ at high energy, more where pairs are rarer."""

STRETCH_AT = np.array((0, 0.1, 0.15, 0.19, 0.24, 0.34, 0.45, 0.56, 0.75, 0.9, 1.15, 1.4, 1.7, 2, 2.35, 3))
STRETCH = np.array([
    [
        0, -0.0411, -0.024, -0.0115, -0.0013, 0.0086, 0.0111, 0.0084, 0.0007, -0.0068, -0.0137, -0.0135,
        -0.0068, 0.0103, 0.0364, 0.0364,
    ],
    [
        0, -0.0101, -0.0084, -0.0068, -0.0055, -0.0029, -0.0002, 0.0015, 0.0046, 0.0059, 0.0067, 0.0051, 0.0033,
        0.0003, -0.0078, -0.0078,
    ],
])  # fmt: skip
"""What is added to a depth in units of the mean depth: at 10 GeV, and per unit of ln E (from 1 to 100 GeV)."""

SOFT, SOFT_POWER = 0.05, 0.3
"""Below this energy in GeV radii fall as E to this power: by hand, to 20 MeV."""
RADII_AT = np.array((0.1604, 0.2849, 0.4308, 0.6041, 0.7996, 0.9967, 1.217, 1.464, 1.733, 2.069, 2.486))
"""Depths in units of the shower's mean depth at which ``RADII`` are given."""
RADII = np.array([
    [
        [-3.3359, 1.2194, 0.31996, -0.032223, -0.014506, 0.00011263, 0.00044992, -3.3948e-05],
        [0.0073156, 0.17318, 0.014619, -0.013258, -0.00041509, 0.00028747, -1.4013e-05, 3.0541e-07],
        [0.029665, 0.005644, -0.0068411, -0.00036325, 0.00023699, -9.903e-06, 0, 0],
    ],
    [
        [-2.6755, 0.9068, 0.15356, -0.0033424, -0.0090634, -0.00062801, 0.00044992, -3.3948e-05],
        [-0.013116, 0.034118, 0.015929, -0.0037236, -0.00060384, 0.00018497, -1.4013e-05, 3.0541e-07],
        [0.015382, -0.0078073, -0.0008515, 0.00039528, 1.0601e-05, -4.7217e-06, 0, 0],
    ],
    [
        [-2.1926, 0.85972, 0.059354, 0.0046036, -0.0061771, -0.00093315, 0.00044992, -3.3948e-05],
        [-0.030689, 0.031086, 0.0046212, -0.0024571, -0.0001565, 0.00013198, -1.4013e-05, 3.0541e-07],
        [0.01608, -0.011099, 0.00014117, 0.00043111, -2.278e-05, -1.9463e-06, 0, 0],
    ],
    [
        [-1.7326, 0.79594, 0.027515, 0.0078109, -0.0054468, -0.0010122, 0.00044992, -3.3948e-05],
        [-0.033524, 0.035119, -0.0012164, -0.0021302, 3.8819e-06, 0.00011739, -1.4013e-05, 3.0541e-07],
        [0.013217, -0.0071816, -0.00022977, 0.00034362, -2.2663e-05, -6.6042e-07, 0, 0],
    ],
    [
        [-1.3226, 0.74522, 0.021331, 0.0090093, -0.0056903, -0.00098939, 0.00044992, -3.3948e-05],
        [-0.032525, 0.032869, -0.0029844, -0.001904, 6.602e-05, 0.00011044, -1.4013e-05, 3.0541e-07],
        [0.01187, -0.0051909, -0.00068098, 0.00020201, 1.9368e-05, -3.4088e-06, 0, 0],
    ],
    [
        [-0.95759, 0.71728, 0.018269, 0.0086249, -0.0057878, -0.00096759, 0.00044992, -3.3948e-05],
        [-0.027811, 0.028399, -0.0022254, -0.0017241, 5.1298e-06, 0.00011445, -1.4013e-05, 3.0541e-07],
        [0.0092564, -0.0032125, -0.00079227, 0.00015191, 1.5577e-05, -2.446e-06, 0, 0],
    ],
    [
        [-0.58085, 0.69589, 0.013038, 0.0079603, -0.0057995, -0.00094886, 0.00044992, -3.3948e-05],
        [-0.021697, 0.026914, -0.001588, -0.0017924, -2.4985e-05, 0.00011865, -1.4013e-05, 3.0541e-07],
        [0.006557, -0.0024194, -0.00082059, 0.0001792, 1.9521e-05, -3.0291e-06, 0, 0],
    ],
    [
        [-0.19696, 0.67139, 0.004192, 0.0081248, -0.0056222, -0.00095823, 0.00044992, -3.3948e-05],
        [-0.01248, 0.023975, -0.0012331, -0.0017414, -1.9982e-05, 0.00011631, -1.4013e-05, 3.0541e-07],
        [0.0049947, -0.0018137, -0.00064333, 0.00011816, 1.3281e-05, -2.1058e-06, 0, 0],
    ],
    [
        [0.16518, 0.63654, -0.0042353, 0.0091305, -0.0054947, -0.00097226, 0.00044992, -3.3948e-05],
        [0.0062365, 0.020934, -0.0016575, -0.001679, -2.8899e-05, 0.00011796, -1.4013e-05, 3.0541e-07],
        [0.0010046, -0.00038139, -0.00045813, 3.3659e-05, 1.0559e-05, -1.1996e-06, 0, 0],
    ],
    [
        [0.52007, 0.59887, -0.0094214, 0.0094981, -0.0054484, -0.00096803, 0.00044992, -3.3948e-05],
        [0.01793, 0.016393, -0.0011055, -0.0014986, -5.3581e-05, 0.00011698, -1.4013e-05, 3.0541e-07],
        [0.0016096, -0.0010525, -0.00090174, 0.00024742, 1.9607e-05, -5.3861e-06, 0, 0],
    ],
    [
        [0.8742, 0.54366, -0.012924, 0.01141, -0.0054192, -0.00099308, 0.00044992, -3.3948e-05],
        [0.027657, 0.011826, -0.00071162, -0.001558, -5.304e-05, 0.00012049, -1.4013e-05, 3.0541e-07],
        [-0.0028509, 0.00019877, -0.00050371, 3.8845e-05, 1.3598e-05, -1.1449e-06, 0, 0],
    ],
])  # fmt: skip
"""Logarithm of a radius in cm that holds a share u of the energy, a polynomial in s = ln u/(1 − u), L = ln E/10 GeV.

Shape (depths, powers of L from 0, powers of s from 0). Grindhammer and Peters' profile 2rR²/(r² + R²)² is ln R + s/2.
"""
