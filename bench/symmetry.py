"""Symmetries: what they gain in AUC on new simulated events, by training with them and by averaging over copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.result import Table
from hepsieve.config import PrepareConfig
from hepsieve.data.objects import with_objects
from hepsieve.data_config import DataConfig
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.results import Scored
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, ModelConfig, OneCycle, ResNetConfig, TrainConfig
from hepsieve.prepare import split
from hepsieve.simulate import simulate
from hepsieve.train.figures import weighted_auc
from hepsieve.train.run import Fitted, train
from hepsieve.train.symmetric import copies_of

TABLES, IMAGES = (8_000, 8_000), (4_000, 8_000)  # events to learn from, validation included, and to judge on
SEED, NEW = 1, 2
COPIES = 8
PLAIN = TrainConfig(optimizer="adamw", schedule=OneCycle(), patience=None)
OF_TABLES = PLAIN.model_copy(update={"epochs": 30, "learning_rate": 3e-3, "weight_decay": 1.0})
OF_IMAGES = PLAIN.model_copy(
    update={"epochs": 6, "batch_size": 128, "learning_rate": 2e-3, "weight_decay": 1e-2, "precision": "bf16"}
)
DENSE = MLPConfig(widths=(128, 128, 128), dropout=0.3, initialiser="normal", average=COPIES)
RESNET = ResNetConfig(average_flips=True)


def measure() -> Table:
    """Networks that differ in nothing but symmetries, on simulated HIGGS tables and images of the fast shower.

    Differences are paired, on the same new events, each to the network that knows of no symmetry.
    """
    tables, images = _tables(), _images()
    known = {"symmetries": ("rotation", "reflection", "mirror")}
    mirrored = {"flips": ("rows", "columns"), "symmetries": ()}
    rows = [*_rows("HIGGS", DENSE, OF_TABLES, known, *tables), *_rows("egamma", RESNET, OF_IMAGES, mirrored, *images)]
    return Table(
        title="AUC on new events, and its paired difference to that of the network that knows of no symmetry (95 %)",
        columns=("data", "network", "AUC", "difference", "p"),
        rows=tuple(rows),
    )


def _tables() -> tuple[Events, Events]:
    drawn = (simulate("higgs", rows, seed=seed) for rows, seed in zip(TABLES, (SEED, NEW), strict=True))
    learned, new = (with_objects(events, DataConfig(catalog="higgs")) for events in drawn)
    return learned, new


def _images() -> tuple[Events, Events]:
    learned, new = (
        simulate("egamma", rows, seed=seed, engine="fast") for rows, seed in zip(IMAGES, (SEED, NEW), strict=True)
    )
    return learned, new


def _rows(
    data: str,
    model: ModelConfig,
    settings: TrainConfig,
    symmetries: Mapping[str, tuple[str, ...]],
    learned: Events,
    new: Events,
) -> list[tuple[str | float, ...]]:
    """The network trained without and with symmetries, each as it is and averaged."""
    with_them = settings.model_copy(update=symmetries)
    copies = copies_of(model, with_them, learned)
    alone = model.model_copy(update={"average": 1, "average_flips": False})
    found = {}
    for name, chosen in (("plain", settings), ("trained with symmetries", with_them)):
        fitted = _trained(alone, chosen, learned)
        members = tuple(replace(member, copies=copies) for member in fitted.members)
        found[name] = _scored(fitted, new)
        found[f"{name}, averaged over copies"] = _scored(replace(fitted, members=members), new)
    plain, *others = found
    rows: list[tuple[str | float, ...]] = [(data, plain, _auc(found[plain]), "", "")]
    for one, name in zip(compare_to_best(found, plain), others, strict=True):
        p = "" if one.p_value is None else f"{one.p_value:.2g}"
        rows.append((data, name, _auc(found[name]), str(one.difference), p))
    return rows


def _auc(scored: Scored) -> float:
    return weighted_auc(scored.score, scored.target == 1, scored.weight)


def _trained(model: ModelConfig, settings: TrainConfig, learned: Events) -> Fitted:
    parts = split(learned, validation=0.2, test=0.05, seed=SEED)
    images = learned.features.ndim > 2
    prepare = PrepareConfig(features=("energy",)) if images else PrepareConfig()
    return train({"net": model}, parts, prepare=prepare, settings=settings, seed=SEED).models["net"]


def _scored(fitted: Fitted, new: Events) -> Scored:
    return Scored(target=new.target.astype(np.float64), score=fitted.scores(new), weight=np.ones(len(new)))
