"""One network trained by several processes: the same loss curve, one that writes, and one line when one is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.distributed import run
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from hepsieve.errors import ConfigError, WorkerLost
from hepsieve.history import EpochRecord
from hepsieve.models.config import (
    MLPConfig,
    ModelConfig,
    Piecewise,
    ResNetConfig,
    TabMConfig,
    TrainConfig,
    TreesConfig,
)
from hepsieve.models.torch import mlp
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.batches import Batches, Block
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.distributed import device_for, environment
from hepsieve.train.objective import require_processes
from hepsieve.train.rank_order import Lost, fault_of
from hepsieve.train.ranks import Ranks
from hepsieve.train.shared_norm import share_normalisations
from hepsieve.train.torchrun import arguments, first_lost
from hepsieve.train.trained import OnEpoch
from hepsieve.train.trainings import is_small

Toy = Callable[..., Part]
CPU = torch.device("cpu")
NET = MLPConfig(widths=(8, 4))
# 301 events in 31 batches of 9 and 10, the last of which two processes share unequally.
SETTINGS = TrainConfig(epochs=30, batch_size=10, learning_rate=0.003, ema=0.98, patience=None, device="cpu")


def weighted(part: Part, *, seed: int) -> Part:
    weight = np.random.default_rng(seed).uniform(0.2, 3, len(part)).astype(np.float32)
    return replace(part, weight=weight)


def fit(
    parts: tuple[Part, Part],
    *,
    processes: int,
    config: ModelConfig = NET,
    settings: TrainConfig = SETTINGS,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch = lambda record: None,
) -> Trained:
    settings = settings.model_copy(update={"processes": processes})
    return train_model(
        "net", config, *parts, settings, seed=1, checkpoint=checkpoint, progress=Silent(), on_epoch=on_epoch
    )


def curve(trained: Trained) -> np.ndarray[Any, np.dtype[np.float64]]:
    """All figures of all epochs, shape (epochs, figures)."""
    rows = [record.model_dump(exclude={"model", "fold", "seconds"}) for record in trained.history]
    return np.array([[value for value in row.values() if value is not None] for row in rows])


def content(trained: Trained) -> dict[str, bytes]:
    assert isinstance(trained.model, mlp.TorchPredictor)
    return {name: values.tobytes() for name, values in mlp.weights(trained.model.model).items()}


def blocks(part: Part, batch_size: int, ranks: Ranks) -> list[Block]:
    batches = Batches(
        part,
        batch_size,
        inputs=lambda rows: torch.empty(rows, *part.inputs.shape[1:]),
        device=CPU,
        seed=3,
        flips=("rows", "columns"),
        ranks=ranks,
    )
    # The memory of a block's inputs is used again.
    return [replace(block, inputs=block.inputs.clone()) for block in batches.epoch()]


@pytest.mark.parametrize(("events", "batch_size"), [(301, 40), (12, 40), (7, 3), (5, 1)])
@pytest.mark.parametrize("processes", [2, 3])
def test_the_shares_of_all_processes_are_the_batch(events: int, batch_size: int, processes: int, toy: Toy) -> None:
    part = weighted(toy(events, seed=1), seed=2)
    whole = blocks(part, batch_size, Ranks())
    shared = [blocks(part, batch_size, Ranks(rank=rank, size=processes)) for rank in range(processes)]
    for k, block in enumerate(whole):
        own = [list(shares[k].batches()) for shares in shared]
        assert all(shares[k].sizes == block.sizes for shares in shared)
        for number, inputs, target, share, _ in block.batches():
            pieces = [batches[number - block.first] for batches in own]
            # Where a batch has fewer events than there are processes, some have one that does not count.
            counting = [torch.nonzero(piece[3]).squeeze(1) for piece in pieces]
            columns = [[piece[1] for piece in pieces], [piece[2] for piece in pieces], [piece[3] for piece in pieces]]
            for column, expected in zip(columns, (inputs, target, share), strict=True):
                found = torch.cat([values[rows] for values, rows in zip(column, counting, strict=True)])
                torch.testing.assert_close(found, expected, rtol=0, atol=0)
            sizes = [len(rows) for rows in counting]
            assert max(sizes) - min(sizes) <= 1
            assert all(len(piece[1]) >= 1 for piece in pieces)


def test_the_gradients_of_the_shares_add_up_to_that_of_the_batch(toy: Toy) -> None:
    part = weighted(toy(50, seed=1), seed=2)
    weight = torch.tensor([0.3, -0.2, 0.1])

    def gradient(block: Block) -> torch.Tensor:
        ((_, inputs, target, share, _),) = block.batches()
        score = torch.sigmoid(inputs @ weight)
        return ((score - target) * share) @ inputs

    (whole,) = blocks(part, 50, Ranks())
    shares = [blocks(part, 50, Ranks(rank=rank, size=3))[0] for rank in range(3)]
    found = torch.stack([gradient(share) for share in shares]).sum(0)
    torch.testing.assert_close(found, gradient(whole), rtol=1e-5, atol=1e-7)


def test_images_are_mirrored_alike(showers: Toy) -> None:
    part = showers(20, seed=1)
    (whole,) = blocks(part, 20, Ranks())
    shares = [blocks(part, 20, Ranks(rank=rank, size=2))[0] for rank in range(2)]
    torch.testing.assert_close(torch.cat([share.inputs for share in shares]), whole.inputs, rtol=0, atol=0)


def test_dropout_of_each_process_is_its_own() -> None:
    def drawn(rank: int, block: int) -> list[float]:
        Ranks(rank=rank, size=2).draw_anew(1, epoch=2, block=block)
        return torch.rand(3).tolist()

    with torch.random.fork_rng(devices=[]):
        assert drawn(0, 5) == drawn(0, 5)
        assert len({tuple(drawn(rank, block)) for rank in range(2) for block in range(2)}) == 4


def test_alone_nothing_is_exchanged_or_drawn() -> None:
    model, state = torch.nn.Linear(2, 1), torch.get_rng_state()
    outputs = np.arange(3.0)
    assert Ranks().exchanging(model) is model
    assert Ranks().joined(outputs, 3) is outputs
    Ranks().draw_anew(1, epoch=1, block=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_how_many_processes_is_a_number() -> None:
    assert TrainConfig().processes == 1
    with pytest.raises(ValidationError, match="greater than 0"):
        TrainConfig(processes=0)


@pytest.mark.parametrize(
    ("device", "gpus", "processes", "found"),
    [("cpu", 8, 2, "cpu"), ("auto", 1, 2, "cpu"), ("auto", 2, 2, "cuda"), ("cuda", 4, 2, "cuda")],
)
def test_processes_get_a_gpu_each_where_there_are_so_many(
    device: str, gpus: int, processes: int, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert device_for(TrainConfig.model_validate({"device": device, "processes": processes})) == found


def test_more_processes_than_gpus_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    line = "train.processes: 2 on train.device: cuda, but PyTorch finds 1 CUDA devices; each process needs its own"
    with pytest.raises(ConfigError) as caught:
        device_for(TrainConfig(device="cuda", processes=2))
    assert str(caught.value) == line


def test_a_network_that_learns_of_its_batches_needs_an_event_for_each_process() -> None:
    ranks, plain = Ranks(rank=0, size=3), torch.nn.Sequential(torch.nn.Linear(2, 2))
    normalised = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    share_normalisations(normalised, ranks.sum)
    ranks.require_events(plain, 2)
    ranks.require_events(normalised, 3)
    with pytest.raises(ConfigError, match=r"^train.processes: 3 for batches of 2 events, but a network with batch"):
        ranks.require_events(normalised, 2)


def test_fewer_events_than_processes_are_one_line(toy: Toy) -> None:
    with pytest.raises(ConfigError, match=r"^train.processes: 9 for 5 validation events; take at most 5$"):
        fit((toy(20, seed=1), toy(5, seed=2)), processes=9)


def test_a_run_without_a_network_of_pytorch_is_one_line() -> None:
    settings = TrainConfig(processes=2)
    require_processes([TreesConfig(), NET], settings)
    require_processes([TreesConfig()], TrainConfig())
    with pytest.raises(ConfigError, match=r"^train.processes: 2 processes train one PyTorch network together"):
        require_processes([TreesConfig(), MLPConfig(backend="keras")], settings)


def test_such_trainings_are_not_shared_among_other_processes(toy: Toy) -> None:
    assert not is_small(NET, TrainConfig(processes=2), toy(20, seed=1))
    assert is_small(TreesConfig(), TrainConfig(processes=2), toy(20, seed=1))


def test_the_lost_process_is_the_one_that_says_nothing(tmp_path: Path) -> None:
    def failure(rank: int, status: int) -> ProcessFailure:
        return ProcessFailure(local_rank=rank, pid=1, exitcode=status, error_file="")

    # The first noticed that its neighbour had gone, and torchrun noticed it first.
    failures = {0: failure(0, 1), 1: failure(1, -9)}
    fault_of(tmp_path, 0).write_text("Connection closed by peer")
    assert first_lost(tmp_path, failures) == Lost(rank=1, status=-9)
    fault_of(tmp_path, 1).write_text("ZeroDivisionError")
    assert first_lost(tmp_path, {0: failures[0]}) == Lost(rank=0, status=1)


def test_torchrun_gets_one_machine_no_second_attempt_and_no_port(tmp_path: Path) -> None:
    options = run.parse_args(arguments(tmp_path, processes=3))  # type: ignore[no-untyped-call]
    assert (options.nnodes, options.nproc_per_node, options.max_restarts) == ("1", "3", 0)
    assert (options.rdzv_backend, options.rdzv_conf, options.local_addr) == ("c10d", "store_type=file", "127.0.0.1")
    assert Path(options.rdzv_endpoint).parent == tmp_path
    assert (options.module, options.training_script) == (True, "hepsieve.train.rank")


def test_the_cores_are_divided_and_nothing_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    found = environment({"GLOO_SOCKET_IFNAME": "ib0", "PYTHONPATH": "mine"}, processes=3)
    assert found["OMP_NUM_THREADS"] == "2"
    assert found["GLOO_SOCKET_IFNAME"] == "ib0"
    assert found["NCCL_SOCKET_IFNAME"].startswith("lo")
    assert found["PYTHONPATH"].endswith(f"{os.pathsep}mine")


@pytest.fixture(scope="module")
def both() -> tuple[Part, Part]:
    """Events with weights, to train on and to watch."""

    def draw(n: int, *, seed: int) -> Part:
        random = np.random.default_rng(seed)
        target = random.integers(0, 2, n).astype(np.float32)
        inputs = random.normal(size=(n, 3)) + target[:, np.newaxis]
        return Part(inputs=inputs.astype(np.float32), target=target, weight=np.ones(n, np.float32))

    return weighted(draw(301, seed=1), seed=3), weighted(draw(157, seed=2), seed=4)


@pytest.fixture(scope="module")
def whole(both: tuple[Part, Part]) -> Trained:
    """A training by two processes that nobody interrupted."""
    return fit(both, processes=2)


@pytest.mark.cluster
def test_two_processes_have_the_loss_curve_of_one(both: tuple[Part, Part], whole: Trained) -> None:
    alone = fit(both, processes=1)
    assert curve(whole).shape == (30, 7)
    np.testing.assert_allclose(curve(whole), curve(alone), rtol=0, atol=1e-4)
    # It did learn, so that equal curves say something.
    losses = [record.validation_loss or np.nan for record in alone.history]
    assert losses[-1] < 0.8 * losses[0]
    np.testing.assert_allclose(
        whole.model.scores(both[1].inputs), alone.model.scores(both[1].inputs), rtol=0, atol=1e-4
    )


@pytest.mark.cluster
def test_batch_normalisation_counts_the_events_of_all_processes(
    showers: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPSIEVE_CACHE", "cache")  # a folder that is named from here, where processes meet
    parts = weighted(showers(90, seed=1), seed=3), weighted(showers(41, seed=2), seed=4)
    settings = SETTINGS.model_copy(update={"epochs": 3, "batch_size": 16, "flips": ("rows",), "weight_decay": 0.01})
    config = ResNetConfig(filters=(4, 4), blocks=(1, 1))
    alone = fit(parts, processes=1, config=config, settings=settings)
    shared = fit(parts, processes=2, config=config, settings=settings)
    np.testing.assert_allclose(curve(shared), curve(alone), rtol=0, atol=1e-4)


@pytest.mark.cluster
def test_members_of_one_network_learn_the_same_of_all_processes(both: tuple[Part, Part]) -> None:
    # One process alone takes the gradient that is written by hand, several take PyTorch's.
    config = TabMConfig(members=3, blocks=1, width=8, dropout=0.0, embedding=Piecewise(bins=4, size=2))
    settings = SETTINGS.model_copy(update={"epochs": 3, "weight_decay": 0.01})
    alone, shared = (fit(both, processes=processes, config=config, settings=settings) for processes in (1, 2))
    np.testing.assert_allclose(curve(shared), curve(alone), rtol=0, atol=1e-4)
    losses = [record.validation_loss or np.nan for record in alone.history]
    assert losses[-1] < losses[0] - 0.005


def ranks_below(folder: Path) -> dict[int, int]:
    """The process numbers of the ranks that work in a folder, by rank."""
    found: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode().split("\0")
            variables = (process / "environ").read_bytes().decode().split("\0")
        except OSError:  # it has ended meanwhile
            continue
        if "hepsieve.train.rank" in command and any(part.startswith(str(folder)) for part in command):
            found |= {int(line.removeprefix("RANK=")): int(process.name) for line in variables if line[:5] == "RANK="}
    return found


@pytest.mark.cluster
def test_a_lost_process_is_one_line_and_the_rest_gives_the_same_bytes(
    both: tuple[Part, Part], whole: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    seen: dict[int, int] = {}

    def kill(record: EpochRecord) -> None:
        if record.epoch == 3:
            seen.update(ranks_below(tmp_path))
            os.kill(seen[1], signal.SIGKILL)

    line = r"net: process 2 of 2 was lost in epoch \d+ \(killed by signal 9\); the same command goes on from its "
    with pytest.raises(WorkerLost, match=line + "checkpoint$"):
        fit(both, processes=2, checkpoint=checkpoint, on_epoch=kill)
    assert seen.keys() == {0, 1}
    assert ranks_below(tmp_path) == {}
    assert list((tmp_path / "cache").iterdir()) == []
    state = checkpoint.load()
    assert state is not None
    assert 0 < len(state[1]["history"]) < 30
    told: list[str] = []
    resumed = fit(both, processes=2, checkpoint=replace(checkpoint, told=told.append))
    assert len(told) == 1
    assert "taken up in epoch" in told[0]
    assert content(resumed) == content(whole)
    np.testing.assert_array_equal(curve(resumed), curve(whole))
