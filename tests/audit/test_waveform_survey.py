"""What is counted in waveforms, against definitions that take one at a time, whatever blocks they come in."""

from __future__ import annotations

import numpy as np
import pytest
from tests.audit.pulses import NOISE, counts, separations, with_waveforms
from tests.reference import quiet as reference

from hepsieve.audit.waveform_survey import QUANTITIES, empty_waveforms, survey_waveforms
from hepsieve.events import Events
from hepsieve.waveforms import quiet

SMALL = 60


@pytest.mark.parametrize(("samples", "pedestal"), [(300, 0), (1234, 0), (300, 8000)])
def test_levels_noise_and_light_are_those_of_one_waveform_at_a_time(samples: int, pedestal: float) -> None:
    events = separations(SMALL, samples=samples)
    events = with_waveforms(events, events.features + pedestal)
    seen = survey_waveforms(events)
    # A pedestal of 8,000 leaves float32 steps of 0.0005 in each sample.
    rough = 1e-3 if pedestal else 1e-5
    for row in range(SMALL):
        waveform = events.features[row, :, 0]
        level, noise = reference.level_and_noise(waveform)
        centre, width = reference.centre_and_width(waveform)
        measured = dict(zip(QUANTITIES, seen.quantities[row, 0].tolist(), strict=True))
        assert measured["baseline"] == pytest.approx(level, abs=rough)
        assert measured["noise"] == pytest.approx(noise, rel=1e-3)
        assert measured["area"] == pytest.approx(reference.area(waveform), abs=rough * samples, rel=1e-4)
        assert measured["highest sample"] == waveform.max()
        assert (measured["centre"], measured["width"]) == pytest.approx((centre, width), rel=0.01 if pedestal else 1e-3)


def test_quiet_samples_know_baseline_and_noise_where_a_pulse_fills_half_of_the_waveform() -> None:
    rng = np.random.default_rng(0)
    waveforms = (2.5 + NOISE * rng.normal(size=(50, 5000))).astype(np.float32)
    waveforms[:, 1000:3500] += rng.poisson(20, (50, 2500))
    calm = quiet(waveforms)
    # 2,500 quiet samples: standard errors of 0.001 (mean) and 0.0007 (noise); a median of 25 means is 1.25 times wider.
    np.testing.assert_allclose(calm.level, 2.5, atol=5 * 0.00125)
    np.testing.assert_allclose(calm.noise, NOISE, atol=5 * 0.0007)


def test_too_few_samples_have_no_baseline() -> None:
    seen = survey_waveforms(Events.from_arrays(np.ones((4, 30, 1)) * np.arange(30)[:, None], np.arange(4) % 2))
    assert np.isnan(seen.quantity("baseline", 0)).all()
    assert not (seen.dark | seen.cut | seen.down).any()


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    events = counts(SMALL)
    waveforms = events.features.copy()
    waveforms[3], waveforms[5, 7], waveforms[8, :40] = 0, np.nan, 30
    events = with_waveforms(events, waveforms)
    whole = survey_waveforms(events)
    monkeypatch.setattr("hepsieve.spill._BLOCK", 7 * events.features[0].nbytes)
    parts = survey_waveforms(events)
    # A product of matrices rounds as its size wills.
    np.testing.assert_allclose(parts.quantities, whole.quantities, rtol=1e-5)
    for name in ("signal", "labelled", "empty", "complete", "clipped", "cut", "dark", "down", "at_top", "missing"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)
    assert (parts.low, parts.high) == (whole.low, whole.high)


def test_values_that_are_not_finite_are_counted_and_leave_their_waveforms_out() -> None:
    events = counts(SMALL)
    waveforms = events.features.copy()
    waveforms[3, 5:8, 0], waveforms[4, 0, 0] = np.nan, -np.inf
    seen = survey_waveforms(with_waveforms(events, waveforms))
    assert (int(seen.missing.sum()), int(seen.infinite.sum())) == (3, 1)
    assert seen.missing[int(events.target[3]), 0] == 3
    assert np.flatnonzero(~seen.complete).tolist() == [3, 4]
    assert np.isnan(seen.quantities[[3, 4]]).all()
    rest = np.delete(events.features, [3, 4], axis=0)
    assert seen.low[0] <= rest.min()
    assert seen.high[0] >= rest.max()


def test_empty_waveforms_never_change_in_any_channel() -> None:
    events = counts(SMALL)
    both = np.concatenate([events.features, events.features], axis=2)
    both[3], both[4, :, 0], both[5] = 7, 0, np.nan
    two = Events.from_arrays(both, events.target, names=("top", "bottom"))
    assert np.flatnonzero(empty_waveforms(two)).tolist() == [3]
    assert np.flatnonzero(survey_waveforms(two).empty).tolist() == [3]
    single = Events.from_arrays(np.array([0.0, 2.0, 0.0, 1.0]).reshape(4, 1, 1), np.arange(4) % 2)
    assert np.flatnonzero(empty_waveforms(single)).tolist() == [0, 2]


def test_a_regression_has_all_waveforms_with_a_target_on_one_side() -> None:
    events = separations(SMALL)
    target = events.target.copy()
    target[:5] = np.nan
    seen = survey_waveforms(events.replace(target=target))
    assert seen.counts.tolist() == [SMALL - 5, 0]
    assert np.flatnonzero(~seen.labelled).tolist() == [0, 1, 2, 3, 4]
