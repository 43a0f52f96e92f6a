"""Tag efficiencies, the bound that thins events, and tags drawn given that there are two."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepsieve.simulate import btag
from hepsieve.simulate.btag import DELPHES_MAX_PAIR_PROBABILITY, MAX_EFFICIENCY, MAX_PAIR_PROBABILITY
from hepsieve.simulate.particles import Particles


def definition(efficiency: list[float]) -> float:
    """The probability of exactly two tags, summed over all 2ⁿ outcomes."""
    total = 0.0
    for outcome in product([0, 1], repeat=len(efficiency)):
        if sum(outcome) == 2:
            total += float(np.prod([p if tagged else 1 - p for p, tagged in zip(efficiency, outcome, strict=True)]))
    return total


@given(st.lists(st.floats(0, MAX_EFFICIENCY), min_size=2, max_size=8))
def test_pair_probability_is_the_sum_over_outcomes_and_bounded(efficiency: list[float]) -> None:
    found = btag.pair_probability(np.array([efficiency]))[0]
    assert found == pytest.approx(definition(efficiency), rel=1e-12, abs=1e-15)
    assert found <= MAX_PAIR_PROBABILITY * (1 + 1e-12)


def test_the_bound_is_reached_by_three_jets_and_by_no_other_number() -> None:
    equal = [definition([MAX_EFFICIENCY] * n) for n in range(2, 12)]
    assert max(equal) == pytest.approx(MAX_PAIR_PROBABILITY, rel=1e-12)
    assert int(np.argmax(equal)) == 1


def test_no_jet_is_tagged_more_often_than_the_bound_says() -> None:
    et, eta = np.meshgrid(np.linspace(0, 300, 1201), np.linspace(-3, 3, 1201))
    for flavour in (5, 4, 0):
        any_tag, tight = btag.tag_efficiency(et, eta, np.full(et.shape, flavour))
        assert any_tag.max() < MAX_EFFICIENCY
        assert (tight <= any_tag).all()
        assert (tight >= 0).all()


def test_b_tags_end_at_the_trackers_rim_and_favour_heavy_flavours() -> None:
    et = np.full(4, 60.0)
    beyond, _ = btag.tag_efficiency(et, np.array([1.76, -1.9, 2.1, 2.9]), np.full(4, 5))
    assert not beyond.any()
    central = [btag.tag_efficiency(et, np.zeros(4), np.full(4, flavour))[0][0] for flavour in (5, 4, 0)]
    assert central[0] > 3 * central[1] > 3 * central[2] > 0


def test_drawn_tags_are_those_of_a_draw_per_jet_that_keeps_events_with_two() -> None:
    any_tag, tight = np.array([0.5, 0.4, 0.1, 0.0]), np.array([0.3, 0.4, 0.05, 0.0])
    rng = np.random.default_rng(8)
    n = 200_000
    u = rng.random((n, 4))
    naive = (u < any_tag).astype(int) + (u < tight)
    naive = naive[(naive > 0).sum(axis=1) == 2]
    drawn = btag.draw_two_tags(np.tile(any_tag, (len(naive), 1)), np.tile(tight, (len(naive), 1)), rng)
    assert ((drawn > 0).sum(axis=1) == 2).all()
    code = 3 ** np.arange(4)
    counts = [np.bincount(tags @ code, minlength=81) for tags in (naive, drawn)]
    kept = counts[0] + counts[1] > 0
    a, b = counts[0][kept], counts[1][kept]
    # Two counts of one multinomial law: Σ (a−b)²/(a+b) is χ² with cells − 1 degrees of freedom. Twice that plus 20
    # is exceeded with a probability below 1e-5 for up to a dozen cells; the seed is fixed.
    assert ((a - b) ** 2 / (a + b)).sum() < 2 * (len(a) - 1) + 20


def test_no_events_give_no_tags() -> None:
    nothing = np.zeros((0, 14))
    assert btag.draw_two_tags(nothing, nothing, np.random.default_rng(1)).shape == (0, 14)


def test_a_jet_takes_the_heaviest_quark_within_twenty_degrees() -> None:
    degrees = np.radians(np.array([0.0, 19.0, 21.0, 90.0]))
    zero = np.zeros(4)
    jets = np.stack([np.cos(degrees), np.sin(degrees), zero, np.ones(4)], axis=-1)[None] * 50
    quarks = Particles(
        event=np.zeros(3, int),
        kind=np.array([5, 4, 5]),
        pt=np.array([20.0, 20.0, 0.5]),
        eta=np.zeros(3),
        phi=np.radians(np.array([0.0, 19.0, 90.0])),
        energy=np.full(3, 20.0),
    )
    # Jet 3 is 21° from the b quark and 2° from the c quark; the soft b quark along jet 4 does not count.
    assert btag.jet_flavour(jets, quarks).tolist() == [[5, 5, 4, 0]]


def test_delphes_tags_have_the_rates_of_its_cards_and_their_bound() -> None:
    # 0.5 tanh(0.03 · 50 − 0.4) = 0.5 · 0.80050 in the middle, 0.4 of it beyond 1.2, nothing beyond 2.5.
    eta = np.array([0.0, -1.2, 1.3, -2.5, 2.6])
    b, c, light = (btag.delphes_efficiency(np.full(5, 50.0), eta, np.full(5, flavour)) for flavour in (5, 4, 0))
    np.testing.assert_allclose(b, [0.400250, 0.400250, 0.320200, 0.320200, 0], atol=1e-6)
    np.testing.assert_allclose(c, [0.160100, 0.160100, 0.080050, 0.080050, 0], atol=1e-6)
    np.testing.assert_allclose(light, [0.001, 0.001, 0.001, 0.001, 0])
    hard = btag.delphes_efficiency(np.array([1e4, 13.0]), np.zeros(2), np.full(2, 5))
    np.testing.assert_allclose(hard, [0.5, 0.0])
    equal = [definition([0.5] * n) for n in range(2, 12)]
    assert max(equal) == pytest.approx(DELPHES_MAX_PAIR_PROBABILITY, rel=1e-12)
