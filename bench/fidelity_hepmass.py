"""How like the public HEPMASS files the simulated sample is: quartiles of each column against the published ones.

The published ones are those of a summary of all 7,000,000 rows of all_train.csv (mean, standard deviation, extremes,
quartiles); the rows themselves are not needed. All columns have a standard deviation of about 1, so that differences
are in standard deviations. Of a tag, which has two values, the share of tagged jets is compared instead. Scales and
shifts of the simulated momenta and masses were chosen for the mean and standard deviation of these columns, hence their
quartiles tell shapes; the other columns have no free constant.
"""

from __future__ import annotations

import numpy as np

from bench.result import Result
from hepsieve.processes import cores
from hepsieve.simulate import simulate
from hepsieve.simulate.hepmass_features import MEANINGS, physical

ROWS, SEED = 20_000, 11
TOLERATED = 0.1
QUARTILES = {
    0: (-0.728821, -0.039303, 0.690080),
    1: (-0.733255, 0.000852, 0.734783),
    2: (-0.865670, 0.000320, 0.865946),
    3: (-0.609229, 0.019633, 0.679882),
    4: (-0.865802, -0.000507, 0.865765),
    5: (-1.054221, -0.005984, 0.850488),
    6: (-0.756609, -0.149953, 0.768669),
    7: (-0.701415, -0.000107, 0.701319),
    8: (-0.865654, 0.001385, 0.866598),
    10: (-0.723727, -0.128573, 0.647864),
    11: (-0.703293, -0.000576, 0.704100),
    12: (-0.866599, -0.001282, 0.865832),
    14: (-0.699618, -0.097493, 0.634705),
    15: (-0.707026, 0.000298, 0.708371),
    16: (-0.866247, -0.001377, 0.864942),
    18: (-0.742363, -0.089925, 0.642319),
    19: (-0.720685, -0.000067, 0.720492),
    20: (-0.865685, -0.000442, 0.865957),
    22: (-0.541794, -0.160276, 0.481219),
    23: (-0.511552, -0.314403, 0.163489),
    24: (-0.354387, -0.326523, -0.233767),
    25: (-0.692510, -0.357030, 0.475313),
    26: (-0.794380, -0.088286, 0.761085),
}
TAGGED = {9: 0.63408, 13: 0.57533, 17: 0.40181, 21: 0.24774}
"""Published mean and two values a and b of a tag give this share: (mean − a) / (b − a)."""


def measure() -> Result:
    """Simulated against published figures, and the differences; the ratio is 0.1 over the largest of these."""
    events = simulate("hepmass", ROWS, seed=SEED, jobs=cores())
    columns = events.features[:, :27].astype(np.float64)
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    differences: dict[str, float] = {}
    for number, published in QUARTILES.items():
        simulated = np.percentile(columns[:, number], (25, 50, 75))
        for title, found, expected in zip(
            ("lower quartile", "median", "upper quartile"), simulated, published, strict=True
        ):
            ours[f"f{number} {title}"], theirs[f"f{number} {title}"] = float(found), expected
        differences[_title(number)] = float(max(simulated - published, key=abs))
    tags = physical(columns)
    for number, share in TAGGED.items():
        ours[f"f{number} tagged"], theirs[f"f{number} tagged"] = float(tags[:, number].mean()), share
        differences[_title(number)] = ours[f"f{number} tagged"] - share
    largest = max(differences.values(), key=abs)
    ours |= differences
    ours["columns of 27 within 0.1"] = float(sum(abs(value) <= TOLERATED for value in differences.values()))
    ours["largest difference of all"] = largest
    return Result(
        ratio=TOLERATED / abs(largest),
        against="0.1 standard deviations over the largest difference of a quartile",
        unit="standard deviations of a column; shares of tagged jets",
        ours=ours,
        theirs=theirs,
    )


def _title(number: int) -> str:
    return f"f{number} ({MEANINGS[f'f{number}']}), largest difference"
