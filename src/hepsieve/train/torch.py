"""Train a PyTorch network: one visible loop over epochs and batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.errors import TrainingError
from hepsieve.models.config import MLPConfig, TabMConfig, TrainConfig
from hepsieve.models.mlp import Weights
from hepsieve.models.torch import mlp, spatial, tabular
from hepsieve.models.torch.team import Team, team
from hepsieve.progress import Progress
from hepsieve.train import torch_model
from hepsieve.train.arithmetic import NetworkConfig, is_thread_safe, multiplications
from hepsieve.train.autograd import AutogradNetwork
from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint, identity
from hepsieve.train.fused import FusedNetwork, can_fuse
from hepsieve.train.network import Network
from hepsieve.train.objective import Objective, objective_of
from hepsieve.train.ranks import ALONE, Ranks
from hepsieve.train.resume import Resumable
from hepsieve.train.schedule import Steps, learning_rates
from hepsieve.train.share import paused_after
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
    start: Weights | None = None,
    checkpoint: Checkpoint | None = None,
    share: float = 1.0,
    ranks: Ranks = ALONE,
) -> Trained:
    """Train on ``train``; ``validation`` is only looked at, to stop and to choose the best epoch.

    On the CPU, equal arguments and thread numbers give bit-identical weights, also when a training is interrupted
    and goes on from its checkpoint; ``on_epoch`` then hears of the former epochs again. The caller's random state
    is neither read nor changed. It begins with the weights of ``start``, or draws them. With a ``share`` below 1 it
    pauses after that share of the most epochs; a later call with the same checkpoint and a larger share goes on from
    there. Weight decay is decoupled (arXiv:1711.05101) whatever the optimiser, as in Keras. Of several processes,
    ``ranks``, every one calls this with equal arguments and gets the same result.

    Raises:
        TrainingError: if the loss becomes NaN or infinite, CUDA is asked for but missing, or weights can't be used.
    """
    device, objective = find_device(settings.device), objective_of(config, train.kind)
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
        watch = Watch(name, settings, validation, on_epoch=on_epoch, advance=advance, objective=objective)
        rows = min(settings.batch_size, len(train))
        model = _build(config, train.inputs, seed=seed)
        if start is not None:
            torch_model.set_weights(model, start)
        model.to(device)
        if start is not None:
            _begin(watch, model, validation, device, ranks)
        network = _network(model, config, settings, shape, objective, rows=rows, members=members, ranks=ranks)
        batches = Batches(
            train,
            settings.batch_size,
            inputs=network.input_block,
            device=device,
            seed=seed,
            flips=settings.flips,
            symmetries=settings.symmetries,
            objective=objective,
            ranks=ranks,
        )
        ranks.require_events(model, batches.events // batches.number)
        epochs = paused_after(share, settings.epochs)
        training = identity(config, settings, seed=seed, parts=(train, validation))
        resumable = Resumable(checkpoint, network, batches, watch, training=training, epochs=epochs)
        with resumable.kept():
            _loop(network, batches, validation, settings, watch, resumable, epochs=epochs, ranks=ranks, seed=seed)
            if share < 1:
                resumable.pause()
        return watch.finish(torch_model.predictor(network.model(), watch.best))


def _begin(watch: Watch, model: torch_model.TorchModel, validation: Part, device: torch.device, ranks: Ranks) -> None:
    """Show the watch the weights of another run, as they are before the first step."""
    share = ranks.share(len(validation))
    outputs = torch_model.logits(model, validation.inputs[share.start : share.stop], device)
    watch.begin(outputs=ranks.joined(outputs, len(validation)), weights=torch_model.weights(model))


def find_device(wish: str) -> torch.device:
    """The device that ``train.device`` means on this machine.

    Raises:
        TrainingError: if ``cuda`` is asked for where there is none.
    """
    if wish == "cuda" and not torch.cuda.is_available():
        raise TrainingError("train.device: cuda was asked for, but PyTorch finds no CUDA device; use auto or cpu")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def _build(config: NetworkConfig, inputs: NDArray[np.float32], *, seed: int) -> torch_model.TorchModel:
    """The untrained network for such inputs, on the CPU."""
    shape = inputs.shape[1:]
    if isinstance(config, MLPConfig):
        return mlp.build(config, prod(shape), seed=seed)
    if isinstance(config, TabMConfig):
        return tabular.build(config, prod(shape), train=inputs, seed=seed)
    return spatial.build(config, shape, seed=seed)


def _network(
    model: torch_model.TorchModel,
    config: NetworkConfig,
    settings: TrainConfig,
    shape: tuple[int, ...],
    objective: Objective,
    *,
    rows: int,
    members: Team,
    ranks: Ranks,
) -> Network:
    if ranks.size == 1 and isinstance(config, MLPConfig) and isinstance(model, mlp.MLP) and can_fuse(config):
        return FusedNetwork(model, settings, rows=rows, team=members, objective=objective)
    on_cpu = next(model.parameters()).device.type == "cpu"
    return AutogradNetwork(
        model,
        settings,
        shape=shape,
        objective=objective,
        ranks=ranks,
        rows=rows,
        team=members if on_cpu else None,
    )


def _loop(
    network: Network,
    batches: Batches,
    validation: Part,
    settings: TrainConfig,
    watch: Watch,
    resumable: Resumable,
    *,
    epochs: int,
    ranks: Ranks,
    seed: int,
) -> None:
    """Train until so many epochs are over, or patience is."""
    device = network.parameters.device
    share = ranks.share(len(validation))
    watched = validation.inputs[share.start : share.stop]
    steps = Steps(per_epoch=batches.number, epochs=settings.epochs)
    while watch.epoch <= epochs and not watch.stop:
        rates = learning_rates(
            settings.schedule,
            settings.learning_rate,
            epoch=watch.epoch - 1,
            steps=steps,
            monitored=watch.monitored,
            monitor=settings.monitor,
        )
        sums = resumable.begin_epoch()
        for block in batches.epoch(done=sums.blocks):
            ranks.draw_anew(seed, epoch=watch.epoch, block=block.first)
            for batch, inputs, target, weight, outputs in block.batches():
                network.step(inputs, target, weight, outputs, rates[batch])
            losses = block.losses()
            watch.check_batches(losses, first=block.first)
            sums.add(block, losses)
            resumable.end_block()
        with network.average.in_place():
            watch.end_epoch(
                train=sums.figures(validation.kind, batches.events),
                outputs=ranks.joined(torch_model.logits(network.model(), watched, device), len(validation)),
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
