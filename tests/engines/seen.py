"""What a test sees of other processes. The waiting is generous: the machine may be busy."""

from __future__ import annotations

import time
from pathlib import Path

PATIENCE = 60


def read_when_there(mark: Path) -> int:
    until = time.monotonic() + PATIENCE
    while not mark.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(mark.read_text())


def is_gone(process: int) -> bool:
    """Whether a process ends soon; nobody may have asked after a dead one yet."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
