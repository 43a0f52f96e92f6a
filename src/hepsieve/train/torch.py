"""Train a PyTorch network: one visible loop over epochs and batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import assert_never

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from hepsieve.errors import TrainingError
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.mlp import parameter_count
from hepsieve.models.torch import mlp
from hepsieve.progress import Progress
from hepsieve.train.schedule import Steps, learning_rate
from hepsieve.train.threads import torch_threads
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import Watch
from hepsieve.train.weighting import weigh

# Reading a loss makes a GPU wait for it, so there it is read only this often.
_BATCHES_BETWEEN_CHECKS_ON_GPU = 64


def fit(
    name: str,
    config: MLPConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
) -> Trained:
    """Train on ``train``; ``validation`` is only looked at, to stop and to choose the best epoch.

    On the CPU, equal arguments and thread numbers give bit-identical weights. The caller's random state
    is neither read nor changed. Weight decay is decoupled (arXiv:1711.05101) whatever the optimiser, as in Keras.

    Raises:
        TrainingError: if the loss becomes NaN or infinite, CUDA is asked for but missing, or weights can't be used.
    """
    device = find_device(settings.device)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    threads = torch_threads(parameter_count(config, train.inputs.shape[1]), settings.batch_size)
    with threads, own_random_state(device, seed), progress.task(f"train {name}", settings.epochs) as advance:
        watch = Watch(name, settings, validation, on_epoch=on_epoch, advance=advance)
        model = mlp.build(config, train.inputs.shape[1], seed=seed).to(device)
        _loop(model, train, validation, settings, watch, seed=seed)
        mlp.set_weights(model, watch.best)
        return watch.finish(mlp.TorchPredictor(model=model.cpu().eval()))


def find_device(wish: str) -> torch.device:
    """The device that ``train.device`` means on this machine.

    Raises:
        TrainingError: if ``cuda`` is asked for where there is none.
    """
    if wish == "cuda" and not torch.cuda.is_available():
        raise TrainingError("train.device: cuda was asked for, but PyTorch finds no CUDA device; use auto or cpu")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def _loop(model: mlp.MLP, train: Part, validation: Part, settings: TrainConfig, watch: Watch, *, seed: int) -> None:
    device = next(model.parameters()).device
    inputs, target, weight = (
        torch.tensor(array, device=device) for array in (train.inputs, train.target, train.weight)
    )
    validation_inputs = torch.tensor(validation.inputs, device=device)
    optimizer = _optimizer(model, settings)
    shuffle = torch.Generator(device).manual_seed(seed)
    steps = Steps(per_epoch=-(-len(train) // settings.batch_size), epochs=settings.epochs)
    check_every = 1 if device.type == "cpu" else _BATCHES_BETWEEN_CHECKS_ON_GPU
    for epoch in range(settings.epochs):
        order = torch.randperm(len(train), generator=shuffle, device=device)
        losses = torch.zeros(steps.per_epoch, device=device)
        correct = torch.zeros((), device=device)
        rate = settings.learning_rate
        for batch, rows in enumerate(order.tensor_split(steps.per_epoch)):
            rate = learning_rate(
                settings.schedule,
                settings.learning_rate,
                step=epoch * steps.per_epoch + batch,
                steps=steps,
                monitored=watch.monitored,
                monitor=settings.monitor,
            )
            optimizer.param_groups[0]["lr"] = rate
            with _precision(settings, device):
                logits = model(inputs[rows]).float()
            loss = binary_cross_entropy_with_logits(logits, target[rows], weight=weight[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            _decay(model, rate * settings.weight_decay)
            optimizer.step()
            losses[batch] = loss.detach() * len(rows)
            correct += (weight[rows] * ((logits > 0) == (target[rows] == 1))).sum()
            if (batch + 1) % check_every == 0 or batch + 1 == steps.per_epoch:
                first = batch // check_every * check_every
                watch.check_batches(losses[first : batch + 1].double().cpu().numpy(), first=first)
        watch.end_epoch(
            train_loss=losses.sum().item() / len(train),
            train_accuracy=correct.item() / len(train),
            logits=mlp.logits(model, validation_inputs),
            rate=rate,
            weights=lambda: mlp.weights(model),
        )
        if watch.stop:
            return


def _optimizer(model: mlp.MLP, settings: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser with Keras's constants, so that both frameworks do the same; decay is done in the loop."""
    rate, parameters = settings.learning_rate, model.parameters()
    match settings.optimizer:
        case "adam" | "adamw":
            return torch.optim.Adam(parameters, rate, eps=1e-7, fused=True)
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=settings.momentum, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, alpha=0.9, eps=1e-7, momentum=settings.momentum)
        case _:
            assert_never(settings.optimizer)


@torch.no_grad()
def _decay(model: mlp.MLP, share: float) -> None:
    if share > 0:
        for parameter in model.parameters():
            parameter.mul_(1 - share)


def _precision(settings: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    if settings.precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def own_random_state(device: torch.device, seed: int) -> Iterator[None]:
    """Dropout draws from torch's global generator: seed it inside, restore it afterwards."""
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
