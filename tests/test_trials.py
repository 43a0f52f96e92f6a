"""Grids and searches in a notebook, and regressions on other events: each one call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import hepsieve as hs
from hepsieve.errors import ConfigError
from hepsieve.events import Events, TargetScale
from hepsieve.models.config import ModelConfig
from hepsieve.models.variants import GridConfig, SearchConfig
from hepsieve.regression_stages import RegressionResult
from hepsieve.shown import Waveforms
from hepsieve.train.run import Run
from hepsieve.trials import Trials

SCALE = TargetScale(name="d", unit="mm", full=30.0)


def pulses(n: int = 120, *, apart: bool = True, seed: int = 3) -> Events:
    """Waveforms of 64 samples with two bumps, d of 40 samples apart, or with one."""
    rng = np.random.default_rng(seed)
    d = rng.uniform(0.1, 1, n) if apart else np.zeros(n)
    time = np.arange(64.0)
    bumps = [np.exp(-(((time - 12 - shift[:, None]) / 3) ** 2) / 2) for shift in (0 * d, 40 * d)]
    light = sum(bumps) + rng.normal(0, 0.02, (n, 64))
    target = d if apart else np.full(n, np.nan)
    return Events.from_arrays(light[:, :, None], target, names=("light",), units=("phd",), scale=SCALE)


def linear(**settings: object) -> dict[str, object]:
    return {"kind": "mlp", "widths": [8], **settings}


@pytest.fixture(scope="module")
def run() -> Run:
    models: dict[str, ModelConfig | GridConfig | SearchConfig] = {
        "grid": hs.Grid(model=linear(), over={"learning_rate": (1e-5, 1e-2)}),
        "search": hs.Search(model=linear(learning_rate=1e-2), over={"batch_size": (16, 32, 64)}, trials=3, startup=1),
        "trees": hs.Trees(rounds=20, pulse_shapes=True),
    }
    return hs.train(models, hs.split(pulses(), seed=1), settings=hs.Training(epochs=15, batch_size=16, patience=None))


@pytest.fixture(scope="module")
def result(run: Run) -> RegressionResult:
    few = {name: run.models[name] for name in ("grid-0_01", "trees")}
    return hs.evaluate_regression(replace(run, models=few))


def test_grids_and_searches_become_models_of_the_run(run: Run) -> None:
    grid = ["grid-1e_05", "grid-0_01"]
    assert list(run.models)[:3] == [*grid, "trees"]
    trials = hs.trials(run, "grid")
    assert list(trials.figures) == grid
    assert set(hs.trials(run, "search").figures) == {"search-16", "search-32", "search-64"}
    assert trials.best == "grid-0_01"
    history = run.models[trials.best].members[0].trained.history
    assert trials.figures[trials.best] == min(record.validation_loss or 1 for record in history)
    assert repr(trials).splitlines()[1].startswith("training: 2; model: grid-0_01 ★; validation loss: 0.")
    assert trials._repr_html_().count("<tr>") == 3
    with pytest.raises(ConfigError, match="no models of 'scan' in this run; there are grid-1e_05, grid-0_01, trees"):
        hs.trials(run, "scan")
    with pytest.raises(ConfigError, match="backend 'keras': write it in the model of the search 'look'"):
        hs.train(
            {"look": hs.Search(model=linear(), over={"batch_size": (16, 32)})},
            run.parts,
            backend="keras",
        )


def test_trainings_are_counted_until_a_figure_is_reached() -> None:
    trials = Trials(monitor="loss", figures={"a": 0.3, "b": 0.1, "c": 0.2}, seconds=dict.fromkeys("abc", 1.0))
    assert trials.best_so_far == (0.3, 0.1, 0.1)
    assert [trials.trainings_to(figure) for figure in (0.5, 0.3, 0.2, 0.1, 0.05)] == [1, 1, 2, 2, None]


def test_waveforms_can_be_looked_at(run: Run) -> None:
    waveforms = hs.look(run.parts.train)
    assert isinstance(waveforms, Waveforms)
    assert repr(waveforms) == "Waveforms(72 of 64 samples, 0.64 µs)"
    examples = waveforms.examples()
    assert [axes.get_title(loc="left")[:4] for axes in examples.axes] == ["d = "] * 8
    assert isinstance(waveforms.means(), Figure)
    empty = np.ones((4, 64, 1), np.float32)
    equal = Events.from_arrays(empty, np.array([0, 1, 0, 1]), names=("light",), units=("phd",))
    with pytest.raises(ConfigError, match="nothing to look at: 4 waveforms, all of whose samples are equal"):
        hs.look(equal)


def test_a_regression_is_applied_to_single_pulses(run: Run, result: RegressionResult) -> None:
    openings = len(run.parts.test.openings)
    applied = result.apply(pulses(40, apart=False, seed=4))
    assert len(run.parts.test.openings) == openings
    assert applied.application.n == 40
    best = applied.application.models[applied.application.best]
    assert best.told_apart is not None
    assert "at most 1 % of the others kept" in repr(applied)
    assert "<table>" in applied._repr_html_()
    drawn = applied.plot().axes[0]
    assert [line.get_xdata()[0] for line in drawn.lines] == [cut.threshold for cut in best.told_apart.cuts]  # type: ignore[index]
    with pytest.raises(ConfigError, match="no model 'tree'; there are grid-0_01, trees"):
        applied.plot("tree")
