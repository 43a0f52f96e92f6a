"""What shuffling costs: known importances of linear models, nothing for what is ignored, regions of one channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import SeedSequence
from numpy.typing import NDArray
from tests.test_occlusion import SIZE, Linear, a_run, images

from hepsieve.evaluate.importance import permutation_rmse
from hepsieve.evaluate.results import Quantity
from hepsieve.events import Events, TargetScale
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, TreesConfig, WaveCNNConfig
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.regions import regions_of
from hepsieve.shuffled import importances
from hepsieve.train.run import Run

NOTHING = Quantity(value=0, low=0, high=0)


def worth(run: Run, permutations: int = 5) -> dict[str, dict[str, Quantity]]:
    return importances(run, permutations=permutations, seed=SeedSequence(3), progress=Silent())


def linear(run: Run, **weights: NDArray[np.float64]) -> Run:
    """The run with these weights for its models, in all trainings."""
    models = {}
    for name, fitted in run.models.items():
        model = Linear(weights=weights[name], calls=[])
        members = tuple(replace(one, trained=replace(one.trained, model=model)) for one in fitted.members)
        models[name] = replace(fitted, members=members)
    return replace(run, models=models)


@pytest.mark.parametrize("folds", [None, 3])
def test_a_feature_that_the_model_ignores_is_worth_exactly_nothing(folds: int | None) -> None:
    rng = np.random.default_rng(1)
    target = np.arange(900) % 2
    table = Events.from_arrays(rng.normal(size=(900, 3)) + target[:, None], target, names=("a", "b", "ignored"))
    run = linear(a_run(split(table, folds=folds, seed=1), {"dense": MLPConfig()}), dense=np.array([2.0, 1.0, 0.0]))
    found = worth(run, 20)["dense"]
    assert found["ignored"] == NOTHING
    assert (found["a"].low or 0) > (found["b"].high or 1) > (found["b"].low or 0) > 0
    assert worth(run, 0) == {}
    assert run.parts.test.openings == ()


def regression(n: int = 2000, *, noise: float = 0.05) -> Events:
    """A target that is a sigmoid of twice the first feature plus the second one, with some noise."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    target = 1 / (1 + np.exp(-(2 * features[:, 0] + features[:, 1])))
    noisy = np.clip(target + noise * rng.normal(size=n), 0, 1)
    events = Events.from_arrays(features, np.arange(n) % 2, names=("a", "b", "ignored"))
    return events.replace(target=noisy.astype(np.float32), scale=TargetScale(name="d", unit="", full=1.0))


def test_in_a_regression_it_is_the_rmse_that_grows() -> None:
    parts = split(regression(), seed=1)
    run = a_run(parts, {"dense": MLPConfig()})
    preparation = run.models["dense"].members[0].preparation
    prepared = preparation.apply(parts.validation.features, parts.validation.names)
    # The features are standard normal: scaling changes them by per cents only.
    assert prepared.std(axis=0) == pytest.approx([1, 1, 1], abs=0.15)
    found = worth(linear(run, dense=np.array([2.0, 1.0, 0.0])), permutations=20)["dense"]
    assert found["ignored"] == NOTHING
    target, a, b = np.asarray(parts.validation.target, np.float64), prepared[:, 0], prepared[:, 1]

    def rmse(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
        """Averaged over all pairs of events, of which shuffling draws some."""
        residual = 1 / (1 + np.exp(-(2 * x + y))) - target
        return float(np.sqrt(np.square(residual).mean()))

    rng = np.random.default_rng(9)
    for name in ("a", "b"):
        shuffles = [rng.permutation(len(target)) for _ in range(200)]
        expected = np.mean([rmse(a[k], b) if name == "a" else rmse(a, b[k]) for k in shuffles]) - rmse(a, b)
        quantity = found[name]
        assert quantity.value == pytest.approx(expected, rel=0.05)
        assert quantity.low is not None
        assert quantity.high is not None
        assert quantity.low < expected < quantity.high


def test_intervals_of_the_rmse_cover_its_growth() -> None:
    rng = np.random.default_rng(4)
    n, toys, covered = 150, 200, 0
    # A feature of variance 0.01 that counts once: without noise it is 0.02 of squares when shuffled.
    truth = np.sqrt(0.04 + 0.02) - np.sqrt(0.04)
    for _ in range(toys):
        feature, noise = 0.1 * rng.normal(size=n), 0.2 * rng.normal(size=n)
        shuffled = np.stack([rng.permutation(feature) for _ in range(5)])
        quantity = permutation_rmse(feature + noise, feature, shuffled)
        assert quantity.low is not None
        assert quantity.high is not None
        covered += quantity.low <= truth <= quantity.high
    # 95 % of 200 are 190, with a standard deviation of 3.1; repeats are few, and their interval rather wide.
    assert covered >= 180


def test_a_single_channel_is_cut_into_regions() -> None:
    models: dict[str, ModelConfig] = {
        "one": CNNConfig(channels=("energy",)),
        "both": CNNConfig(),
        "shapes": TreesConfig(shower_shapes=True),
    }
    run = a_run(split(images(400), seed=1), models)
    names = [region.name for region in regions_of(SIZE)]
    weights = np.zeros(SIZE)
    weights[:3, 2:4] = 3.0
    energy_alone = np.stack([np.ones(SIZE), np.zeros(SIZE)], axis=-1)
    shapes = run.models["shapes"].members[0].trained.model
    assert isinstance(shapes, Linear)
    run = linear(run, one=weights.ravel(), both=energy_alone.ravel(), shapes=shapes.weights)
    found = worth(run)
    assert list(found["one"]) == names
    assert names[1] == "rows 0–2, columns 2–3"
    assert [name for name, one in found["one"].items() if one != NOTHING] == [names[1]]
    assert list(found["both"]) == ["energy", "time"]
    assert found["both"]["time"] == NOTHING
    assert "total energy" in found["shapes"]


def test_waveforms_are_cut_into_windows() -> None:
    rng = np.random.default_rng(5)
    target = np.arange(200) % 2
    values = rng.normal(size=(200, 90, 1))
    values[:, 20:30, 0] += target[:, np.newaxis]
    run = a_run(split(Events.from_arrays(values, target, names=("light",)), seed=1), {"net": WaveCNNConfig()})
    weights = np.zeros(90)
    weights[20:30] = 1.0
    found = worth(linear(run, net=weights))["net"]
    assert list(found)[:3] == ["0–0.1 µs", "0.1–0.2 µs", "0.2–0.3 µs"]
    assert [name for name, one in found.items() if one != NOTHING] == ["0.2–0.3 µs"]
    low = found["0.2–0.3 µs"].low
    assert low is not None
    assert low > 0.1


def test_regions_cover_everything_once() -> None:
    for size in ((7, 6), (2, 5), (31, 32), (100,), (4,)):
        seen = np.zeros(size, dtype=int)
        for region in regions_of(size):
            seen[region.place] += 1
        assert (seen == 1).all()
    assert len({region.name for region in regions_of((31, 32))}) == 9
