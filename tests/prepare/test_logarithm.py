"""Logarithms before scaling: fitted floor, other events below it, what has no logarithm."""

from __future__ import annotations

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.prepare import Preparation

VALUES = np.array([[0.0, -1.0], [0.01, 0.0], [1.0, 1.0], [100.0, 2.0]])


def events(values: np.ndarray = VALUES) -> Events:
    return Events.from_arrays(values, np.arange(len(values)) % 2, names=("ip", "z"))


def test_a_logarithm_begins_at_the_smallest_positive_training_value() -> None:
    fitted = Preparation.fit(events(), PrepareConfig(log=("ip",), scale="none"))
    assert fitted.log is not None
    assert fitted.log[0] == pytest.approx(0.01)
    assert fitted.log[1] is None
    expected = np.stack([np.log([0.01, 0.01, 1.0, 100.0]), VALUES[:, 1]], axis=1)
    np.testing.assert_allclose(fitted(events()), expected, rtol=1e-6)
    new = events(np.array([[1e-9, 5.0], [1e4, 5.0]]))
    np.testing.assert_allclose(fitted(new)[:, 0], np.log([0.01, 1e4]), rtol=1e-6)
    assert Preparation.model_validate_json(fitted.model_dump_json()) == fitted


def test_scaling_and_pca_come_after_it() -> None:
    fitted = Preparation.fit(events(), PrepareConfig(log=("ip",), pca=2, whiten=True))
    inputs = fitted(events())
    np.testing.assert_allclose(np.cov(inputs.T, bias=True), np.eye(2), atol=1e-5)


@pytest.mark.parametrize(
    ("log", "features", "message"),
    [
        (("z",), None, r"prepare\.log: feature 'z' goes from -1 to 2 in the training part; only"),
        (("d",), None, r"prepare\.log: no feature 'd'"),
    ],
)
def test_what_has_no_logarithm_is_refused(log: tuple[str, ...], features: None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Preparation.fit(events(), PrepareConfig(log=log, features=features))


def test_a_feature_that_is_not_chosen_needs_no_logarithm() -> None:
    fitted = Preparation.fit(events(), PrepareConfig(log=("ip",), features=("z",)))
    assert fitted.log is None
