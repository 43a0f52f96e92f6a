"""Paths in a task's settings made absolute, because its run folder keeps them and is read from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hepsieve.models.config import ModelConfig, Network, TrainConfig, TreesConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.models.variants import GridConfig, SearchConfig
from hepsieve.places import KeyPath

AnyModel = ModelConfig | GridConfig | SearchConfig | EnsembleConfig


def anchored(path: Path, key: KeyPath, folder: Path, settings: Iterable[KeyPath]) -> Path:
    """Absolute: a relative path is meant from ``folder``, or from here if a setting names this key or one around it."""
    here = any(key[: len(one)] == one for one in settings)
    return ((Path() if here else folder) / path).resolve()


def anchored_training(train: TrainConfig, folder: Path, settings: Iterable[KeyPath]) -> TrainConfig:
    """With absolute simulated files and an absolute run to start from."""
    changes: dict[str, Any] = {}
    if train.start_from is not None:
        changes["start_from"] = anchored(train.start_from, ("train", "start_from"), folder, settings)
    if (simulation := train.simulation) is not None and simulation.files:
        files = tuple(anchored(f, ("train", "simulation", "files"), folder, settings) for f in simulation.files)
        changes["simulation"] = simulation.model_copy(update={"files": files})
    return train.model_copy(update=changes) if changes else train


def anchored_model(model: AnyModel, key: KeyPath, folder: Path, settings: Iterable[KeyPath]) -> AnyModel:
    """With an absolute run to start from, as has the model that a grid or a search varies.

    Args:
        model: of a task.
        key: where it stands there.
        folder: where the task file lies.
        settings: the keys that were set beside the file.
    """
    changes: dict[str, Any] = {}
    if isinstance(model, GridConfig | SearchConfig):
        if isinstance(start := model.model.get("start_from"), str | Path):
            path = anchored(Path(start), (*key, "model", "start_from"), folder, settings)
            changes["model"] = {**model.model, "start_from": str(path)}
    elif isinstance(model, Network | TreesConfig) and model.start_from is not None:
        changes["start_from"] = anchored(model.start_from, (*key, "start_from"), folder, settings)
    return model.model_copy(update=changes)
