"""torchrun for the processes of one training: ``python -m hepsieve.train.torchrun FOLDER``.

torchrun starts them, watches them, and ends the others when one is lost. They meet through files in the folder of their
order, and talk through the loopback interface: nothing listens where another machine could reach it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from torch.distributed import run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from hepsieve.train.orphans import when_abandoned
from hepsieve.train.rank_order import Lost, RankOrder, fault_of, lost_of

FAILED = 1


def main() -> None:
    """Carry out the order in the folder that the command line names."""
    folder, abandoned = Path(sys.argv[1]), threading.Event()

    def leave() -> None:
        abandoned.set()
        os.kill(os.getpid(), signal.SIGTERM)  # as torchrun ends when it is asked to

    when_abandoned(leave)
    try:
        chosen = arguments(folder, processes=RankOrder.read(folder).settings.processes)
        run.run(run.parse_args(chosen))  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        lost_of(folder).write_text(first_lost(folder, error.failures).model_dump_json(), encoding="utf-8")
        sys.exit(FAILED)
    except SignalException as end:
        if abandoned.is_set():  # whoever asked may be gone for good: then nobody else tidies up
            shutil.rmtree(folder, ignore_errors=True)
        sys.exit(128 + end.sigval)


def arguments(folder: Path, *, processes: int) -> list[str]:
    """What torchrun gets: one machine, no second attempts, no port."""
    return [
        "--nnodes=1",
        f"--nproc-per-node={processes}",
        "--max-restarts=0",
        "--rdzv-backend=c10d",
        "--rdzv-conf=store_type=file",
        f"--rdzv-endpoint={folder / 'meeting'}",
        f"--rdzv-id={folder.name}",
        "--local-addr=127.0.0.1",
        "-m",
        "hepsieve.train.rank",
        str(folder),
    ]


def first_lost(folder: Path, failures: Mapping[int, ProcessFailure]) -> Lost:
    """The process whose end made the others end.

    A process that loses another fails too, but says so in a traceback; one that was killed says nothing.
    """
    silent = [rank for rank in failures if not fault_of(folder, rank).exists()]
    rank = min(silent or failures, key=lambda rank: failures[rank].timestamp)
    return Lost(rank=rank, status=failures[rank].exitcode)


if __name__ == "__main__":
    main()
