"""TabM in training: the loss that it minimises, in both frameworks, and what it learns."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy.special import expit

from hepsieve.models.config import Periodic, Piecewise, TabMConfig, TrainConfig
from hepsieve.models.learner import Loss
from hepsieve.models.load import load_model
from hepsieve.models.outputs import width
from hepsieve.models.tabular import EDGES, initial_weights
from hepsieve.models.weights import load_arrays
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.objective import Objective
from hepsieve.train.torch_losses import members_losses

SMALL = TabMConfig(members=4, blocks=2, width=16, dropout=0.0)


def fit(config: TabMConfig, parts: tuple[Part, Part], **settings: Any) -> Trained:
    common = {"device": "cpu", "patience": None, "epochs": 3, **settings}
    return train_model(
        "net",
        config,
        *parts,
        TrainConfig.model_validate(common),
        seed=1,
        progress=Silent(),
        on_epoch=lambda record: None,
    )


def a_part(rows: int, seed: int, *, kind: str = "classification") -> Part:
    """Two inputs whose product decides, one that is discrete and one that is constant."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 4)).astype(np.float32)
    inputs[:, 2], inputs[:, 3] = random.integers(0, 3, rows), 1.0
    product = inputs[:, 0] * inputs[:, 1]
    weight = random.uniform(0.5, 2, rows).astype(np.float32)
    if kind == "regression":
        return Part(inputs, expit(product).astype(np.float32), weight, "regression")
    return Part(inputs, (product > 0).astype(np.float32), weight)


@pytest.mark.parametrize("loss", get_args(Loss))
def test_the_loss_is_the_mean_of_the_members_own(loss: Loss) -> None:
    random = np.random.default_rng(3)
    outputs = random.normal(size=(6, 5, 2 if loss == "gaussian" else 1))
    target, share = random.random(6), random.random(6)
    expected = np.zeros(6)
    for event in range(6):
        for member in range(5):
            score, truth = expit(outputs[event, member, 0]), target[event]
            residual = score - truth
            match loss:
                case "cross_entropy":
                    value = -truth * np.log(score) - (1 - truth) * np.log(1 - score)
                case "squared":
                    value = residual**2
                case "huber":
                    value = residual**2 / 2 if abs(residual) <= 0.05 else 0.05 * (abs(residual) - 0.025)
                case "gaussian":
                    deviation = width(outputs[event, member, 1])
                    value = np.log(deviation * np.sqrt(2 * np.pi)) + (residual / deviation) ** 2 / 2
            expected[event] += share[event] * value / 5
    found = members_losses(Objective(loss=loss), torch.tensor(outputs), torch.tensor(target), torch.tensor(share))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (SMALL, "classification"),
        (SMALL.model_copy(update={"embedding": Piecewise(bins=4, size=3), "residual": True}), "classification"),
        (SMALL.model_copy(update={"embedding": Periodic(frequencies=3, size=3), "loss": "gaussian"}), "regression"),
        (SMALL.model_copy(update={"loss": "huber", "normalisation": "layer"}), "regression"),
    ],
    ids=["plain", "piecewise residual", "gaussian", "huber"],
)
def test_both_frameworks_take_the_same_steps(config: TabMConfig, kind: str, tmp_path: Any) -> None:
    parts = a_part(60, 1, kind=kind), a_part(40, 2, kind=kind)
    found = []
    for backend in ("torch", "keras"):
        # One batch an epoch: so the order of events, which each draws by itself, does not count.
        own = config.model_copy(update={"backend": backend})
        trained = fit(own, parts, batch_size=60, optimizer="sgd", learning_rate=0.3)
        (tmp_path / backend).mkdir()
        trained.model.save(tmp_path / backend)
        found.append((load_arrays(tmp_path / backend / "weights.safetensors"), trained.history))
    (ours, history), (theirs, other) = found
    first = initial_weights(config, 4, train=parts[0].inputs, seed=1)
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=0, atol=3e-6, err_msg=name)
        assert (name == EDGES) == np.array_equal(value, first[name]), name
    assert np.abs(ours["heads.weight"] - first["heads.weight"]).max() > 1e-4
    for mine, yours in zip(history, other, strict=True):
        assert mine.validation_loss == pytest.approx(yours.validation_loss, abs=1e-5)


@pytest.mark.parametrize(
    ("precision", "embedding"),
    [
        ("float32", None),
        ("bf16", Piecewise(bins=8, size=4)),
        ("float32", Periodic(frequencies=4, size=4, sigma=0.3)),
    ],
    ids=["plain", "piecewise", "periodic"],
)
def test_it_learns_a_product_of_inputs(precision: str, embedding: Any, tmp_path: Any) -> None:
    config = TabMConfig(members=8, width=32, dropout=0.1, embedding=embedding)
    parts = a_part(2000, 1), a_part(1000, 2)
    trained = fit(config, parts, batch_size=100, epochs=8, learning_rate=0.01, precision=precision)
    auc = max(record.validation_auc or 0 for record in trained.history)
    assert auc > 0.97
    trained.model.save(tmp_path)
    loaded = load_model(config, tmp_path, (4,))
    np.testing.assert_array_equal(loaded.scores(parts[1].inputs), trained.model.scores(parts[1].inputs))


def test_equal_seeds_give_the_same_bytes_on_any_number_of_threads(tmp_path: Any) -> None:
    config = TabMConfig(members=5, width=32, dropout=0.2, embedding=Piecewise(bins=4, size=4))
    before, files = torch.get_num_threads(), []
    for number, threads in enumerate((1, 2, 1)):
        torch.set_num_threads(threads)
        folder = tmp_path / str(number)
        folder.mkdir()
        fit(config, (a_part(300, 1), a_part(100, 2)), batch_size=100).model.save(folder)
        files.append((folder / "weights.safetensors").read_bytes())
    torch.set_num_threads(before)
    assert files[0] == files[1] == files[2]


def test_edges_come_from_the_training_part_alone(tmp_path: Any) -> None:
    train, validation = a_part(300, 1), a_part(100, 2)
    spoiled = Part(validation.inputs * 1000, validation.target, validation.weight)
    edges = []
    for number, part in enumerate((validation, spoiled)):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = SMALL.model_copy(update={"embedding": Piecewise(bins=4, size=2)})
        fit(config, (train, part), epochs=1).model.save(folder)
        edges.append(load_arrays(folder / "weights.safetensors")[EDGES])
    np.testing.assert_array_equal(edges[0], edges[1])
    assert edges[0][0, 0] == train.inputs[:, 0].min()
