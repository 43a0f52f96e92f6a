"""Faults that no finding has to catch, because the pipeline can't make them or says what came of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator

import hepsieve as hs
from bench.canaries.planted import halved, joined
from bench.canaries.sets import clouds, higgs_like, pulses, showers
from hepsieve.audit.identical import row_keys, shared_rows
from hepsieve.config import PrepareConfig
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.results import ModelEvaluation
from hepsieve.events import Events
from hepsieve.models.config import Learner
from hepsieve.prepare import Split, fit_preparation, split_given_test
from hepsieve.prepare import split as split_events


@dataclass(frozen=True, kw_only=True)
class PipelineFault:
    """A mistake with what comes after the audit.

    Attributes:
        name: the mistake.
        data: in which data it is made.
        caught: how it is caught, or an empty string.
    """

    name: str
    data: str
    caught: Callable[[Generator], str]


def pipeline_faults() -> Iterator[PipelineFault]:
    """All of them."""
    for name, events, config, learner in _preparations():
        yield PipelineFault(
            name="scale fitted on everything",
            data=name,
            caught=partial(_no_constant_moves, events=events, config=config, learner=learner),
        )
    yield PipelineFault(name="repeated rows in one file", data="HIGGS-like, 600", caught=_repeated_rows)
    models = {
        "deep trees": hs.Trees(rounds=60, max_depth=16, learning_rate=0.5, min_child_weight=0, reg_lambda=0),
        "a large network": hs.MLP(widths=(128, 128)),
    }
    for name, model in models.items():
        yield PipelineFault(
            name="accuracy of the training events quoted",
            data=f"{name} on random labels, 1,500",
            caught=partial(_memorised, model=model),
        )
    yield PipelineFault(name="classes swapped in the test file", data="trees on four features, 600", caught=_inverted)
    for suffix in (".npz", ".npy"):
        yield PipelineFault(
            name="label array used as input",
            data=f"a {suffix} file, 300",
            caught=partial(_label_file, suffix=suffix),
        )


def _preparations() -> Iterator[tuple[str, Callable[[Generator], Events], PrepareConfig, Learner]]:
    """Every way to prepare, with data for it and a model that asks for it."""
    net, trees = hs.MLP(widths=(4,)), hs.Trees()
    table = partial(higgs_like, 300)
    of_tables = {
        "standardised": PrepareConfig(),
        "min-max": PrepareConfig(scale="minmax"),
        "principal components": PrepareConfig(pca=3),
        "whitened components": PrepareConfig(pca=3, whiten=True),
        "logarithms": PrepareConfig(scale="none", log=("x0",)),
        "medians for missing values": PrepareConfig(scale="none"),
    }
    for name, config in of_tables.items():
        yield f"table, {name}", partial(_with_gaps, table) if "missing" in name else table, config, net
    images = partial(showers, 200)
    yield "images, pixels", images, PrepareConfig(), net
    yield "images, convolution", images, PrepareConfig(), hs.CNN()
    yield "images, shower shapes", images, PrepareConfig(), trees.model_copy(update={"shower_shapes": True})
    waveforms = partial(pulses, 120)
    yield "waveforms, scaled as a set", waveforms, PrepareConfig(), net
    yield "waveforms, pulse shapes", waveforms, PrepareConfig(), trees.model_copy(update={"pulse_shapes": True})


def _with_gaps(make: Callable[[Generator], Events], rng: Generator) -> Events:
    events = make(rng)
    features = events.features.copy()
    features[rng.random(features.shape) < 0.05] = np.nan
    return events.replace(features=features)


def _no_constant_moves(
    rng: Generator, *, events: Callable[[Generator], Events], config: PrepareConfig, learner: Learner
) -> str:
    """Validation and test are corrupted: what is fitted must not move, though it does where all is fitted on."""
    clean = events(rng)
    part = rng.permutation(len(clean))
    test, rest = clean[part[: len(clean) // 4]], clean[part[len(clean) // 4 :]]
    constants, everything = [], []
    for change in (lambda some: some, _corrupted):
        parts = split_given_test(rest, change(test), validation=0.25, seed=1)
        train = np.isin(row_keys(rest.features), row_keys(parts.train.features))
        seen = Split(
            train=parts.train,
            validation=change(parts.validation),
            test=parts.test,
            test_rows=parts.test_rows,
            train_rows=parts.train_rows,
        )
        constants.append(fit_preparation(seen.train, config, learner, impute=True).model_dump_json())
        whole = joined(joined(rest[np.flatnonzero(train)], seen.validation), change(test))
        everything.append(fit_preparation(whole, config, learner, impute=True).model_dump_json())
    if everything[0] == everything[1]:
        return ""  # then equality above says nothing
    return "no fitted constant moves" if constants[0] == constants[1] else ""


def _corrupted(events: Events) -> Events:
    return events.replace(features=np.abs(events.features) * np.float32(7) + np.float32(3))


def _repeated_rows(rng: Generator) -> str:
    """Every row of a copied tenth has to stand in the same part as its copy."""
    events = higgs_like(600, rng)
    whole = joined(events, events[rng.permutation(600)[:60]])
    whole = whole[rng.permutation(len(whole))]
    parts = split_events(whole, seed=1)
    keys = [row_keys(part.features) for part in (parts.train, parts.validation)]
    torn = len(shared_rows(*keys)) + parts.test.overlap(parts.train) + parts.test.overlap(parts.validation)
    found = {finding.code for finding in hs.audit(whole).findings}
    return "duplicate-rows; copies fall into one part" if torn == 0 and "duplicate-rows" in found else ""


def _judged(model: hs.Model, parts: Split) -> ModelEvaluation:
    settings = hs.Training(epochs=30, learning_rate=3e-3, patience=None, batch_size=50, monitor="auc")
    run = hs.train({"model": model}, parts, settings=settings, seed=1)
    return hs.evaluate(run).best


def _memorised(rng: Generator, *, model: hs.Model) -> str:
    """A model that learned its training events by heart: nothing is quoted of them but the alarm."""
    events = higgs_like(1500, rng)
    parts = split_events(events.replace(target=rng.permutation(events.target)), seed=1)
    found = _judged(model, parts)
    quoted, learned = found.metrics["auc"], found.overtraining.train_auc
    if quoted.value is None or quoted.low is None or quoted.high is None or learned.value is None:
        return ""
    # An interval misses the truth in one sample of twenty; twice as wide, in one of ten thousand.
    honest = abs(quoted.value - 0.5) < quoted.high - quoted.low and quoted.high < learned.value
    told = found.overtraining.verdict.startswith("The model looks better on the events it was trained on")
    return f"AUC {quoted.value:.2f} quoted, overtraining told (train {learned.value:.2f})" if honest and told else ""


def _inverted(rng: Generator) -> str:
    """Who goes on in spite of the audit is told by the scores."""
    train, test = halved(clouds(600, rng), rng)
    parts = split_given_test(train, test.replace(target=1 - test.target), validation=0.25, seed=1)
    warnings = _judged(hs.Trees(rounds=20), parts).warnings
    return "warning: inverted scores" if any(text.startswith("inverted scores") for text in warnings) else ""


def _label_file(rng: Generator, *, suffix: str) -> str:
    """The array of labels was saved in place of the features."""
    label = rng.permutation(np.arange(300) % 2).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"labels{suffix}")
        if suffix == ".npz":
            np.savez(path, x=label[:, np.newaxis], y=label)
        else:
            np.save(path, np.column_stack([label, label]))
        try:
            hs.split(hs.read(path, label=None if suffix == ".npz" else 0), seed=1)
        except HepsieveError as error:
            return f"{type(error).__name__}"
    return ""
