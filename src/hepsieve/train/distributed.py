"""Train one PyTorch network by several processes: torchrun starts them here, and here the trained model comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from hepsieve.errors import ConfigError, TrainingError, WorkerLost
from hepsieve.models.config import TrainConfig
from hepsieve.models.load import load_model
from hepsieve.models.mlp import Weights
from hepsieve.progress import Advance, Progress
from hepsieve.spill import scratch_folder
from hepsieve.train.arithmetic import NetworkConfig
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.rank_order import (
    Heard,
    Lost,
    RankOrder,
    RankOutcome,
    error_of,
    fault_of,
    heard_of,
    lost_of,
    model_of,
    outcome_of,
)
from hepsieve.train.threads import thread_count
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import summary
from hepsieve.train.weighting import apply_weight_policy

_LOOK = 0.05  # seconds between two looks at what the processes say
_PATIENCE = 20  # seconds that they have to end when they are asked to
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


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
) -> Trained:
    """As ``hepsieve.train.torch.fit``, by ``settings.processes`` processes that share every batch.

    Each of them computes the derivatives of its share; the sum of all shares is the step that one process alone would
    take, but for the order of additions. Only with dropout, which each process draws for itself, the steps are others.
    One and the same machine and number of processes give the same bytes, also when a training is interrupted and goes
    on from its checkpoint (with two processes on the CPU: of more, sums may differ in their last bits).

    Raises:
        ConfigError: if there are too few GPUs, or fewer events than processes.
        TrainingError: as one process alone raises it.
        WorkerLost: if one of the processes ends before its time; the others are then ended too.
    """
    _require_events(train, validation, settings)
    order = RankOrder(
        name=name,
        config=config,
        settings=settings.model_copy(update={"device": device_for(settings)}),
        seed=seed,
        kind=train.kind,
        checkpoint=None if checkpoint is None else checkpoint.folder.absolute(),
        every=0.0 if checkpoint is None else min(checkpoint.every, sys.float_info.max),
        share=share,
    )
    with (
        TemporaryDirectory(prefix="ranks-", dir=scratch_folder()) as below,
        progress.task(f"train {name}", settings.epochs) as advance,
    ):
        folder = Path(below)
        kept = [apply_weight_policy(part, settings.negative_weights) for part in (train, validation)]
        order.write(folder, train=kept[0], validation=kept[1], start=start)
        followed = _Followed(heard_of(folder), on_epoch, advance, checkpoint)
        with _torchrun(folder, settings.processes) as process:
            while process.poll() is None:
                followed.look()
                time.sleep(_LOOK)
        followed.look()
        if process.returncode != 0:
            raise _failure(folder, order, process.returncode, epoch=followed.epoch)
        return _trained(folder, config, train.inputs.shape[1:])


def device_for(settings: TrainConfig) -> str:
    """Where the processes compute: ``cuda`` with a GPU each where there are so many, else ``cpu``.

    Raises:
        ConfigError: if CUDA is asked for and there are fewer GPUs than processes.
    """
    if settings.device == "cpu":
        return "cpu"
    gpus = torch.cuda.device_count()
    if gpus >= settings.processes:
        return "cuda"
    if settings.device == "cuda":
        raise ConfigError(
            f"train.processes: {settings.processes} on train.device: cuda, but PyTorch finds {gpus} CUDA devices; "
            "each process needs its own"
        )
    return "cpu"


def _require_events(train: Part, validation: Part, settings: TrainConfig) -> None:
    for name, part in (("training", train), ("validation", validation)):
        if len(part) < settings.processes:
            raise ConfigError(
                f"train.processes: {settings.processes} for {len(part)} {name} events; take at most {len(part)}"
            )


class _Followed:
    """What the first process says, handed on as it comes."""

    def __init__(self, path: Path, on_epoch: OnEpoch, advance: Advance, checkpoint: Checkpoint | None) -> None:
        self.epoch = 1
        self._path = path
        self._on_epoch = on_epoch
        self._advance = advance
        self._checkpoint = checkpoint
        self._read = 0

    def look(self) -> None:
        """Hand on the lines that are whole and new."""
        if not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._read)
            whole, end, _ = stream.read().rpartition(b"\n")
        self._read += len(whole) + len(end)
        for line in whole.splitlines():
            heard = Heard.model_validate_json(line)
            if heard.told is not None and self._checkpoint is not None:
                self._checkpoint.told(heard.told)
            if heard.epoch is not None:
                self.epoch = heard.epoch.epoch + 1
                self._on_epoch(heard.epoch)
                self._advance(1, summary(heard.epoch))


@contextmanager
def _torchrun(folder: Path, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """torchrun with its processes; an error inside the block, or an interruption, ends them all."""
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hepsieve.train.torchrun", str(folder)],
            # Nothing is ever written into it: it is there to be closed (`orphans.when_abandoned`).
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment(os.environ, processes=processes),
            # Ctrl-C is for this process alone, which then tells the others.
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(ours: Mapping[str, str], *, processes: int) -> dict[str, str]:
    """What the processes find in their environment: the cores divided among them, and the loopback interface."""
    package = str(Path(__file__).parents[2])
    return {
        # Unless told otherwise, they talk where no other machine listens.
        "GLOO_SOCKET_IFNAME": _LOOPBACK,
        "NCCL_SOCKET_IFNAME": _LOOPBACK,
        **ours,
        "OMP_NUM_THREADS": str(max(1, thread_count() // processes)),
        # A file of the user's, named like a module, is none of ours.
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join([package, *filter(None, [ours.get("PYTHONPATH")])]),
        # They meet through files: no store listens on a port.
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(_PATIENCE // 2),
    }


def _failure(folder: Path, order: RankOrder, status: int, *, epoch: int) -> Exception:
    """What to say of processes that ended before they were done."""
    processes = range(order.settings.processes)
    for rank in processes:
        if error_of(folder, rank).exists():
            return TrainingError(error_of(folder, rank).read_text(encoding="utf-8").strip())
    lost = Lost.model_validate_json(lost_of(folder).read_text(encoding="utf-8")) if lost_of(folder).exists() else None
    if lost is not None and fault_of(folder, lost.rank).exists():
        return RuntimeError(f"{order.name}: {fault_of(folder, lost.rank).read_text(encoding='utf-8')}")
    if lost is None and status > 0:
        return RuntimeError(f"{order.name}: torchrun: {(folder / 'log.txt').read_text(encoding='utf-8')}")
    who = "torchrun" if lost is None else f"process {lost.rank + 1} of {len(processes)}"
    ended = status if lost is None else lost.status
    how = f"killed by signal {-ended}" if ended < 0 else f"exit status {ended}"
    remedy = "start again" if order.checkpoint is None else "the same command goes on from its checkpoint"
    return WorkerLost(f"{order.name}: {who} was lost in epoch {epoch} ({how}); {remedy}")


def _trained(folder: Path, config: NetworkConfig, shape: tuple[int, ...]) -> Trained:
    outcome = RankOutcome.model_validate_json(outcome_of(folder).read_text(encoding="utf-8"))
    return Trained(
        model=load_model(config, model_of(folder), shape),
        history=outcome.history,
        best_epoch=outcome.best_epoch,
        seconds=outcome.seconds,
        warnings=outcome.warnings,
    )
