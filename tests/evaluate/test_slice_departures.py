"""Slices against all other events: few alarms where nothing differs, and one where something does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit
from tests.evaluate.samples import Sample, samples, shifted

from hepsieve.evaluate.apart import Spread, departures, differing, means
from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.confusion import confusion
from hepsieve.evaluate.curve import Ordered, placements
from hepsieve.evaluate.importance import placements_by_event
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.results import Quantity, WorkingPoint
from hepsieve.evaluate.signal_departures import signal_departures
from hepsieve.evaluate.slice_departures import Found, slice_departures
from hepsieve.evaluate.slice_figures import Sliced, slice_figures
from hepsieve.evaluate.slice_metrics import Quoted
from hepsieve.evaluate.slice_results import Difference

NOTHING = Quantity(value=None, low=None, high=None)
POINT = WorkingPoint(
    name="tight",
    threshold=0.7,
    signal_efficiency=NOTHING,
    background_efficiency=NOTHING,
    background_rejection=NOTHING,
)
EFFICIENCIES = Quoted(signal_efficiencies=(0.5, 0.7), background_efficiencies=(0.1,), points={"net": (POINT,)})
Compared = Callable[..., Found]


def compared(
    sample: Sample, place: np.ndarray, groups: int, *, by: Compared = slice_departures, quoted: Quoted = EFFICIENCIES
) -> Found:
    return by(sample.target, sample.score, sample.weight, place, groups, points=(POINT,), quoted=quoted)


@given(samples(negative=True))
def test_a_curve_of_some_events_gives_what_ranking_them_gives(sample: Sample) -> None:
    kept = np.arange(len(sample.target)) % 3 > 0
    # The heavy events keep both totals positive.
    kept |= np.abs(sample.weight) > 30
    curve = Ordered(*sample_arrays(sample)).curve(kept)
    ranked = Ranked.of(sample.target[kept], sample.score[kept], sample.weight[kept])
    nominal = Figures(ranked, signal_efficiencies=(0.5,), background_efficiencies=(0, 0.1)).nominal
    assert curve.auc() == pytest.approx(nominal["auc"], abs=1e-12)
    assert curve.background_at(0.5) == pytest.approx(nominal["background_rejection@0.50"], abs=1e-12)
    assert curve.signal_at(0.1) == pytest.approx(nominal["signal_efficiency@0.10"], abs=1e-12)
    assert curve.signal_at(0) == pytest.approx(nominal["signal_efficiency@0"], abs=1e-12)


@given(samples())
def test_placements_on_steps_are_those_of_the_events(sample: Sample) -> None:
    ordered = Ordered(*sample_arrays(sample))
    above, below = placements(ordered.curve())
    step = ordered.steps()
    found = np.where(sample.target == 1, below[step], above[step])
    assert found == pytest.approx(placements_by_event(*sample_arrays(sample)), abs=1e-12)
    everything = np.ones(len(sample.target), dtype=bool)
    assert ordered.signal_above(everything) == pytest.approx(above, abs=1e-12)


def sample_arrays(sample: Sample) -> tuple[Floats, Floats, Floats]:
    return sample.target, sample.score, sample.weight


def test_differences_are_those_of_the_figures_of_both_parts() -> None:
    sample = shifted(np.random.default_rng(2), 400, weighted=True)
    place = np.where(np.arange(800) % 5 == 0, 0, np.where(np.arange(800) % 5 == 1, -1, 1))
    found = compared(sample, place, 2)
    both = []
    for kept in (place == 0, place != 0):
        ranked = Ranked.of(sample.target[kept], sample.score[kept], sample.weight[kept])
        figures = Figures(ranked, signal_efficiencies=(0.5, 0.7), background_efficiencies=(0.1,), cut=0.7)
        called = confusion(ranked, ("b", "s"))[1]
        values = {name: 1 / x if "rejection" in name else x for name, x in figures.nominal.items()}
        assert called.accuracy.value is not None
        assert called.per_class[1].f1.value is not None
        both.append(values | {"accuracy": called.accuracy.value, "f1": called.per_class[1].f1.value})
    renamed = {"signal_efficiency[tight]": "signal_behind_cut", "background_efficiency[tight]": "background_behind_cut"}
    assert set(found) == {
        "auc", "accuracy", "f1", "log_loss", "brier", "background_rejection@0.50", "background_rejection@0.70",
        "signal_efficiency@0.10", *renamed,
    }  # fmt: skip
    for name, (one, _) in found.items():
        assert one is not None
        key = renamed.get(name, name)
        own, rest = both[0][key], both[1][key]
        assert one.quantity.value == pytest.approx(own - rest, abs=1e-10), name
        assert one.quantity.low is not None
        assert one.quantity.high is not None
        assert one.quantity.low < own - rest < one.quantity.high
        if name == "f1" or "rejection" in name:
            continue
        # Of a figure that is tested itself the interval holds 0 just where the difference is not significant.
        assert (one.quantity.low <= 0 <= one.quantity.high) == (one.p_value >= 0.05)


def test_errors_are_those_of_resampling() -> None:
    sample = shifted(np.random.default_rng(8), 2000, distance=1.5, weighted=True)
    place = np.arange(4000) % 4
    found = compared(sample, place, 4)
    spreads: dict[str, float] = {}
    for number, kept in enumerate((place == 0, place != 0)):
        ranked = Ranked.of(sample.target[kept], sample.score[kept], sample.weight[kept])
        figures = Figures(ranked, signal_efficiencies=(0.7,), background_efficiencies=(0.1,))
        replicas = bootstrap(ranked, figures, resamples=300, seed=number)
        for k, name in enumerate(figures.names):
            values = replicas[:, k]
            values = 1 / values if "rejection" in name else values
            spreads[name] = spreads.get(name, 0.0) + float(np.var(values))
    for name in ("auc", "log_loss", "brier", "background_rejection@0.70", "signal_efficiency@0.10"):
        one = found[name][0]
        assert one is not None
        assert one.quantity.low is not None
        assert one.quantity.high is not None
        error = (one.quantity.high - one.quantity.low) / (2 * 1.96)
        # Each class is resampled by itself, which narrows the log loss a little; 300 resamples know 4 %.
        assert error == pytest.approx(np.sqrt(spreads[name]), rel=0.2), name


def alarms(by: Compared, *, toys: int, distance: float, groups: int, n: int, weighted: bool) -> int:
    """In how many samples without any difference something is flagged, in either of two models."""
    rng = np.random.default_rng(12)
    count = 0
    for _ in range(toys):
        sample = shifted(rng, n, distance=distance, weighted=weighted)
        blurred = expit(np.log(sample.score / (1 - sample.score)) + 0.5 * rng.normal(size=2 * n))
        place = rng.integers(groups, size=2 * n)
        found = {
            name: compared(Sample(sample.target, score, sample.weight), place, groups, by=by)
            for name, score in (("net", sample.score), ("blurred", blurred))
        }
        differs, tests = differing(found, groups)
        assert tests >= 2 * 4 * groups
        count += any(differs)
    return count


@pytest.mark.parametrize(
    ("by", "distance", "groups", "n", "weighted"),
    [
        (slice_departures, 1.0, 5, 1000, False),
        (slice_departures, 3.0, 5, 1000, False),
        (slice_departures, 1.5, 12, 600, True),
        (signal_departures, 1.5, 5, 1000, False),
    ],
)
def test_where_nothing_differs_at_most_one_sample_in_twenty_is_flagged(
    by: Compared, distance: float, groups: int, n: int, weighted: bool
) -> None:
    # At a rate of 5 %, 120 samples have 6 flagged ones, and more than 12 in 0.8 % of all cases.
    assert alarms(by, toys=120, distance=distance, groups=groups, n=n, weighted=weighted) <= 12


@pytest.mark.parametrize("by", [slice_departures, signal_departures])
def test_a_slice_in_which_the_model_is_worse_is_flagged(by: Compared) -> None:
    rng = np.random.default_rng(3)
    sample = shifted(rng, 1500, distance=2.0)
    place = rng.integers(5, size=3000)
    # In the first slice the score says nothing about signal: it is drawn like that of background.
    worse = (place == 0) & (sample.target == 1)
    score = sample.score.copy()
    score[worse] = rng.choice(sample.score[sample.target == 0], size=int(worse.sum()))
    found = compared(Sample(sample.target, score, sample.weight), place, 5, by=by)
    differs, tests = differing({"net": found}, 5)
    flagged = differs[0]["net"]
    auc = flagged["auc"]
    # Φ(2/√2) = 0.92 elsewhere, 0.5 here.
    assert auc.quantity.value == pytest.approx(-0.42, abs=0.05)
    assert auc.p_value <= auc.p_adjusted <= auc.p_value * tests
    assert {"signal_efficiency@0.10", "signal_efficiency[tight]", "background_rejection@0.70"} <= set(flagged)
    flagged_below = [one.quantity.value for name, one in flagged.items() if name not in ("log_loss", "brier")]
    assert all(value is not None and value < 0 for value in flagged_below)


def test_a_single_lucky_event_is_not_significant() -> None:
    # Of 10 events in the slice 2 pass, of 5000 others 10: but ten events in all decide how rare that is.
    passed = np.concatenate([np.repeat([1.0, 0.0], [2, 8]), np.repeat([1.0, 0.0], [10, 4990])])
    place = np.repeat([0, -1], [10, 5000])
    weight = np.ones(5010)
    spread = Spread.of(passed, weight, place, 1)
    (one,) = departures(means(passed, weight, place, 1), spread)
    assert one is not None
    assert one.quantity.value == pytest.approx(0.2 - 0.002)
    assert one.p_value > 0.05


def test_f1_is_undefined_where_negative_weights_leave_none() -> None:
    # Of slice 1 the only true positive weighs −1, and it and what is missed 1 together: F1 would be −2/0.
    sample = Sample(
        np.array([1, 1, 0, 0, 1, 1.0]), np.array([0.2, 0.7, 0.2, 0.2, 0.2, 0.2]), np.array([2, -1, 2, 1, 2, 1.0])
    )
    found = compared(sample, np.array([1, 1, 0, 1, 0, 0]), 2)["f1"]
    assert [one.quantity for one in found if one is not None] == [NOTHING, NOTHING]


def test_equal_events_have_no_variance_and_are_not_compared() -> None:
    place, weight = np.repeat([0, 1], 20), np.ones(40)
    spread = Spread.of(np.ones(40), weight, place, 2)
    assert departures(means(np.ones(40), weight, place, 2), spread) == (None, None)
    assert differing({"net": {"auc": (None, None)}}, 2) == ([{}, {}], 0)


@pytest.mark.parametrize("of_signal", [False, True])
def test_figures_do_not_depend_on_threads_and_few_events_have_none(of_signal: bool) -> None:
    sample = shifted(np.random.default_rng(5), 11_000)
    place = np.where(np.arange(22_000) % 11_000 < 9, 0, 1 + np.arange(22_000) % 2)
    taken = Sliced(
        target=sample.target,
        weight=sample.weight,
        scores={"net": sample.score},
        place=place,
        groups=3,
        of_signal=of_signal,
    )
    one, tests = slice_figures(taken, Quoted(signal_efficiencies=(0.5,), resamples=10, threads=1))
    two, _ = slice_figures(taken, Quoted(signal_efficiencies=(0.5,), resamples=10, threads=2))
    assert [each.metrics for each in one] == [each.metrics for each in two]
    assert one[0].metrics == {}
    assert one[0].differs == {}
    names = set(one[1].metrics["net"])
    shared = {"auc", "background_rejection@0.50"}
    assert names == (shared if of_signal else shared | {"accuracy", "f1", "log_loss", "brier", "ece"})
    assert tests == 2 * (2 if of_signal else 6)
    assert (one[1].n_signal, one[1].n_background) == (5495, 11_000 if of_signal else 5495)


def test_a_difference_is_significant_after_the_correction() -> None:
    assert Difference(quantity=NOTHING, p_value=0.001, p_adjusted=0.049).significant
    assert not Difference(quantity=NOTHING, p_value=0.001, p_adjusted=0.05).significant
