"""Classes that mean the opposite in the test file are told; samples that are only different are not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.audit.pulses import counts
from tests.audit.showers import showers

from hepsieve.audit.findings import Finding
from hepsieve.audit.swapped import swapped_classes
from hepsieve.events import Events


def clouds(n: int, seed: int, apart: float = 1.0) -> Events:
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    return Events.from_arrays(rng.normal(size=(n, 4)) + apart * target[:, np.newaxis] * (1, 0.5, 0, -0.5), target)


def turned(events: Events) -> Events:
    return events.replace(target=1 - events.target)


def found(train: Events, test: Events) -> list[Finding]:
    return list(swapped_classes(train, test, part="test"))


@pytest.mark.parametrize(("n", "severity"), [(60, "warn"), (600, "stop")])
def test_swapped_classes_are_told(n: int, severity: str) -> None:
    (finding,) = found(clouds(800, 1), turned(clouds(n, 2)))
    assert (finding.key, finding.severity) == ("test-classes-swapped", severity)
    assert "the other way round in the test file" in finding.message
    # The first feature is one standard deviation apart: AUC Φ(1/√2) = 0.760 here, 0.240 there.
    told = finding.message.split("x0 ")[1].split(" after ")
    assert float(told[0]) == pytest.approx(0.24, abs=0.12)
    assert float(told[1][:5]) == pytest.approx(0.76, abs=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_files_that_agree_and_files_without_separation_pass(seed: int) -> None:
    assert found(clouds(500, seed), clouds(100, seed + 100)) == []
    assert found(clouds(500, seed, 0), clouds(100, seed + 100, 0)) == []
    shifted = clouds(100, seed + 100)
    assert found(clouds(500, seed), shifted.replace(features=3 * shifted.features + 1)) == []


def two_backgrounds(n: int, share: float, seed: int) -> Events:
    """Signal between two kinds of background, of which the upper one has this share."""
    rng = np.random.default_rng(seed)
    target, upper = rng.integers(0, 2, n), rng.random(n) < share
    features = rng.normal(size=(n, 3))
    features[:, 0] += np.where(target == 1, 0, np.where(upper, 2, -2))
    return Events.from_arrays(features, target)


@pytest.mark.parametrize("seed", range(3))
def test_another_mixture_is_asked_about_but_does_not_stop(seed: int) -> None:
    train, test = two_backgrounds(3000, 0.2, seed), two_backgrounds(1000, 0.8, seed + 10)
    (finding,) = found(train, test)
    assert (finding.code, finding.severity) == ("test-classes-swapped", "warn")
    assert finding.message.endswith("If the test file is another mixture of processes on purpose, this is its effect")
    assert found(train, two_backgrounds(1000, 0.3, seed + 10)) == []
    (swapped,) = found(train, turned(two_backgrounds(1000, 0.2, seed + 10)))
    assert swapped.severity == "stop"
    assert swapped.message.endswith("data.trees")


def test_images_and_waveforms_are_compared_by_their_shapes() -> None:
    for train, test in ((showers(400, 1), showers(200, 2)), (counts(300, 1), counts(200, 2))):
        assert found(train, test) == []
        assert [one.code for one in found(train, turned(test))] == ["test-classes-swapped"]


def test_a_test_file_of_one_class_says_nothing() -> None:
    test = clouds(100, 3)
    assert found(clouds(500, 1), test[np.flatnonzero(test.target == 1)]) == []
