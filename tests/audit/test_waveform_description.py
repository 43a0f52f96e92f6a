"""What is said about a sample of waveforms, or of a regression, against all its numbers at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.audit.pulses import D, counts, separations, with_waveforms

from hepsieve.audit.description import Description, describe
from hepsieve.audit.waveform_description import WaveformDescription
from hepsieve.audit.waveform_survey import QUANTITIES, survey_waveforms
from hepsieve.events import Events

CLASSES = ("1S2", "2S2")


def described(events: Events) -> Description:
    return describe(events, classes=CLASSES, correlated=0.96)


def waveforms_of(events: Events) -> WaveformDescription:
    found = described(events).waveforms
    assert found is not None
    return found


def test_quantities_are_those_of_the_waveforms_of_each_class() -> None:
    events = counts()
    waveforms = events.features.copy()
    waveforms[[3, 100]] = 0
    events = with_waveforms(events, waveforms)
    result = waveforms_of(events)
    assert [one.name for one in result.quantities] == list(QUANTITIES)
    assert [one.unit for one in result.quantities] == ["phd", "phd", "phd", "phd", "µs", "µs"]
    kept = np.delete(np.arange(120), [3, 100])
    table = survey_waveforms(events).quantities[kept, 0].astype(np.float64)
    for k, one in enumerate(result.quantities):
        for spread, density, label in zip((one.background, one.signal), one.density, (0, 1), strict=True):
            values = table[events.target[kept] == label, k]
            assert spread.count == len(values)
            assert spread.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9)
            assert spread.median == pytest.approx(np.median(values), rel=2**-8, abs=2**-9 * np.abs(values).max())
            assert 0.95 < float(np.dot(density, np.diff(one.edges))) <= 1 + 1e-9


def test_odd_waveforms_are_counted_by_class() -> None:
    events = counts()
    waveforms = events.features.copy()
    two, one = (np.flatnonzero(events.target == label) for label in (1, 0))
    waveforms[two[0]] = 0
    waveforms[one[:2]] = np.minimum(waveforms[one[:2]], 0.5 * waveforms[one[:2]].max(axis=1, keepdims=True))
    waveforms[two[1:4]] = np.roll(waveforms[two[1:4]], 145, axis=1)
    waveforms[two[4]] = 0.05 * np.random.default_rng(0).normal(size=(300, 1))
    waveforms[one[5], 3] = np.nan
    result = waveforms_of(with_waveforms(events, waveforms))
    assert (result.samples, result.sample_ns, result.complete) == (300, 10, 119)
    assert (result.empty, result.clipped, result.cut, result.dark) == ((0, 1), (2, 0), (0, 3), (0, 1))
    (light,) = result.channels
    assert (light.name, light.unit, light.missing, light.missing_by_class) == ("light", "phd", 1, (1, 0))
    centre = result.quantities[QUANTITIES.index("centre")]
    assert (centre.background.count, centre.signal.count) == (59, 58)  # without a pulse there is none


def test_channels_are_told_apart() -> None:
    events = counts(60)
    both = np.concatenate([events.features, 2 * events.features], axis=2)
    result = waveforms_of(Events.from_arrays(both, events.target, names=("top", "bottom")))
    assert [one.name for one in result.quantities][::6] == ["top area", "bottom area"]
    top, bottom = result.quantities[::6]
    assert bottom.signal.mean == pytest.approx(2 * (top.signal.mean or 0), rel=1e-6)


def test_a_regression_stands_on_one_side() -> None:
    events = separations()
    target = events.target.copy()
    target[:3] = np.nan
    result = described(events.replace(target=target))
    assert (result.classes, result.counts, result.unlabelled) == (("", ""), (117, 0), 3)
    assert result.target is not None
    spread, known = result.target.spread, target[3:].astype(np.float64)
    assert (result.target.name, result.target.unit, result.target.full, result.target.missing) == ("d", "mm", 30, 3)
    assert (spread.count, spread.min, spread.max) == (117, known.min(), known.max())
    assert (spread.mean, spread.median, spread.std) == pytest.approx(
        (known.mean(), np.median(known), known.std(ddof=1))
    )
    assert result.target.counts == tuple(np.histogram(known, 40, (0, 1))[0].tolist())
    assert (result.target.step, result.target.distinct) == (None, 117)


@pytest.mark.parametrize(("steps", "bins"), [(10, 11), (40, 41), (800, 40)])
def test_a_coarse_grid_has_a_bin_for_each_value(steps: int, bins: int) -> None:
    values = np.random.default_rng(0).integers(0, steps + 1, 2000) / steps
    target = described(Events.from_arrays(np.zeros((2000, 1)), values, scale=D)).target
    assert target is not None
    assert target.step == pytest.approx(1 / steps)
    assert (len(target.counts), sum(target.counts)) == (bins, 2000)


def test_a_table_of_a_regression_has_features_without_classes() -> None:
    d = np.linspace(0, 1, 50)
    events = Events.from_arrays(np.column_stack([d, 1 - d, np.random.default_rng(0).normal(size=50)]), d, scale=D)
    result = described(events)
    assert [one.count for one in result.features] == [50, 50, 50]
    assert result.features[0].mean == pytest.approx(0.5)
    assert not any(result.features[0].signal)
    (pair,) = result.correlated
    assert [pair.r, pair.background] == pytest.approx([-1, -1])
    assert pair.signal is None


def test_the_text_is_valid_json_and_comes_back_equal() -> None:
    flat = with_waveforms(counts(60), np.zeros((60, 300, 1)))
    missing = with_waveforms(counts(60), np.full((60, 300, 1), np.nan))
    unknown = separations(60).replace(target=np.full(60, np.nan, np.float32))
    short = counts(60, samples=20)
    for one in (counts(60), separations(60), flat, missing, unknown, short, counts(60)[:0], separations(60)[:0]):
        result = described(one)
        text = result.to_json()
        json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
        assert Description.from_json(text) == result


def test_a_description_of_before_is_read_as_it_was() -> None:
    table = described(Events.from_arrays(np.arange(12.0).reshape(6, 2), np.arange(6) % 2))
    content = json.loads(table.to_json())
    del content["waveforms"], content["target"]
    assert Description.from_json(json.dumps(content)) == table
