"""Networks for images and waveforms of Keras on TensorFlow score as PyTorch's do."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.models import test_images, test_waveforms
from tests.models.spatial import in_torch, some_inputs, some_weights

from hepsieve.models.predictor import Differentiable, Predictor

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]


def saved(folder: Path) -> dict[Path, Predictor]:
    """PyTorch's networks, each written into a folder of its own beside some inputs and its config for Keras."""
    models: dict[Path, Predictor] = {}
    # VGG16 has no layer that the others lack, and takes long to make.
    cases = [*(case for case in test_images.CASES if case[0].kind != "vgg16"), *test_waveforms.CASES]
    for number, (config, shape) in enumerate(cases):
        place = folder / f"{number:02}"
        place.mkdir()
        model = in_torch(config, shape, some_weights(config, shape))
        model.save(place)
        (place / "config.json").write_text(config.model_copy(update={"backend": "keras"}).model_dump_json())
        np.save(place / "inputs.npy", some_inputs(shape))
        models[place] = model
    return models


def test_copied_weights_give_the_same_scores_and_widths_on_tensorflow(tmp_path: Path) -> None:
    models = saved(tmp_path)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("scores_on_tensorflow.py"), tmp_path],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for place, model in models.items():
        inputs = np.load(place / "inputs.npy")
        np.testing.assert_allclose(np.load(place / "scores.npy"), model.scores(inputs), rtol=0, atol=1e-5)
        assert isinstance(model, Differentiable)
        ours = model.input_gradient(inputs[:3])
        assert ours is not None
        # A unit on its kink to the last bit moves the derivatives of all that it sees: most are the same.
        assert np.median(np.abs(np.load(place / "gradient.npy") - ours)) < 1e-3 * np.abs(ours).max(), place.name
        widths = model.widths(inputs)
        assert (place / "widths.npy").exists() == (widths is not None)
        if widths is not None:
            np.testing.assert_allclose(np.load(place / "widths.npy"), widths, rtol=0, atol=1e-5)
    assert sum((place / "widths.npy").exists() for place in models) == 3
