"""Image networks of Keras on TensorFlow score as PyTorch's do."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.models.test_images import CASES, in_torch, some_images, some_weights

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]


def test_copied_weights_give_the_same_scores_on_tensorflow(tmp_path: Path) -> None:
    ours = {}
    # VGG16 has no layer that the others lack, and takes long to make.
    for number, (config, shape) in enumerate(case for case in CASES if case[0].kind != "vgg16"):
        place = tmp_path / str(number)
        place.mkdir()
        model = in_torch(config, shape, some_weights(config, shape))
        model.save(place)
        (place / "config.json").write_text(config.model_copy(update={"backend": "keras"}).model_dump_json())
        np.save(place / "images.npy", some_images(shape))
        ours[place] = model.scores(some_images(shape))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("scores_on_tensorflow.py"), tmp_path],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for place, scores in ours.items():
        np.testing.assert_allclose(np.load(place / "scores.npy"), scores, rtol=0, atol=1e-5)
