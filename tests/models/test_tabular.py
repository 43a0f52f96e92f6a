"""TabM: the definition, the same scores in both frameworks, edges of bins, first weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit

from hepsieve.errors import IntegrityError
from hepsieve.models.config import Periodic, Piecewise, TabMConfig
from hepsieve.models.keras import tabular as keras_tabular
from hepsieve.models.load import load_model
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import width
from hepsieve.models.tabular import EDGES, LINEAR, bin_edges, initial_weights, joined, parameter_count, weight_shapes
from hepsieve.models.torch import tabular as torch_tabular

INPUTS = 5
SMALL = TabMConfig(members=6, blocks=2, width=16)
CONFIGS = {
    "plain": SMALL,
    "one member": SMALL.model_copy(update={"members": 1, "dropout": 0.0}),
    "normalised": SMALL.model_copy(update={"normalisation": "layer", "activation": "gelu"}),
    "residual": SMALL.model_copy(update={"residual": True, "activation": "silu"}),
    "residual normalised": SMALL.model_copy(
        update={"residual": True, "normalisation": "layer", "embedding": Piecewise(bins=2, size=2)}
    ),
    "piecewise": SMALL.model_copy(update={"embedding": Piecewise(bins=7, size=3)}),
    "open ends": SMALL.model_copy(update={"embedding": Piecewise(bins=4, size=3, linear=False)}),
    "periodic": SMALL.model_copy(update={"embedding": Periodic(frequencies=4, size=3, sigma=0.3)}),
    "width": SMALL.model_copy(update={"loss": "gaussian", "embedding": Piecewise(bins=3, size=2)}),
}


def some_inputs(rows: int = 150, seed: int = 5) -> NDArray[np.float32]:
    """Continuous, discrete, constant and far-off inputs."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, INPUTS)) * (1, 0.01, 1, 1, 3)
    inputs[:, 2], inputs[:, 3] = random.integers(0, 3, rows), 0.7
    return inputs.astype(np.float32)


def moved(config: TabMConfig) -> Weights:
    """Weights of a network that has learned something: none is 0 or 1."""
    random = np.random.default_rng(7)
    first = initial_weights(config, INPUTS, train=some_inputs(), seed=3)
    return {
        name: value if name == EDGES else value + random.normal(0, 0.2, value.shape).astype(np.float32)
        for name, value in first.items()
    }


def in_torch(config: TabMConfig, values: Weights) -> torch_tabular.TorchTabularPredictor:
    model = torch_tabular.build(config, INPUTS, train=some_inputs(seed=1), seed=0)
    torch_tabular.set_weights(model, values)
    return torch_tabular.TorchTabularPredictor(model=model.eval())


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_copied_weights_give_the_same_scores_in_both_frameworks(config: TabMConfig) -> None:
    values, inputs = moved(config), some_inputs(seed=9)
    ours, theirs = in_torch(config, values), keras_tabular.from_weights(config, INPUTS, values)
    assert np.ptp(ours.scores(inputs)) > 1e-3
    np.testing.assert_allclose(ours.scores(inputs), theirs.scores(inputs), rtol=0, atol=1e-5)
    widths = ours.widths(inputs), theirs.widths(inputs)
    if config.loss == "gaussian":
        assert widths[0] is not None
        assert widths[1] is not None
        np.testing.assert_allclose(widths[0], widths[1], rtol=0, atol=1e-5)
    else:
        assert widths == (None, None)
    gradient = theirs.input_gradient(inputs[:20])
    assert gradient is not None
    # Column 2 lies on edges of bins, where slopes are two.
    chosen = [0, 1, 3, 4]
    np.testing.assert_allclose(ours.input_gradient(inputs[:20])[:, chosen], gradient[:, chosen], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_both_frameworks_write_the_same_file_and_read_it(config: TabMConfig, tmp_path: Path) -> None:
    values = moved(config)
    ours, theirs = in_torch(config, values), keras_tabular.from_weights(config, INPUTS, values)
    for name, predictor in (("torch", ours), ("keras", theirs)):
        (tmp_path / name).mkdir()
        predictor.save(tmp_path / name)
        assert predictor.parameters == parameter_count(config, INPUTS)
    files = [tmp_path / name / "weights.safetensors" for name in ("torch", "keras")]
    assert files[0].read_bytes() == files[1].read_bytes()
    inputs = some_inputs(seed=9)
    for backend in ("torch", "keras"):
        loaded = load_model(config.model_copy(update={"backend": backend}), tmp_path / "torch", (INPUTS,))
        assert loaded.framework == backend
        np.testing.assert_allclose(loaded.scores(inputs), ours.scores(inputs), rtol=0, atol=1e-5)
    with pytest.raises(IntegrityError, match=r"heads\.bias has shape"):
        load_model(config.model_copy(update={"members": 9}), tmp_path / "torch", (INPUTS,))


def slow_layer(values: Weights, number: int, member: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """((x · r) W) · s + b of one member."""
    own = {name: values[f"layers.{number}.{name}"] for name in ("weight", "input_scale", "output_scale", "bias")}
    product = (x * own["input_scale"][member]) @ own["weight"].T.astype(np.float64)
    return np.asarray(product * own["output_scale"][member] + own["bias"][member])


def slow_encoding(x: float, edges: NDArray[np.float64], *, open_ends: bool) -> list[float]:
    """Piecewise-linear encoding of one number by eq. (1) of arXiv:2203.05556, which has open ends."""
    bins = len(edges) - 1
    found = []
    for number in range(bins):
        low, high = edges[number], edges[number + 1]
        if high == low or (x < low and not (open_ends and number == 0)):
            found.append(0.0)
        elif x >= high and not (open_ends and number == bins - 1):
            found.append(1.0)
        else:
            found.append((x - low) / (high - low))
    return found


@pytest.mark.parametrize("name", ["piecewise", "open ends"])
def test_scores_follow_the_definition(name: str) -> None:
    config = CONFIGS[name]
    assert isinstance(config.embedding, Piecewise)
    linear = config.embedding.linear
    values, inputs = moved(config), some_inputs(12, seed=9)
    # Beyond the edges on both sides.
    inputs[0], inputs[1] = -9, 9
    edges = values[EDGES].astype(np.float64)
    encoded = np.array(
        [[slow_encoding(float(x), edges[q], open_ends=not linear) for q, x in enumerate(row)] for row in inputs]
    )
    embedded = np.einsum("nqb,qbd->nqd", encoded, values["embedding.weight"]) + values["embedding.bias"]
    if linear:
        embedded += np.einsum("nq,qd->nqd", inputs, values[LINEAR])
    embedded = np.maximum(embedded, 0).reshape(len(inputs), -1)
    scores = []
    for member in range(config.members):
        x = embedded
        for number in range(config.blocks):
            x = np.maximum(slow_layer(values, number, member, x), 0)
        scores.append(expit(x @ values["heads.weight"][member, :, 0] + values["heads.bias"][member, 0]))
    np.testing.assert_allclose(in_torch(config, values).scores(inputs), np.mean(scores, axis=0), atol=1e-6)


def test_a_residual_network_follows_the_definition() -> None:
    config = CONFIGS["residual"].model_copy(update={"normalisation": "layer", "members": 2, "activation": "tanh"})
    values, inputs = moved(config), some_inputs(12, seed=9)

    def normalised(number: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        return np.asarray(scaled * values[f"norms.{number}.weight"] + values[f"norms.{number}.bias"])

    scores = []
    for member in range(2):
        x = slow_layer(values, 0, member, inputs.astype(np.float64))
        for block in range(config.blocks):
            inside = np.tanh(slow_layer(values, 2 * block + 1, member, normalised(block, x)))
            x = x + slow_layer(values, 2 * block + 2, member, inside)
        x = np.tanh(normalised(config.blocks, x))
        scores.append(expit(x @ values["heads.weight"][member, :, 0] + values["heads.bias"][member, 0]))
    np.testing.assert_allclose(in_torch(config, values).scores(inputs), np.mean(scores, axis=0), atol=1e-6)


def test_joined_outputs_are_those_of_the_mixture() -> None:
    random = np.random.default_rng(2)
    outputs = random.normal(size=(40, 5, 2))
    found = joined(outputs)
    scores, widths = expit(outputs[..., 0]), width(outputs[..., 1])
    np.testing.assert_allclose(found[:, 0], logit(scores.mean(axis=1)), atol=1e-12)
    variance = (widths**2 + scores**2).mean(axis=1) - scores.mean(axis=1) ** 2
    np.testing.assert_allclose(width(found[:, 1]), np.sqrt(variance), atol=1e-12)
    tensors = torch_tabular.joined(torch.tensor(outputs, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(tensors, found, rtol=0, atol=2e-5)


def test_joined_logits_stay_exact_where_scores_are_0_or_1_in_all_digits() -> None:
    far = np.array([[[50.0], [51.0]], [[-200.0], [-201.0]]])
    # Mean of e^-50 and e^-51, and of e^-200 and e^-201: 1 is off by ln(2 / (1 + 1/e)).
    expected = [50 + np.log(2 / (1 + np.exp(-1))), -200 - np.log(2 / (1 + np.exp(-1)))]
    np.testing.assert_allclose(joined(far), expected, rtol=1e-12)
    np.testing.assert_allclose(torch_tabular.joined(torch.tensor(far)).numpy(), expected, rtol=1e-12)


def test_edges_divide_the_training_part_equally() -> None:
    values = np.random.default_rng(3).exponential(size=(10_001, 1)).astype(np.float32)
    edges = bin_edges(values, 10)[0]
    assert edges[0] == values.min()
    assert edges[-1] == values.max()
    counts = np.histogram(values[:, 0], edges)[0]
    assert counts.min() >= 999
    assert counts.max() <= 1002


def test_edges_of_few_values_are_these_values() -> None:
    three, flag, constant = np.array([0, 0, 0, 1, 1, 2] * 50), np.array([0, 1] * 150), np.full(300, 4.0)
    edges = bin_edges(np.stack([three, flag, constant], axis=1).astype(np.float32), 5)
    assert edges.tolist() == [[0, 1, 1, 1, 1, 2], [0, 0, 0, 0, 0, 1], [4, 4, 4, 4, 4, 4]]
    inputs, found = torch.tensor([[1.0, 0.25, 4.0], [3.0, -1.0, 9.0]]), torch.tensor(edges).float()
    encoded = torch_tabular.piecewise(inputs, found, open_ends=True)
    assert encoded[0].tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0.25], [0] * 5]
    # The last bin goes on above 1: (3 - 1) / (2 - 1).
    assert encoded[1].tolist() == [[1, 0, 0, 0, 2], [0] * 5, [0] * 5]
    closed = torch_tabular.piecewise(inputs, found, open_ends=False)
    assert closed[1].tolist() == [[1, 0, 0, 0, 1], [0] * 5, [0] * 5]


def test_members_begin_alike_but_for_signs_and_heads() -> None:
    values = initial_weights(SMALL, INPUTS, train=some_inputs(), seed=3)
    assert set(np.unique(values["layers.0.input_scale"])) == {-1.0, 1.0}
    assert np.ptp(values["layers.0.input_scale"], axis=0).max() == 2
    for name in ("layers.1.input_scale", "layers.0.output_scale", "layers.1.output_scale"):
        assert (values[name] == 1).all()
    assert len(np.unique(values["heads.weight"])) == SMALL.members * SMALL.width
    embedded = initial_weights(CONFIGS["piecewise"], INPUTS, train=some_inputs(), seed=3)["layers.0.input_scale"]
    assert (np.ptp(embedded.reshape(6, INPUTS, 3), axis=2) == 0).all()
    assert len(np.unique(embedded)) == 6 * INPUTS


def test_equal_seeds_give_equal_weights_in_both_frameworks() -> None:
    config = CONFIGS["piecewise"]
    ours = torch_tabular.weights(torch_tabular.build(config, INPUTS, train=some_inputs(), seed=4))
    theirs = keras_tabular.weights(config, keras_tabular.build(config, INPUTS, train=some_inputs(), seed=4))
    other = initial_weights(config, INPUTS, train=some_inputs(), seed=5)
    assert set(ours) == set(theirs) == set(weight_shapes(config, INPUTS))
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])
    assert not np.array_equal(ours["heads.weight"], other["heads.weight"])
    np.testing.assert_array_equal(ours[EDGES], other[EDGES])
