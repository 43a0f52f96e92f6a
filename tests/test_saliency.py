"""Gradient maps: parts that add up to what the model answers, from validation events alone, in both frameworks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from tests.test_occlusion import SIZE, Linear, a_run, images, task

from hepsieve.config import ExplainConfig, PrepareConfig, TaskConfig
from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.events import Events, TargetScale
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig, WaveCNNConfig
from hepsieve.occlusion import Answers
from hepsieve.prepare import Split, fit_preparation, split
from hepsieve.progress import Silent
from hepsieve.saliency import gradient_maps, integrated_gradients
from hepsieve.train.run import Fitted, Member, Run, train
from hepsieve.train.trained import Trained
from hepsieve.waveform_maps import WINDOWS, waveform_maps


@dataclass(frozen=True, kw_only=True, eq=False)
class Sloped(Linear):
    """The linear model, which also tells its gradients."""

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.broadcast_to(self.weights, (len(inputs), self.weights.size)).reshape(inputs.shape).astype(np.float32)


def sloped(run: Run) -> Run:
    """The same models with gradients."""
    models = {}
    for name, fitted in run.models.items():
        members = []
        for member in fitted.members:
            assert isinstance(member.trained.model, Linear)
            model = Sloped(weights=member.trained.model.weights, calls=[])
            members.append(replace(member, trained=replace(member.trained, model=model)))
        models[name] = replace(fitted, members=tuple(members))
    return replace(run, models=models)


@pytest.mark.parametrize("folds", [None, 3])
def test_parts_of_a_linear_model_are_weights_times_contents(folds: int | None) -> None:
    models: dict[str, ModelConfig] = {"cnn": CNNConfig(channels=("energy",)), "dense": MLPConfig()}
    run = sloped(a_run(split(images(), folds=folds, seed=1), models))
    maps = gradient_maps(run, task(), progress=Silent())
    assert [(one.model, one.label) for one in maps] == [(m, k) for m in ("cnn", "dense") for k in (0, 1)]
    events = run.parts.validation
    for one in maps:
        fitted, parts = run.models[one.model], []
        for number in np.flatnonzero(events.target == one.label):
            member = fitted.members[0 if run.parts.fold is None else run.parts.fold[number]]
            image = events.features[[number]]
            full, empty = (member.preparation.apply(x, events.names) for x in (image, np.zeros_like(image)))
            model = member.trained.model
            assert isinstance(model, Sloped)
            parts.append((model.weights * (full - empty).ravel()).reshape(*SIZE, -1).sum(axis=-1))
        np.testing.assert_allclose(one.drop, np.mean(parts, axis=0), atol=1e-5)
        np.testing.assert_allclose(one.error, np.std(parts, axis=0, ddof=1) / np.sqrt(len(parts)), atol=1e-5)
        assert (one.method, one.patch, one.images) == ("gradient", 1, len(parts))
        assert OcclusionMap.model_validate_json(one.model_dump_json()) == one
    assert run.parts.test.openings == ()


def test_models_without_gradients_and_tables_have_no_map() -> None:
    run = a_run(split(images(), seed=1), {"cnn": CNNConfig(), "trees": TreesConfig(shower_shapes=True)})
    assert gradient_maps(run, task(), progress=Silent()) == ()
    assert gradient_maps(sloped(run), task(0), progress=Silent()) == ()


BLIP = slice(120, 130)


def waveforms(n: int, *, regression: bool = False) -> Events:
    """Noise with a pulse in one known window, whose height tells the class or is the target."""
    rng = np.random.default_rng(6)
    target = rng.uniform(size=n) if regression else (np.arange(n) % 2).astype(float)
    values = 0.1 * rng.normal(size=(n, 400, 1))
    values[:, BLIP, 0] += 2 * target[:, np.newaxis]
    events = Events.from_arrays(
        values.astype(np.float32), target if not regression else np.arange(n) % 2, names=("light",)
    )
    if not regression:
        return events
    return events.replace(target=target.astype(np.float32), scale=TargetScale(name="d", unit="mm", full=30.0))


@pytest.fixture(scope="module", params=["torch", "keras"])
def network(request: pytest.FixtureRequest) -> Run:
    config = WaveCNNConfig(filters=4, pool=4, dense=8, backend=request.param)
    settings = TrainConfig(epochs=6, batch_size=32, learning_rate=5e-3)
    models: dict[str, ModelConfig] = {"net": config}
    return train(models, split(waveforms(400), seed=1), prepare=PrepareConfig(), settings=settings, seed=1)


def explained(maps: int = 30) -> TaskConfig:
    return TaskConfig(task="toy", models={"net": WaveCNNConfig()}, explain=ExplainConfig(maps=maps))


def test_both_maps_find_the_only_window_that_tells(network: Run) -> None:
    maps = waveform_maps(network, explained(), progress=Silent())
    assert [(one.label, one.method) for one in maps] == [
        (0, "occlusion"), (0, "gradient"), (1, "occlusion"), (1, "gradient"),
    ]  # fmt: skip
    for one in maps[2:]:
        assert one.waveforms == 30
        assert len(one.drop) == WINDOWS
        assert one.edges[:2] == (0, 0.1)
        # Samples 120 to 129 of 400 are the thirteenth window of ten.
        assert int(np.argmax(one.drop)) == 12
        assert one.drop[12] > 5 * one.error[12] > 0
        others = np.delete(np.abs(one.drop), 12)
        assert others.max() < 0.5 * one.drop[12]
        assert int(np.argmax(one.mean)) in range(60, 65)
    assert network.parts.test.openings == ()
    assert waveform_maps(network, explained(), progress=Silent()) == maps
    assert waveform_maps(network, explained(0), progress=Silent()) == ()


def test_parts_add_up_to_what_is_answered(network: Run) -> None:
    fitted, events = network.models["net"], network.parts.validation
    inputs = fitted.members[0].preparation.apply(events.features[:20], events.names)
    member, empty = np.zeros(20, np.int64), np.zeros_like(inputs)
    answers = Answers(regression=False)
    parts = integrated_gradients(fitted, member, inputs, empty, answers=answers)
    assert parts is not None
    whole = answers(fitted, member, inputs) - answers(fitted, member, empty)
    np.testing.assert_allclose(parts.sum(axis=(1, 2)), whole, atol=0.15 * np.abs(whole).max())


def test_in_a_regression_it_is_the_prediction_that_moves() -> None:
    parts: Split = split(waveforms(200, regression=True), seed=1)
    steps = PrepareConfig()
    config = MLPConfig()
    preparation = fit_preparation(parts.train, steps, config)
    weights = np.zeros(400)
    weights[BLIP] = 0.3
    trained = Trained(model=Sloped(weights=weights, calls=[]), history=(), best_epoch=1, seconds=0)
    fitted = Fitted(name="net", config=config, members=(Member(preparation=preparation, trained=trained),))
    run = Run(parts=parts, models={"net": fitted}, seed=1)
    occlusion, gradient = waveform_maps(run, explained(20), progress=Silent())
    assert (occlusion.label, gradient.label) == (None, None)
    prepared = preparation.apply(parts.validation.features, parts.validation.names).reshape(-1, 400)
    largest = float((expit(prepared @ weights) - 0.5).max())
    for one in (occlusion, gradient):
        drop = np.asarray(one.drop)
        assert np.count_nonzero(drop) == 1
        assert 0 < drop[12] < largest
    # All that tells lies in this window: what it adds to a quiet waveform's prediction is also what hiding it takes.
    assert gradient.drop[12] == pytest.approx(occlusion.drop[12], rel=0.01)
