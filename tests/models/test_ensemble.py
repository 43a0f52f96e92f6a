from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from hepsieve.errors import IntegrityError
from hepsieve.models.adaboost import MODEL_FILE, AdaBoostPredictor, from_sklearn
from hepsieve.models.config import AdaBoostConfig
from hepsieve.models.load import load_model
from hepsieve.models.weights import save_arrays


def fitted(depth: int, estimators: int = 30) -> tuple[AdaBoostClassifier, NDArray[np.float32]]:
    random = np.random.default_rng(depth)
    inputs = random.normal(size=(1500, 5)).astype(np.float32)
    # A column of few values puts many events exactly on thresholds' sides.
    inputs[:, 4] = np.round(inputs[:, 4])
    target = (inputs[:, 0] * inputs[:, 1] + inputs[:, 4] + random.normal(size=1500) > 0).astype(np.float32)
    tree = DecisionTreeClassifier(max_depth=depth)
    classifier = AdaBoostClassifier(tree, n_estimators=estimators, random_state=1)
    return classifier.fit(inputs, target, sample_weight=random.uniform(0.5, 2, 1500)), inputs


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_scores_equal_scikit_learns_probabilities(depth: int) -> None:
    classifier, inputs = fitted(depth)
    scores = from_sklearn(classifier).scores(inputs)
    assert np.ptp(scores) > 0.1
    np.testing.assert_allclose(scores, classifier.predict_proba(inputs)[:, 1], rtol=0, atol=1e-12)


def test_stages_equal_scikit_learns() -> None:
    classifier, inputs = fitted(2, estimators=5)
    stages = list(from_sklearn(classifier).ensemble.decisions(inputs))
    for ours, theirs in zip(stages, classifier.staged_decision_function(inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_saved_ensemble_scores_identically(depth: int, tmp_path: Path) -> None:
    classifier, inputs = fitted(depth)
    model = from_sklearn(classifier)
    model.save(tmp_path)
    loaded = load_model(AdaBoostConfig(depth=depth), tmp_path, (5,))
    assert loaded.framework == "scikit-learn"
    assert loaded.parameters == model.parameters
    assert np.array_equal(loaded.scores(inputs), model.scores(inputs))


def test_a_stump_counts_its_split_two_leaves_and_its_weight() -> None:
    assert from_sklearn(fitted(1, estimators=30)[0]).parameters == 30 * 4


def test_damaged_ensembles_are_refused(tmp_path: Path) -> None:
    ensemble = from_sklearn(fitted(1, estimators=3)[0]).ensemble
    # A root that is its own child would never be left.
    AdaBoostPredictor(ensemble=replace(ensemble, left=np.zeros_like(ensemble.left))).save(tmp_path)
    with pytest.raises(IntegrityError, match="damaged or not made for 5 inputs"):
        load_model(AdaBoostConfig(), tmp_path, (5,))
    AdaBoostPredictor(ensemble=ensemble).save(tmp_path)
    with pytest.raises(IntegrityError, match="not made for 1 inputs"):
        load_model(AdaBoostConfig(), tmp_path, (1,))
    save_arrays({"feature": ensemble.feature}, tmp_path / MODEL_FILE)
    with pytest.raises(IntegrityError, match="holds"):
        load_model(AdaBoostConfig(), tmp_path, (5,))
