"""Slow, obvious definitions of the masses of HEPMASS: one event at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tests.reference.higgs import Jet, add, mass, massless, neutrino_eta


def masses(lepton: Jet, met: tuple[float, float], jets: Sequence[Jet], tags: Sequence[int]) -> list[float]:
    """m_jj, m_jjj, m_lv, m_jlv, m_wwbb of one event whose jets are in the order of falling pt."""
    vectors = [massless(*jet) for jet in jets]
    tagged = [vector for vector, tag in zip(vectors, tags, strict=True) if tag > 0]
    hardest = [vector for vector, tag in zip(vectors, tags, strict=True) if tag == 0][:3]
    lv = add([massless(*lepton), massless(met[0], neutrino_eta(lepton, *met), met[1])])
    choices = [
        (abs(mass(add(pair)) - 80.4) + abs(mass(add([*pair, b])) - 175), pair, b, other)
        for pair in combinations(hardest, 2)
        for b, other in (tagged, tagged[::-1])
    ]
    _, pair, b, other = min(choices, key=lambda choice: choice[0])
    groups = [pair, [*pair, b], [lv], [lv, other], [*pair, lv, b, other]]
    return [mass(add(group)) for group in groups]
