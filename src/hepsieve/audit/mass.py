"""A look at the events to findings about masses among the features, which shape what is selected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.findings import Finding
from hepsieve.audit.look import Look

# GeV/c^2, MeV/c², TeV/c**2, GeV/c2; a mass given in plain GeV can't be told from an energy by its unit.
_UNIT = re.compile(r"\b([kMGT]?eV)\s*/\s*c\s*(?:\^|\*\*)?\s*(?:2|²)", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CENTRAL = (0.05, 0.95)
_HYPOTHESES = 20


def masses(look: Look) -> Iterator[Finding]:
    """Masses among the features.

    A column of a few values that are the same in both classes is the hypothesis that a parameterised model is given,
    not a measured mass, and passes.
    """
    for k, (name, unit) in enumerate(zip(look.names, look.units, strict=True)):
        background, signal = look.finite(k)
        if not is_mass(name, unit) or min(len(background), len(signal)) == 0 or _hypothesis(background, signal):
            continue
        low, high = np.quantile(signal, _CENTRAL)
        low_background, high_background = np.quantile(background, _CENTRAL)
        inside = float(((background >= low) & (background <= high)).mean())
        known = "" if not unit or unit in name else f" {unit}"
        yield Finding(
            code="mass-as-feature",
            severity="warn",
            column=name,
            message=f"feature {name} is a mass: the central 90 % of signal lie in {low:.4g}…{high:.4g}{known}, those "
            f"of background in {low_background:.4g}…{high_background:.4g}, and {100 * inside:.1f} % of background "
            "inside the signal's range. A selection that learns it works only for signal of these masses, and the "
            "background that passes it peaks there too; leave it out with prepare.features or name it in "
            "data.spectators",
        )


def is_mass(name: str, unit: str) -> bool:
    """Whether a unit, in the name or beside it, or a word of the name says that a column is a mass.

    >>> [is_mass(name, "") for name in ("inv_mass", "dimuonMass", "m_inv", "E (GeV/c^2)", "massless", "m_jj")]
    [True, True, True, True, False, False]
    """
    if _UNIT.search(unit) or _UNIT.search(name):
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word.endswith(("mass", "masses", "minv")) for word in words) or ("m", "inv") in pairwise(words)


def _hypothesis(background: NDArray[np.float64], signal: NDArray[np.float64]) -> bool:
    values = np.unique(signal)
    return len(values) <= _HYPOTHESES and np.array_equal(values, np.unique(background))
