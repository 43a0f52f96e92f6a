"""The gradient that is written by hand against the one that PyTorch finds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from hepsieve.models.config import Periodic, Piecewise, TabMConfig
from hepsieve.models.torch import tabular
from hepsieve.models.torch.team import team
from hepsieve.train.member_passes import MemberPasses, has_passes
from hepsieve.train.objective import Objective
from hepsieve.train.torch_losses import members_losses

ROWS, INPUTS = 48, 5
NETWORK = TabMConfig(members=11, blocks=3, width=12, dropout=0.0)
CONFIGS = {
    "plain": NETWORK,
    "one layer": NETWORK.model_copy(update={"blocks": 1}),
    "one member": NETWORK.model_copy(update={"members": 1}),
    "piecewise": NETWORK.model_copy(update={"embedding": Piecewise(bins=4, size=3)}),
    "open ends": NETWORK.model_copy(update={"embedding": Piecewise(bins=2, size=3, linear=False)}),
    "periodic": NETWORK.model_copy(update={"embedding": Periodic(frequencies=3, size=2)}),
}


def a_model(config: TabMConfig) -> tabular.TabM:
    """A network whose factors and biases are not those of the beginning."""
    random = np.random.default_rng(7)
    train = random.normal(size=(200, INPUTS)).astype(np.float32)
    model = tabular.build(config, INPUTS, train=train, seed=3)
    moved = {
        name: value if name == "embedding.edges" else value + random.normal(0, 0.3, value.shape).astype(np.float32)
        for name, value in tabular.weights(model).items()
    }
    tabular.set_weights(model, moved)
    return model.train()


def a_batch(rows: int = ROWS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, targets and shares, one of them negative."""
    random = np.random.default_rng(11)
    share = random.uniform(-0.1, 1, rows) / rows
    values = (random.normal(size=(rows, INPUTS)), random.random(rows) < 0.5, share)
    inputs, target, weight = (torch.tensor(np.asarray(value, np.float32)) for value in values)
    return inputs, target, weight


def by_hand(
    model: tabular.TabM, loss: str = "cross_entropy", *, threads: int = 1, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Outputs and gradients of a batch."""
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, torch.nan)
    outputs = torch.full((ROWS,), torch.nan)
    objective = Objective(loss=loss)  # type: ignore[arg-type]
    with team(threads) as members, torch.random.fork_rng():
        torch.manual_seed(5)
        MemberPasses(model, rows=ROWS + 3, team=members, objective=objective, dtype=dtype).run(*a_batch(), outputs)
    return outputs, {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("loss", ["cross_entropy", "squared", "huber"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_gradients_are_those_that_pytorch_finds(config: TabMConfig, loss: str) -> None:
    assert has_passes(config)
    model = a_model(config)
    outputs, gradients = by_hand(model, loss)
    inputs, target, share = a_batch()
    found = model(inputs)
    model.zero_grad()
    members_losses(Objective(loss=loss), found, target, share).sum().backward()  # type: ignore[arg-type, no-untyped-call]
    torch.testing.assert_close(outputs, tabular.joined(found.detach()), rtol=1e-5, atol=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=2e-4, atol=2e-6, msg=name)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_threads_change_no_bit(dropout: float, dtype: torch.dtype) -> None:
    model = a_model(CONFIGS["piecewise"].model_copy(update={"dropout": dropout}))
    alone, together = (by_hand(model, threads=threads, dtype=dtype) for threads in (1, 3))
    assert torch.equal(alone[0], together[0])
    for name, gradient in alone[1].items():
        assert torch.equal(gradient, together[1][name]), name


def masks(config: TabMConfig, seed: int) -> list[list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]]:
    """By layer and member, what dropout leaves, 256 / (256 - lost) times as large, from the generator of each group."""
    lost, groups = round(config.dropout * 256), np.linspace(0, config.members, min(8, config.members) + 1).astype(int)
    found: list[list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = [[] for _ in range(config.blocks)]
    for number, (begin, end) in enumerate(pairwise(groups)):
        random = np.random.SFC64([seed, number])
        for layer in range(config.blocks):
            size = (int(end - begin), ROWS, config.width)
            drawn = random.random_raw(-(-int(np.prod(size)) // 8)).view(np.uint8)[: int(np.prod(size))]
            found[layer] += list((drawn.reshape(size) >= lost).astype(np.float32) * 256 / (256 - lost))
    return found


def test_dropout_leaves_out_the_same_units_forwards_and_backwards() -> None:
    model = a_model(NETWORK.model_copy(update={"dropout": 0.3}))
    outputs, gradients = by_hand(model)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        left = masks(model.config, int(torch.randint(2**62, ())))
    assert np.mean([mask == 0 for layer in left for mask in layer]) == pytest.approx(0.3, abs=0.01)
    inputs, target, share = a_batch()
    model.zero_grad()
    members = []
    for member in range(model.config.members):
        values = inputs
        for number in range(model.config.blocks):
            own = [model.of(f"layers.{number}.{name}")[member] for name in ("input_scale", "output_scale", "bias")]
            values = torch.relu(((values * own[0]) @ model.of(f"layers.{number}.weight").T) * own[1] + own[2])
            values = values * torch.tensor(left[number][member])
        members.append(values @ model.of("heads.weight")[member] + model.of("heads.bias")[member])
    found = torch.stack(members, 1)
    members_losses(Objective(loss="cross_entropy"), found, target, share).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(outputs, tabular.joined(found.detach()), rtol=1e-5, atol=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=2e-4, atol=2e-6, msg=name)


def test_bfloat16_gradients_are_those_of_float32_but_for_roundings() -> None:
    model = a_model(CONFIGS["piecewise"])
    (outputs, exact), (rough, rounded) = by_hand(model), by_hand(model, dtype=torch.bfloat16)
    torch.testing.assert_close(rough, outputs, rtol=0.03, atol=0.03)
    # Of 48 events some are next to where ReLU bends, on the one side or the other; autograd's are as far off.
    for name, gradient in exact.items():
        assert (rounded[name] - gradient).norm() < 0.2 * gradient.norm(), name
