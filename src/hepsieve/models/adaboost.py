"""AdaBoost on shallow trees as plain arrays: taken from scikit-learn, evaluated and stored without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from hepsieve.errors import IntegrityError
from hepsieve.models.weights import load_arrays, save_arrays

MODEL_FILE = "ensemble.safetensors"
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """Decision trees that vote; node 0 of each is its root. T trees, padded to M nodes.

    Attributes:
        feature: int32 (T, M), the input that a node splits on; a leaf holds -1.
        threshold: float64 (T, M); an event goes left where its input is at most this.
        left: int32 (T, M), the node to go to; a leaf names itself.
        right: int32 (T, M), likewise.
        vote: float64 (T, M), the vote of a leaf, +1 for signal and -1 for background.
        weight: float64 (T,), the trees' weights.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    vote: NDArray[np.float64]
    weight: NDArray[np.float64]

    def decisions(self, inputs: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
        """The decision function, shape (n,), in [-2, 2], of the first tree, of the first two, and so on.

        It is what scikit-learn's ``staged_decision_function`` gives: the difference between the weighted
        votes of the two classes (SAMME for two classes, Zhu et al. 2009), as a share of all weights.
        """
        total = np.zeros(len(inputs))
        for tree, weight in enumerate(self.weight):
            total = total + weight * self.vote[tree, self._leaves(tree, inputs)]
            yield 2 * total / self.weight[: tree + 1].sum()

    def decision(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """The decision function of all trees, shape (n,)."""
        *_, last = self.decisions(inputs)
        return last

    def _leaves(self, tree: int, inputs: NDArray[np.float32]) -> NDArray[np.int32]:
        rows = np.arange(len(inputs))
        node = np.zeros(len(inputs), np.int32)
        while np.any(self.feature[tree, node] >= 0):
            # A leaf's feature -1 reads the last input, but both ways lead back to the leaf.
            goes_left = inputs[rows, self.feature[tree, node]] <= self.threshold[tree, node]
            node = np.where(goes_left, self.left[tree, node], self.right[tree, node])
        return node


@dataclass(frozen=True, kw_only=True, eq=False)
class AdaBoostPredictor:
    """A trained ensemble of voting trees."""

    framework: ClassVar[str] = "scikit-learn"
    ensemble: Ensemble

    @property
    def parameters(self) -> int:
        """Nodes of all trees (a split chose a threshold, a leaf its vote) and one weight per tree."""
        splits = np.count_nonzero(self.ensemble.feature >= 0)
        leaves = np.count_nonzero(self.ensemble.vote)
        return int(splits + leaves + self.ensemble.weight.size)

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the decision function, shape (n,): scikit-learn's ``predict_proba`` of class 1."""
        batches = (np.asarray(inputs[k : k + _ROWS_AT_ONCE]) for k in range(0, len(inputs), _ROWS_AT_ONCE))
        return np.concatenate([np.empty(0), *(expit(self.ensemble.decision(batch)) for batch in batches)])

    def widths(self, inputs: NDArray[np.float32]) -> None:
        """None: trees predict no width."""

    def save(self, folder: Path) -> None:
        """Write ``ensemble.safetensors``."""
        arrays = {field.name: getattr(self.ensemble, field.name) for field in fields(self.ensemble)}
        save_arrays(arrays, folder / MODEL_FILE)


def from_sklearn(classifier: Any) -> AdaBoostPredictor:
    """The trees and weights of a fitted ``AdaBoostClassifier`` for classes 0 and 1."""
    trees = [estimator.tree_ for estimator in classifier.estimators_]
    shape = (len(trees), max(tree.node_count for tree in trees))
    itself = np.broadcast_to(np.arange(shape[1], dtype=np.int32), shape)
    feature, left, right = np.full(shape, -1, np.int32), itself.copy(), itself.copy()
    threshold, vote = np.zeros(shape), np.zeros(shape)
    for number, tree in enumerate(trees):
        nodes = slice(tree.node_count)
        splits = tree.children_left >= 0
        feature[number, nodes] = np.where(splits, tree.feature, -1)
        threshold[number, nodes] = np.where(splits, tree.threshold, 0.0)
        left[number, nodes] = np.where(splits, tree.children_left, itself[0, nodes])
        right[number, nodes] = np.where(splits, tree.children_right, itself[0, nodes])
        vote[number, nodes] = np.where(splits, 0.0, _votes(classifier, tree))
    weight = np.asarray(classifier.estimator_weights_[: len(trees)], dtype=np.float64)
    return AdaBoostPredictor(
        ensemble=Ensemble(feature=feature, threshold=threshold, left=left, right=right, vote=vote, weight=weight)
    )


def load(folder: Path, inputs: int) -> AdaBoostPredictor:
    """The ensemble that ``AdaBoostPredictor.save`` wrote.

    Raises:
        IntegrityError: if the file is damaged, or its trees are none, or need other inputs.
    """
    file = folder / MODEL_FILE
    arrays = load_arrays(file)
    expected = {field.name for field in fields(Ensemble)}
    if set(arrays) != expected:
        raise IntegrityError(f"{file}: holds {sorted(arrays)} instead of {sorted(expected)}; make the folder again")
    ensemble = Ensemble(**arrays)
    if not _is_sound(ensemble, inputs):
        raise IntegrityError(f"{file}: these trees are damaged or not made for {inputs} inputs; make the folder again")
    return AdaBoostPredictor(ensemble=ensemble)


def _votes(classifier: Any, tree: Any) -> NDArray[np.float64]:
    """+1 or -1 for each node; where classes tie, scikit-learn takes the first."""
    values = tree.value[:, 0, :]
    classes = np.asarray(classifier.classes_)[values.argmax(axis=1)]
    return np.where(classes == 1, 1.0, -1.0)


def _is_sound(ensemble: Ensemble, inputs: int) -> bool:
    """Whether every walk stays inside the arrays and ends: children come after their parent."""
    shape = ensemble.feature.shape
    if len(shape) != 2 or 0 in shape or ensemble.weight.shape != shape[:1]:
        return False
    node_arrays = (ensemble.threshold, ensemble.left, ensemble.right, ensemble.vote)
    if any(array.shape != shape for array in node_arrays):
        return False
    node, split = np.arange(shape[1]), ensemble.feature >= 0
    ahead = np.where(split, node + 1, node)
    children = np.stack([ensemble.left, ensemble.right])
    stays = np.all((children >= ahead) & (children < shape[1]) & (split | (children == node)))
    return bool(stays) and bool(np.all((ensemble.feature >= -1) & (ensemble.feature < inputs)))
