"""Run folders made by hand: random arrays in the shape of a run, so that the page is tested without any other stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.browser import browser as browser

from hepsieve.evaluate import bin_edges, binned_slices, image_summary
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.evaluate.results import (
    ClassFigures,
    Confusion,
    DataSummary,
    Evaluation,
    FeatureHistogram,
    ModelEvaluation,
    OutOfFold,
    Overtraining,
    Quantity,
    RocCurve,
    ScoreDistributions,
    ThresholdScan,
    WorkingPoint,
)
from hepsieve.history import EpochRecord

FEATURES = [
    *(f"{what}_{axis}" for what in ("lepton", "jet1", "jet2", "jet3", "jet4") for axis in ("pt", "eta", "phi")),
    *("missing_energy_magnitude", "missing_energy_phi"),
    *(f"jet{k}_b-tag" for k in range(1, 5)),
    *("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"),
]


def around(value: float, half_width: float) -> Quantity:
    return Quantity(value=value, low=value - half_width, high=value + half_width)


def make_histogram(name: str, rng: np.random.Generator) -> FeatureHistogram:
    edges = np.linspace(0, 4, 31) * rng.uniform(1, 100)
    shapes = [np.exp(-0.5 * ((np.arange(30) - rng.uniform(8, 18)) / rng.uniform(3, 6)) ** 2) for _ in range(2)]
    background, signal = (shape / (shape.sum() * (edges[1] - edges[0])) for shape in shapes)
    return FeatureHistogram(
        name=name,
        unit="GeV" if name.startswith("m_") or name.endswith("_pt") else "",
        edges=tuple(edges),
        background=tuple(background),
        signal=tuple(signal),
        auc=around(float(rng.uniform(0.4, 0.7)), 0.012),
    )


def make_scores(rng: np.random.Generator, separation: float) -> ScoreDistributions:
    edges = np.linspace(0, 1, 31)
    parts = {}
    for name, size, power in (
        ("train_background", 20000, (1.5, 1.5 + separation)),
        ("train_signal", 20000, (1.5 + separation, 1.5)),
        ("test_background", 2000, (1.5, 1.5 + separation)),
        ("test_signal", 2000, (1.5 + separation, 1.5)),
    ):
        counts = np.histogram(rng.beta(*power, size=size), edges)[0]
        parts[name] = tuple(counts / size)
        if name.startswith("test"):
            parts[f"{name}_error"] = tuple(np.sqrt(counts) / size)
    return ScoreDistributions(edges=tuple(edges), **parts)


def make_roc(separation: float) -> RocCurve:
    x = np.linspace(0, 1, 400) ** 2
    y = x ** (1 / (1 + separation))
    band = 0.03 * np.sqrt(y * (1 - y))
    return RocCurve(
        background_efficiency=tuple(x),
        signal_efficiency=tuple(y),
        low=tuple(np.clip(y - band, 0, 1)),
        high=tuple(np.clip(y + band, 0, 1)),
    )


def make_scan(separation: float) -> ThresholdScan:
    threshold = np.linspace(0, 1, 150)
    signal, background = 1 - threshold ** (1 + separation), (1 - threshold) ** (1 + separation)
    background[-20:] = 0
    columns = {}
    for name, values in (("signal", signal), ("background", background)):
        columns[f"{name}_efficiency"] = tuple(values)
        columns[f"{name}_low"] = tuple(np.clip(values - 0.02, 0, 1))
        columns[f"{name}_high"] = tuple(np.clip(values + 0.02, 0, 1))
    return ThresholdScan(threshold=tuple(threshold), **columns)


def make_points() -> tuple[WorkingPoint, ...]:
    none = Quantity(value=0, low=0, high=0.00512)
    return (
        *(
            WorkingPoint(
                name=f"signal-{100 * efficiency:.0f}",
                wanted=f"{100 * efficiency:.0f} % signal efficiency",
                threshold=0.9 - efficiency / 2,
                signal_efficiency=around(efficiency, 0.02),
                background_efficiency=around(0.12 * efficiency, 0.01),
                background_rejection=around(8.3 / efficiency, 1.1),
            )
            for efficiency in (0.3, 0.5, 0.7)
        ),
        WorkingPoint(
            name="background_efficiency@0.01",
            wanted="1 % background efficiency",
            threshold=0.87,
            signal_efficiency=around(0.09, 0.03),
            background_efficiency=around(0.011, 0.005),
            background_rejection=around(90, 31),
        ),
        WorkingPoint(
            name="tight",
            wanted="no background left",
            threshold=0.99962,
            signal_efficiency=around(0.04, 0.01),
            background_efficiency=none,
            background_rejection=Quantity(value=None, low=195.3, high=None),
        ),
    )


def make_figures(name: str, *, precision: float, recall: float, f1: float) -> ClassFigures:
    return ClassFigures(
        name=name, precision=around(precision, 0.02), recall=around(recall, 0.02), f1=around(f1, 0.02), events=1200
    )


def make_model(
    kind: str, framework: str, rng: np.random.Generator, *, classes: tuple[str, str], separation: float
) -> ModelEvaluation:
    auc = (1 + separation) / (2 + separation)
    metrics = {
        "auc": around(auc, 0.0129),
        "accuracy": around(auc - 0.07, 0.016),
        "f1": around(auc - 0.06, 0.017),
        "log_loss": around(1.2 - auc, 0.02),
        "brier": around(0.19, 0.006),
        "ece": around(0.021, 0.008),
        "background_rejection@0.30": around(18.0 * auc, 3.1),
        "background_rejection@0.50": around(8.0 * auc, 0.8),
        "background_rejection@0.70": around(3.5 * auc, 0.25),
        "signal_efficiency@0.01": around(0.09, 0.03),
    }
    return ModelEvaluation(
        framework=framework,
        kind=kind,
        parameters=190201 if kind == "mlp" else 12034,
        epochs=24,
        train_seconds=31.42,
        metrics=metrics,
        validation={"auc": around(auc + 0.004, 0.013), "log_loss": around(1.19 - auc, 0.02)},
        per_class=(
            make_figures(classes[0], precision=0.71, recall=0.69, f1=0.70),
            make_figures(classes[1], precision=0.72, recall=0.74, f1=0.73),
        ),
        confusion=Confusion(classes=classes, counts=((828.0, 372.0), (312.0, 888.0))),
        roc=make_roc(separation),
        scores=make_scores(rng, separation),
        overtraining=Overtraining(
            ks_background=0.031,
            ks_background_p=0.21,
            ks_signal=0.052,
            ks_signal_p=0.0004,
            train_auc=around(auc + 0.03, 0.006),
            auc_gap=around(0.03, 0.014),
            loss_gap=around(0.004, 0.014),
            validation_loss_gap=around(0.003, 0.014),
            verdict="mild overtraining: the AUC on train is 0.030 higher, the test figures stand",
        ),
        thresholds=make_scan(separation),
        out_of_fold=OutOfFold(
            n_signal=6000,
            n_background=6000,
            metrics={
                "auc": around(auc, 0.005),
                "background_efficiency@0.99": around(0.81, 0.011),
                "signal_efficiency@0": Quantity(value=0.012, low=0.004, high=0.031),
            },
        ),
    )


MODELS = {
    "adaboost": ("adaboost", "scikit-learn", 1.6),
    "trees": ("trees", "xgboost", 2.6),
    "mlp-torch": ("mlp", "torch", 2.3),
    "mlp-keras": ("mlp", "keras", 2.25),
    "mlp-wide": ("mlp", "torch", 2.4),
}


def make_evaluation(
    *,
    features: Sequence[str] = FEATURES[::5],
    models: Sequence[str] = tuple(MODELS)[:4],
    classes: tuple[str, str] = ("background", "signal"),
    origin: str = "simulated",
    seed: int = 7,
) -> Evaluation:
    rng = np.random.default_rng(seed)
    evaluated = {
        name: make_model(*MODELS[name][:2], rng, classes=classes, separation=MODELS[name][2]) for name in models
    }
    p = len(features)
    correlations: dict[str, tuple[tuple[float | None, ...], ...]] = {}
    for group in classes:
        factors = rng.normal(size=(p, 3))
        covariance = factors @ factors.T + 2 * np.eye(p)
        scale = np.sqrt(np.diag(covariance))
        correlations[group] = tuple(tuple(float(v) for v in row) for row in covariance / np.outer(scale, scale))
    return Evaluation(
        task="higgs",
        classes=classes,
        data=DataSummary(
            origin=origin,  # type: ignore[arg-type]
            train_fingerprint="0" * 64,
            trained_on="real: HIGGS.csv.gz",
            fingerprint="9f2c" * 16,
            sources=("Pythia 8.317",) if origin == "simulated" else ("Higgs_data.root",),
            details={"seed": "1", "detector": "PGS-like towers and cones"},
            n_train=7200,
            n_validation=2400,
            n_test=2400,
            n_signal={"train": 3600, "validation": 1200, "test": 1200},
            n_background={"train": 3600, "validation": 1200, "test": 1200},
        ),
        test_openings=1,
        models=evaluated,
        best="trees" if "trees" in models else models[0],
        best_by="trees has the largest validation AUC, 0.7866 (0.7736–0.7996), ahead of mlp-torch with 0.7714.",
        features=tuple(make_histogram(name, rng) for name in features),
        correlations=correlations,
        working_points={name: make_points() for name in models},
    )


def make_history(models: Sequence[str]) -> list[EpochRecord]:
    records = []
    for name in models:
        epochs = 1 if name == "adaboost" else 24
        for epoch in range(1, epochs + 1):
            fall = float(np.exp(-epoch / 6))
            records.append(
                EpochRecord(
                    model=name,
                    epoch=epoch,
                    seconds=1.3,
                    train_loss=0.5 + 0.19 * fall - 0.002 * epoch,
                    train_accuracy=0.75 - 0.2 * fall + 0.001 * epoch,
                    validation_loss=0.55 + 0.14 * fall + 0.0004 * (epoch - 12) ** 2 / 4,
                    validation_accuracy=0.72 - 0.18 * fall,
                )
            )
    return records


CONFIG = """\
task: higgs
title: Heavy Higgs cascade against top pairs
description: gg → H⁰(425) → W∓H±(325), H± → W±h⁰(125), h⁰ → bb̄ against tt̄ at 8 TeV, one lepton and at least four jets.
classes: [background, signal]
simulate: {process: higgs, rows: 12000}
models:
  adaboost: {kind: adaboost}
  trees: {kind: trees, max_depth: 5}
  mlp-torch: {kind: mlp, backend: torch, widths: [300, 300, 300]}
  mlp-keras: {kind: mlp, backend: keras, widths: [300, 300, 300]}
seed: 1
"""

FINDINGS: list[dict[str, Any]] = [
    {
        "code": "duplicates",
        "severity": "warn",
        "message": "14 rows stand in the data more than once.",
        "rows": [12, 90],
    },
    {"code": "constant", "severity": "stop", "message": "jet4_b-tag is 0.", "column": "jet4_b-tag", "accepted": True},
    {"code": "sentinel", "severity": "note", "message": "No value of -999 was found.", "column": None, "rows": []},
]


def write_run(
    folder: Path,
    evaluation: AnyEvaluation,
    *,
    history: Sequence[EpochRecord] | None = None,
    findings: Sequence[dict[str, Any]] = (),
    config: str = CONFIG,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    epochs = make_history(list(evaluation.models)) if history is None else history
    manifest = {
        "format": 1,
        "files": {"config.yaml": {"sha256": "0" * 64, "size": 1}},
        "packages": {"python": "3.11.7", "numpy": "2.4.6", "torch": "2.13.0"},
        "command": ["hepsieve", "run", "higgs", "--data", "my file.csv"],
        "seeds": {"split": 1, "train": 2},
        "git_commit": "f00dfeed" * 5,
        "data_fingerprint": evaluation.data.fingerprint,
        "created": "2030-01-02T03:04:05Z",
    }
    log = {"time": "2030-01-02T03:04:01Z", "event": "test opened", "by": "run"}
    for name, text in (
        ("evaluation.json", evaluation.to_json()),
        ("config.yaml", config),
        ("audit.json", json.dumps({"findings": list(findings), "checked": {"events": 12000, "features": 28}})),
        ("history.jsonl", "".join(record.model_dump_json() + "\n" for record in epochs)),
        ("manifest.json", json.dumps(manifest)),
        ("events.log", json.dumps(log) + "\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def make_images(evaluation: Evaluation, *, seed: int = 3) -> Evaluation:
    """The same evaluation as of images of 8 × 8 crystals, with maps of the two first models and bins of energy."""
    rng = np.random.default_rng(seed)
    n, size = 60, 8
    target = np.arange(n) % 2
    energy = np.where(rng.random((n, size, size)) < 0.2, rng.gamma(1, 0.01, (n, size, size)), 0)
    energy[:, 4, 4] = 0.8 - 0.1 * target
    images = np.stack([energy, np.where(energy > 0, rng.normal(size=energy.shape), 0)], axis=-1)
    pixels = [tuple(map(tuple, rng.normal(0, 0.1, (size, size)).tolist())) for _ in range(4)]
    error = tuple(map(tuple, np.full((size, size), 0.01).tolist()))
    maps = tuple(
        OcclusionMap(model=model, label=label, drop=pixels.pop(), error=error, images=30, patch=3)
        for model in list(evaluation.models)[:2]
        for label in (0, 1)
    )
    scores = {name: rng.random(n) for name in evaluation.models}
    total = energy.sum(axis=(1, 2))
    summary = image_summary(
        images,
        target,
        np.ones(n),
        names=("energy", "time"),
        units=("50 GeV", "ns"),
        classes=evaluation.classes,
        seed=seed,
    )
    sliced = binned_slices(
        total,
        target.astype(float),
        np.ones(n),
        scores,
        edges=bin_edges(total, 2),
        column="total energy",
        unit="50 GeV",
    )
    return evaluation.model_copy(update={"images": summary, "maps": maps, "slices": sliced})


@pytest.fixture
def evaluate_by_hand() -> Callable[..., Evaluation]:
    """Make an Evaluation from random arrays."""
    return make_evaluation


@pytest.fixture
def with_images() -> Callable[..., Evaluation]:
    """Turn an Evaluation into one of images."""
    return make_images


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Make a run folder around an Evaluation."""

    def make(evaluation: Evaluation | None = None, *, name: str = "run", **content: Any) -> Path:
        # Small: most tests look at one part of the page.
        chosen = (
            evaluation
            if evaluation is not None
            else make_evaluation(features=FEATURES[:2], models=("adaboost", "trees"))
        )
        return write_run(tmp_path / name, chosen, **content)

    return make


@pytest.fixture
def some_findings() -> list[dict[str, Any]]:
    """A warning, an accepted stop and a note."""
    return FINDINGS
