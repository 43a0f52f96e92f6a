"""Trained models to an ensemble: a model whose score is the weighted mean of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.train.run import Fitted


def combine(name: str, config: EnsembleConfig, models: Mapping[str, Fitted]) -> Fitted:
    """An ensemble of trained models, by their own scores.

    Args:
        name: of the ensemble.
        config: which models, and with which weights.
        models: by name, all of its members among them.
    """
    combined = tuple(replace(models[member].uncalibrated, held_out=None) for member in config.members)
    members = tuple(member for one in combined for member in one.members)
    return Fitted(name=name, config=config, members=members, combined=combined)
