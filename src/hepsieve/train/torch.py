"""Train a PyTorch network: one visible loop over epochs and batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import torch

from hepsieve.errors import TrainingError
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.torch import image, mlp
from hepsieve.models.torch.team import Team, team
from hepsieve.progress import Progress
from hepsieve.train import torch_model
from hepsieve.train.arithmetic import NetworkConfig, is_thread_safe, multiplications
from hepsieve.train.autograd import AutogradNetwork
from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.fused import FusedNetwork, can_fuse
from hepsieve.train.network import Network
from hepsieve.train.resume import Resumable
from hepsieve.train.schedule import Steps, learning_rates
from hepsieve.train.threads import torch_threads
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import Watch
from hepsieve.train.weighting import weigh


def fit(
    name: str,
    config: NetworkConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train on ``train``; ``validation`` is only looked at, to stop and to choose the best epoch.

    On the CPU, equal arguments and thread numbers give bit-identical weights, also when a training is interrupted
    and goes on from its checkpoint; ``on_epoch`` then hears of the former epochs again. The caller's random state
    is neither read nor changed. Weight decay is decoupled (arXiv:1711.05101) whatever the optimiser, as in Keras.

    Raises:
        TrainingError: if the loss becomes NaN or infinite, CUDA is asked for but missing, or weights can't be used.
    """
    device = find_device(settings.device)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    shape = train.inputs.shape[1:]
    safe = is_thread_safe(config, settings)
    threads = torch_threads(multiplications(config, shape), settings.batch_size, safe=safe)
    with (
        threads,
        own_random_state(device, seed),
        progress.task(f"train {name}", settings.epochs) as advance,
        team(torch.get_num_threads() if device.type == "cpu" else 1) as members,
    ):
        watch = Watch(name, settings, validation, on_epoch=on_epoch, advance=advance)
        rows = min(settings.batch_size, len(train))
        network = _network(config, settings, shape, seed=seed, device=device, rows=rows, members=members)
        batches = Batches(
            train, settings.batch_size, inputs=network.input_block, device=device, seed=seed, flips=settings.flips
        )
        resumable = Resumable(
            checkpoint,
            network,
            batches,
            watch,
            training={
                "config": config.model_dump(mode="json"),
                "settings": settings.model_dump(mode="json"),
                "seed": seed,
                "events": [len(train), len(validation)],
            },
        )
        with resumable.kept():
            _loop(network, batches, validation, settings, watch, resumable)
        return watch.finish(torch_model.predictor(network.model(), watch.best))


def find_device(wish: str) -> torch.device:
    """The device that ``train.device`` means on this machine.

    Raises:
        TrainingError: if ``cuda`` is asked for where there is none.
    """
    if wish == "cuda" and not torch.cuda.is_available():
        raise TrainingError("train.device: cuda was asked for, but PyTorch finds no CUDA device; use auto or cpu")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def _network(
    config: NetworkConfig,
    settings: TrainConfig,
    shape: tuple[int, ...],
    *,
    seed: int,
    device: torch.device,
    rows: int,
    members: Team,
) -> Network:
    if not isinstance(config, MLPConfig):
        return AutogradNetwork(image.build(config, shape, seed=seed).to(device), settings, shape=shape)
    model = mlp.build(config, prod(shape), seed=seed).to(device)
    if can_fuse(config):
        return FusedNetwork(model, settings, rows=rows, team=members)
    return AutogradNetwork(model, settings, shape=shape)


def _loop(
    network: Network,
    batches: Batches,
    validation: Part,
    settings: TrainConfig,
    watch: Watch,
    resumable: Resumable,
) -> None:
    device = network.parameters.device
    steps = Steps(per_epoch=batches.number, epochs=settings.epochs)
    for epoch in range(len(watch.history), settings.epochs):
        if watch.stop:
            return
        rates = learning_rates(
            settings.schedule,
            settings.learning_rate,
            epoch=epoch,
            steps=steps,
            monitored=watch.monitored,
            monitor=settings.monitor,
        )
        loss, correct = 0.0, torch.zeros((), device=device)
        for block in batches.epoch():
            for batch, inputs, target, share, logits in block.batches():
                network.step(inputs, target, share, logits, rates[batch])
            losses = block.losses()
            watch.check_batches(losses, first=block.first)
            loss += float(losses @ block.sizes)
            correct += block.correct()
        watch.end_epoch(
            train_loss=loss / batches.events,
            train_accuracy=correct.item() / batches.events,
            logits=torch_model.logits(network.model(), validation.inputs, device),
            rate=rates[-1],
            weights=lambda: torch_model.weights(network.model()),
        )
        resumable.end_epoch()


@contextmanager
def own_random_state(device: torch.device, seed: int) -> Iterator[None]:
    """Dropout draws from torch's global generator: seed it inside, restore it afterwards."""
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
