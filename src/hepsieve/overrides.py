"""What a command line puts on top of a task: its files and its seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError


def with_files(config: TaskConfig, files: Sequence[Path]) -> TaskConfig:
    """The task on these files; validation and test files of its own stay what they are."""
    paths = [file.resolve() for file in files]
    if len(set(paths)) < len(paths):
        raise ConfigError(f"--data: {max(paths, key=paths.count)} stands there twice; its events would count twice")
    return config.model_copy(update={"data": config.data.model_copy(update={"files": tuple(paths)})})


def with_seed(settings: Sequence[str], seed: int | None) -> list[str]:
    """The settings, with the seed as one of them where there is one."""
    return [*settings, *([] if seed is None else [f"seed={seed}"])]
