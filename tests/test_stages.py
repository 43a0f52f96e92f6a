"""The stages for notebooks do what the run command does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import toy_rows, write_toy_csv

import hepsieve as hs
from hepsieve.errors import AuditStop, ConfigError


def toy_events(n: int = 600) -> hs.Events:
    return hs.Events.from_arrays(*toy_rows(n))


def test_from_a_file_to_a_result(tmp_path: Path) -> None:
    events = hs.read(write_toy_csv(tmp_path / "toy.csv"), label="kind")
    assert events.names == ("a", "b", "c")
    parts = hs.split(events, seed=1)
    run = hs.train({"net": hs.MLP(widths=(8,)), "trees": hs.Trees(rounds=20)}, parts, settings=hs.Training(epochs=3))
    assert len(parts.test.openings) == 0
    result = hs.evaluate(run)
    assert len(parts.test.openings) == 1
    assert set(result.evaluation.models) == {"net", "trees"}
    assert result.best is result.evaluation.models[result.evaluation.best]
    auc = result.best.metrics["auc"]
    assert auc.value is not None
    # Clouds that differ by 1 in each of 3 dimensions: the best AUC is Phi(sqrt(3/2)) = 0.890.
    assert 0.75 < auc.value < 0.97
    assert len(result.roc.plot().axes) == 1
    assert "opened 1 time;" in repr(result)
    assert "opened 2 times; a model that was chosen after looking" in repr(hs.evaluate(run))


def test_the_audit_stands_before_the_split() -> None:
    events = toy_events()
    features = events.features.copy()
    features[3, 1] = np.nan
    with pytest.raises(AuditStop, match="x1 is not finite"):
        hs.split(events.replace(features=features), seed=1)


def test_a_backend_is_for_networks() -> None:
    parts = hs.split(toy_events(), seed=1)
    with pytest.raises(ConfigError, match="no choice of backend"):
        hs.train(hs.Trees(), parts, backend="torch")
    with pytest.raises(ConfigError, match="use 'torch' or 'keras'"):
        hs.train(hs.MLP(), parts, backend="jax")
    with pytest.raises(ConfigError, match="takes a model"):
        hs.train({}, parts)
    with pytest.raises(ConfigError, match="one by one"):
        hs.read(["a.csv", "b.csv"])  # type: ignore[arg-type]


def test_an_unknown_calibration_is_refused_before_anything_is_trained() -> None:
    parts = hs.split(toy_events(), seed=1)
    with pytest.raises(ConfigError, match="calibrate is 'sigmoid'; take one of auto, temperature, isotonic, none"):
        hs.train(hs.Trees(rounds=2), parts, calibrate="sigmoid")  # type: ignore[arg-type]


def test_yields_give_a_significance_and_come_in_pairs() -> None:
    run = hs.train(hs.Trees(rounds=5), hs.split(toy_events(), seed=1))
    for wrong in ({"signal_yield": 10}, {"signal_yield": 10, "background_yield": -1}):
        with pytest.raises(ConfigError, match=r"background_yield is .*give both expected yields"):
            hs.evaluate(run, **wrong)  # type: ignore[arg-type]
    assert len(run.parts.test.openings) == 0
    (physics,) = hs.evaluate(run, signal_yield=10, background_yield=100).evaluation.physics.values()
    assert (physics.yields.signal.events, physics.yields.background.events) == (10, 100)


def test_a_stage_is_never_hidden_by_the_folder_of_its_name() -> None:
    import_module("hepsieve.train.run")
    import_module("hepsieve.evaluate.roc")
    assert [hs.train.__module__, hs.evaluate.__module__] == ["hepsieve.stages"] * 2


def test_what_does_not_exist_is_answered_with_what_does() -> None:
    with pytest.raises(AttributeError, match="MLP"):
        _ = hs.MPL
    assert "train" in dir(hs)
