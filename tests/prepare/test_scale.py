"""Affine steps against their definitions; nothing but the training part moves a fitted constant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.prepare import Preparation, SealedPart, split
from hepsieve.prepare.scale import Affine, minmax, pca, standardise

CONFIGS = [
    PrepareConfig(),
    PrepareConfig(scale="minmax"),
    PrepareConfig(scale="none"),
    PrepareConfig(pca=2),
    PrepareConfig(scale="minmax", pca=3, whiten=True),
    PrepareConfig(features=("x2", "x0")),
]


def sample(n: int = 500, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    mixing = np.array([[3, 1, 0], [0, 2, 1], [0, 0, 0.5]])
    return Events.from_arrays(rng.normal(size=(n, 3)) @ mixing + [5, -1, 100], rng.integers(0, 2, n))


def test_standardise_is_its_definition() -> None:
    x = sample().features
    # (x - mean) / population standard deviation, in float64
    expected = (x - x.mean(axis=0, dtype=np.float64)) / x.astype(np.float64).std(axis=0)
    np.testing.assert_allclose(standardise(x)(x), expected, atol=1e-6)


def test_minmax_is_its_definition() -> None:
    x = sample().features
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    np.testing.assert_allclose(minmax(x)(x), (x - low) / (high - low), atol=1e-7)


def test_principal_components_are_uncorrelated_and_fall_in_variance() -> None:
    x = sample(5000).features
    y = pca(x, 3, whiten=False)(x).astype(np.float64)
    covariance = np.cov(y.T, bias=True)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-4
    assert (np.diff(np.diag(covariance)) < 0).all()
    white = pca(x, 3, whiten=True)(x).astype(np.float64)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(3), atol=1e-4)
    with pytest.raises(ConfigError, match="4 components of 3 features"):
        pca(x, 4, whiten=False)


def test_a_constant_feature_becomes_zero() -> None:
    x = np.full((50, 1), 7.3, np.float32)
    assert (standardise(x)(x) == 0).all()
    assert (minmax(x)(x) == 0).all()
    assert (pca(x, 1, whiten=True)(x) == 0).all()


def test_a_large_mean_beside_a_small_spread_keeps_its_digits() -> None:
    x = (300_000 + np.arange(64).reshape(-1, 1) * 0.03125).astype(np.float32)
    y = standardise(x)(x)
    assert abs(float(y.mean(dtype=np.float64))) < 1e-6
    assert abs(float(y.std(dtype=np.float64)) - 1) < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_composition_is_one_map_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def random_map(p: int, q: int) -> Affine:
        return Affine(
            centre=tuple(rng.normal(size=p)),
            matrix=tuple(map(tuple, rng.normal(size=(p, q)))),
            offset=tuple(rng.normal(size=q)),
        )

    first, second = random_map(4, 3), random_map(3, 2)
    x = rng.normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_allclose(first.then(second)(x), second(first(x)), atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_corrupting_validation_and_test_moves_no_constant(config: PrepareConfig) -> None:
    parts = split(sample(), validation=0.2, test=0.2, seed=1)
    clean = Preparation.fit(parts.train, config, impute=True)
    parts.validation.features[:] = np.nan
    SealedPart(parts.test.open("to spoil it")).open("again").features[:] = 1e30
    assert Preparation.fit(parts.train, config, impute=True) == clean


@pytest.mark.parametrize("config", CONFIGS)
def test_a_preparation_survives_json_exactly(config: PrepareConfig) -> None:
    events = sample()
    preparation = Preparation.fit(events, config)
    again = Preparation.model_validate_json(preparation.model_dump_json())
    assert again == preparation
    assert (again(events) == preparation(events)).all()
    assert preparation(events).shape == (len(events), preparation.width)


def test_missing_values_get_the_median_of_training() -> None:
    events = Events.from_arrays(np.array([[1.0], [2.0], [9.0], [np.nan]]), np.array([0, 1, 0, 1]))
    preparation = Preparation.fit(events, PrepareConfig(scale="none"), impute=True)
    assert preparation.fill == (2.0,)  # the median of 1, 2, 9
    assert preparation(events)[3, 0] == 2


def test_columns_are_found_by_name() -> None:
    events = sample()
    preparation = Preparation.fit(events, PrepareConfig())
    swapped = events.features[:, [2, 0, 1]]
    assert (preparation.apply(swapped, ("x2", "x0", "x1")) == preparation(events)).all()
    with pytest.raises(ConfigError, match="no feature 'x9'"):
        Preparation.fit(events, PrepareConfig(features=("x9",)))
