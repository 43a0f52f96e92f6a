"""How much networks compute for one event, counted by hand."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from hepsieve.models.config import CNNConfig, MLPConfig, ResNetConfig, ShowerNetConfig, TrainConfig, VGGConfig
from hepsieve.train.arithmetic import NetworkConfig, is_thread_safe, multiplications
from hepsieve.train.threads import using_threads
from hepsieve.train.trained import Part
from hepsieve.train.trainings import is_small


def test_resnet_15_takes_32_million_products() -> None:
    first = 32 * 32 * 9 * 1 * 16
    fine = 6 * 32 * 32 * 9 * 16 * 16
    halving = 16 * 16 * (9 * 16 * 32 + 16 * 32)  # beside it the shortcut, of one crystal each
    coarse = 7 * 16 * 16 * 9 * 32 * 32
    assert multiplications(ResNetConfig(), (32, 32, 1)) == first + fine + halving + coarse + 32 == 32_129_056


def test_dense_layers_after_pooling() -> None:
    # One convolution of 4 channels, 6 × 6 × 4 = 144 numbers after pooling, 8 units, one logit.
    assert multiplications(CNNConfig(filters=(4,), dense=(8,)), (12, 12, 2)) == 144 * 9 * 2 * 4 + 144 * 8 + 8


def test_a_network_of_few_weights_and_much_arithmetic_gets_all_cores() -> None:
    target = (np.arange(100) % 2).astype(np.float32)
    images = Part(np.zeros((100, 32, 32, 1), np.float32), target, np.ones(100, np.float32))
    with using_threads(2):
        assert not is_small(ResNetConfig(), TrainConfig(), images)
        assert is_small(MLPConfig(widths=(8,)), TrainConfig(), images)
    with using_threads(1):  # there are no others
        assert is_small(ResNetConfig(), TrainConfig(), images)


@pytest.mark.parametrize(
    ("config", "precision", "safe"),
    [
        (ResNetConfig(filters=(8, 16), blocks=(1, 1)), "float32", False),
        (ResNetConfig(filters=(8, 16), blocks=(1, 1)), "bf16", True),
        (ResNetConfig(), "float32", True),
        (ShowerNetConfig(filters=(12,), blocks=(1,)), "float32", False),
        (CNNConfig(filters=(16, 8)), "float32", False),
        (VGGConfig(), "float32", True),
        (MLPConfig(widths=(8,)), "float32", True),
    ],
)
def test_narrow_convolutions_in_float32_get_one_thread(
    config: NetworkConfig, precision: Literal["float32", "bf16"], safe: bool
) -> None:
    assert is_thread_safe(config, TrainConfig(precision=precision)) is safe
