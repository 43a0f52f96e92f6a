"""Images, maps and slices in a notebook: one call each, on events that nobody is judged on."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import hepsieve as hs
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import ModelConfig
from hepsieve.shown import Images
from hepsieve.train.run import Run

CLASSES = ("photon", "electron")


def showers(n: int = 240, *, size: int = 8) -> Events:
    """Images with a hot crystal in the centre, and more beside it for signal."""
    rng = np.random.default_rng(5)
    target = np.arange(n) % 2
    pixels = np.zeros((n, size, size, 2), np.float32)
    pixels[:, 4, 4, 0] = rng.gamma(20, 0.05, n)
    pixels[:, 4, 5, 0] = rng.gamma(2, 0.1, n) * (1 + target)
    pixels[..., 1] = np.where(pixels[..., 0] > 0, rng.normal(0, 1, pixels.shape[:3]), 0)
    return Events.from_arrays(pixels, target, names=("energy", "time"), units=("50 GeV", "ns"))


def tables() -> Events:
    rng = np.random.default_rng(5)
    return Events.from_arrays(rng.normal(size=(100, 2)), np.arange(100) % 2)


@pytest.fixture(scope="module")
def run() -> Run:
    models: dict[str, ModelConfig] = {"dense": hs.MLP(widths=(16,)), "trees": hs.Trees(shower_shapes=True, rounds=20)}
    return hs.train(models, hs.split(showers(), seed=1), settings=hs.Training(epochs=3, batch_size=32))


def test_training_images_can_be_looked_at() -> None:
    parts = hs.split(showers(), seed=1)
    images = hs.look(parts.train, classes=CLASSES)
    assert isinstance(images, Images)
    assert repr(images) == "Images(72 photon, 72 electron, 8 × 8 pixels, energy, time)"
    for channel in (None, "time"):
        means, examples = images.means(channel), images.examples(channel)
        # Three images and their colour bars; five examples a class.
        assert (len(means.axes), len(examples.axes)) == (6, 10)
    titles = [axes.get_title(loc="left") for axes in images.means().axes]
    assert [title for title in titles if title] == ["photon, mean", "electron, mean", "electron minus photon"]
    assert len(parts.test.openings) == 0
    with pytest.raises(ValueError, match="no channel 'enrgy'; the images have energy, time"):
        images.means("enrgy")


def test_tables_are_no_images() -> None:
    with pytest.raises(ConfigError, match=r"these events are no images: their features have shape \(100, 2\)"):
        hs.look(tables())
    run = hs.train(hs.AdaBoost(estimators=2), hs.split(tables(), seed=1))
    with pytest.raises(ConfigError, match="these events are no images"):
        hs.occlusion_maps(run)


def test_maps_show_where_models_of_pixels_look(run: Run) -> None:
    maps = hs.occlusion_maps(run, images=20, classes=CLASSES)
    assert repr(maps) == "Maps(dense on 20 photon images, dense on 20 electron images)"
    assert isinstance(maps.plot(), Figure)
    # Hiding a square can matter within two crystals of the two hot ones only.
    for one in maps.maps:
        near = np.zeros((8, 8), dtype=bool)
        near[2:7, 2:8] = True
        assert np.any(np.abs(np.array(one.drop)[near]) > 1e-3)
        assert not np.array(one.drop)[~near].any()
    assert len(run.parts.test.openings) == 0


def test_results_say_what_models_see_and_come_in_bins(run: Run) -> None:
    result = hs.evaluate(run, classes=CLASSES, slice_by="total energy", slice_bins=3)
    models = result.evaluation.models
    assert models["dense"].inputs == "pixels: energy, time"
    assert models["trees"].inputs == "23 shower shapes: energy, time"
    assert result.evaluation.images == hs.look(run.parts.train, classes=CLASSES, seed=run.seed).summary
    assert isinstance(result.slices.plot(), Figure)
    assert repr(result.slices).count("\n") == 3
    assert repr(result.slices).startswith("total energy [50 GeV]: < ")
    assert "<table>" in result.slices._repr_html_()
    plain = hs.evaluate(run)
    assert plain.slices.plot() is None
    assert (repr(plain.slices), plain.slices._repr_html_()) == ("", "")


def test_any_network_can_be_put_on_a_backend() -> None:
    parts = hs.split(showers(), seed=1)
    run = hs.train(
        hs.CNN(filters=(4,), dense=(8,)), parts, backend="keras", settings=hs.Training(epochs=1, batch_size=64)
    )
    assert run.models["cnn"].framework == "keras"
    with pytest.raises(ConfigError, match="a trees model has no choice of backend"):
        hs.train(hs.Trees(), parts, backend="keras")
