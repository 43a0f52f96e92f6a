"""One of the processes that share a training, as torchrun starts it: ``python -m hepsieve.train.rank FOLDER``."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TextIO, cast

import torch
from torch import distributed

from hepsieve.errors import HepsieveError
from hepsieve.progress import Silent
from hepsieve.train import torch as torch_training
from hepsieve.train.arithmetic import NetworkConfig
from hepsieve.train.orphans import when_abandoned
from hepsieve.train.rank_order import Heard, RankOrder, RankOutcome, error_of, fault_of, heard_of, model_of, outcome_of
from hepsieve.train.ranks import Ranks
from hepsieve.train.trained import Trained

INTERRUPTED = 130
_SILENCE = timedelta(minutes=10)  # after which a process that does not answer counts as lost
_GRACE = 10.0  # seconds in which torchrun should have ended this process before it does so itself


def main() -> None:
    """Carry out this process's share of the order in the folder that the command line names."""
    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    when_abandoned(_leave)
    try:
        carry_out(folder, rank=rank, size=int(os.environ["WORLD_SIZE"]))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # the others may be gone already: nobody waits for them
    except HepsieveError as error:
        error_of(folder, rank).write_text(str(error), encoding="utf-8")
        os._exit(2)
    except BaseException:
        fault_of(folder, rank).write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(1)


def carry_out(folder: Path, *, rank: int, size: int) -> None:
    """Train with the others; the first process writes the model and how it went."""
    order = RankOrder.read(folder)
    device = _device(order)
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=(folder.absolute() / "group").as_uri(),
        rank=rank,
        world_size=size,
        timeout=_SILENCE,
    )
    heard: AbstractContextManager[TextIO | None] = nullcontext()
    if rank == 0:
        heard = heard_of(folder).open("a", encoding="utf-8")
    with heard as stream:
        trained = _trained(folder, order, Ranks(rank=rank, size=size, device=device), stream)
    if rank == 0:
        _write(folder, trained)
    distributed.barrier()
    distributed.destroy_process_group()


def _trained(folder: Path, order: RankOrder, ranks: Ranks, heard: TextIO | None) -> Trained:
    def tell(line: Heard) -> None:
        if heard is not None:
            heard.write(line.model_dump_json() + "\n")
            heard.flush()

    checkpoint = order.kept()
    if checkpoint is not None:
        told = lambda sentence: tell(Heard(told=sentence))  # noqa: E731
        checkpoint = replace(checkpoint, told=told, writes=ranks.rank == 0)
    return torch_training.fit(
        order.name,
        cast(NetworkConfig, order.config),
        order.part(folder, "train"),
        order.part(folder, "validation"),
        order.settings,
        seed=order.seed,
        progress=Silent(),
        on_epoch=lambda record: tell(Heard(epoch=record)),
        start=order.start(folder),
        checkpoint=checkpoint,
        share=order.share,
        ranks=ranks,
    )


def _write(folder: Path, trained: Trained) -> None:
    model_of(folder).mkdir()
    trained.model.save(model_of(folder))
    outcome = RankOutcome(
        history=trained.history, best_epoch=trained.best_epoch, seconds=trained.seconds, warnings=trained.warnings
    )
    outcome_of(folder).write_text(outcome.model_dump_json(), encoding="utf-8")


def _device(order: RankOrder) -> torch.device:
    if order.settings.device != "cuda":
        return torch.device("cpu")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return torch.device("cuda")


def _leave() -> None:
    time.sleep(_GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
