"""What a page shows of waveforms is what the networks of a run see, or would see."""

from __future__ import annotations

import numpy as np
import pytest

from hepsieve.config import PrepareConfig, TaskConfig, WaveformStepsConfig
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.events import Events
from hepsieve.judge import seen_inputs
from hepsieve.models.config import TreesConfig
from hepsieve.pictured import pictured_waveforms
from hepsieve.prepare import ShapePreparation, WaveformPreparation


@pytest.fixture
def pulses() -> Events:
    """Pulses of 120 samples in noise, of two classes that differ in their height."""
    rng = np.random.default_rng(1)
    target = np.arange(60) % 2
    shape = np.exp(-(((np.arange(120) - 60) / 12) ** 2) / 2)
    light = (5 + 3 * target)[:, None] * shape + rng.normal(scale=0.05, size=(60, 120))
    return Events.from_arrays(light[:, :, None], target, names=("light",), units=("phd",))


def task(normalise: str = "set") -> TaskConfig:
    steps = PrepareConfig(waveform=WaveformStepsConfig.model_validate({"normalise": normalise}))
    return TaskConfig(task="toy", classes=("low", "high"), models={"any": TreesConfig()}, prepare=steps)


def highest(summary: WaveformSummary | None) -> list[float]:
    assert summary is not None
    return [max(one.normalised) for one in summary.examples]


def test_examples_are_normalised_as_the_task_says(pulses: Events) -> None:
    each = pictured_waveforms(pulses, task("each"), seed=3)
    assert each is not None
    assert (each.unit, each.samples) == ("phd", 120)
    assert {one.title for one in each.means} == {"low", "high"}
    assert highest(each) == [1.0] * 8
    # Over the whole set only the highest sample of all is 1, and pulses of 5 are lower than those of 8.
    of_set = highest(pictured_waveforms(pulses, task(), seed=3))
    assert min(of_set) < 0.75
    assert 0.9 < max(of_set) <= 1


def test_the_preparation_of_a_network_is_taken_where_there_is_one(pulses: Events) -> None:
    flat = WaveformPreparation.fit(pulses, task("each").prepare, flat=True)
    assert highest(pictured_waveforms(pulses, task("none"), preparations=[flat], seed=3)) == [1.0] * 8


def test_tables_have_no_waveforms() -> None:
    table = Events.from_arrays(np.zeros((4, 2)), np.array([0, 1, 0, 1]))
    assert pictured_waveforms(table, task(), seed=1) is None


def test_inputs_are_told_in_words(pulses: Events) -> None:
    assert seen_inputs(WaveformPreparation.fit(pulses, task().prepare)) == "120 samples: light"
    shapes = ShapePreparation.fit(pulses, task().prepare, channels=("light",))
    assert seen_inputs(shapes) == f"{shapes.shape[0]} pulse shapes: light"
