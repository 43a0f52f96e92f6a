"""Searches made by hand, for tests of what a page shows of them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hepsieve.evaluate.optimism import optimism
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import Setting, TriedPoint, Tuning

PATHS = (
    "models.trees.learning_rate",
    "models.trees.max_depth",
    "models.trees.growth",
    "models.trees.min_child_weight",
    "models.trees.subsample",
    "models.trees.colsample",
    "models.trees.l2",
    "models.trees.rounds",
    "prepare.scale",
    "train.patience",
)


def make_six() -> Tuning:
    """Two models, six trials: three finished, two stopped, one failed; settings that some trials do not have."""
    trees, mlp = "models.trees.max_depth", "models.mlp.dropout"
    return Tuning(
        metric="auc",
        better="larger",
        method="halving",
        at_once=2,
        parameters=("model", trees, mlp, "train.batch_size"),
        trials=(
            _point(0, {"model": "trees", trees: 4, "train.batch_size": 128}, 0.7801, {"0.3333": 0.77}),
            _point(1, {"model": "mlp", mlp: 0.1, "train.batch_size": 256}, 0.7712, {"0.3333": 0.76}),
            _point(2, {"model": "mlp", mlp: 0.45, "train.batch_size": 64}, 0.702, {"0.3333": 0.702}, "stopped"),
            _point(3, {"model": "mlp", mlp: 0.3, "train.batch_size": 512}, None, {}, "failed"),
            _point(4, {"model": "trees", trees: 6, "train.batch_size": 128}, 0.7934, {"0.3333": 0.781}),
            _point(5, {"model": "trees", trees: 2, "train.batch_size": 512}, 0.741, {"0.3333": 0.741}, "stopped"),
        ),
        best=4,
        importance={"model": 0.55, trees: 0.3, mlp: 0.1, "train.batch_size": 0.05},
        untuned="trees",
        tuned="trees-tuned",
        optimism=optimism(
            0.7934,
            validation=Quantity(value=0.7934, low=0.7801, high=0.8061),
            test=Quantity(value=0.7883, low=0.7752, high=0.8011),
            metric="auc",
            trials=5,
        ),
        notes=("The search was interrupted once and went on.",),
    )


def _point(
    number: int,
    settings: dict[str, Setting],
    figure: float | None,
    rungs: dict[str, float],
    state: Literal["finished", "stopped", "failed"] = "finished",
) -> TriedPoint:
    return TriedPoint(
        number=number,
        settings=settings,
        state=state,
        figure=figure,
        rungs=rungs,
        seconds=1.5 + number,
        epochs=None if figure is None else 10 + number,
        error="the training loss is no number (nan) in epoch 2" if state == "failed" else "",
    )


def make_tuning(
    trials: int,
    parameters: int,
    *,
    metric: str = "auc",
    method: str = "tpe",
    folds: int | None = None,
    tuned: str = "trees",
    untuned: str | None = None,
    seed: int = 5,
) -> Tuning:
    """A search that gets better as it goes on; one trial in nine fails, and of halving two in three are stopped."""
    rng = np.random.default_rng(seed)
    paths, less = PATHS[:parameters], metric in ("rmse", "log_loss", "mae")
    points = []
    for k in range(trials):
        settings = _settings(rng, near=k / (k + 20.0))
        distance = abs(np.log10(float(settings[PATHS[0]] or 0)) + 1.2) + 0.1 * abs(int(settings[PATHS[1]] or 0) - 6)
        lost = 0.01 * distance**2 + abs(float(rng.normal(scale=0.004))) + (0.4 if k % 31 == 7 else 0.0)
        figure = 0.05 + 0.3 * lost if less else 0.8 - lost
        stopped = method == "halving" and k % 3 > 0 and k > 2
        failed = k % 9 == 4
        rungs = {f"{share:.4g}": figure - (-1 if less else 1) * 0.05 * (1 - share) for share in (1 / 9, 1 / 3)}
        points.append(
            TriedPoint(
                number=k,
                settings={path: settings[path] for path in paths if path in settings},
                state="failed" if failed else "stopped" if stopped else "finished",
                figure=None if failed else rungs["0.1111"] if stopped else figure,
                rungs={} if failed or method != "halving" else {"0.1111": rungs["0.1111"]} if stopped else rungs,
                seconds=float(rng.gamma(3, 2)),
                epochs=None if failed else int(rng.integers(20, 400)),
                error=("out of memory (tried to allocate 3 GiB)" if k % 2 else "the loss is no number") * failed,
            )
        )
    known = [point for point in points if point.state == "finished"]
    best = (min if less else max)(known, key=lambda point: point.figure or 0.0)
    chosen = best.figure or 0.0
    shares = rng.dirichlet(np.full(parameters, 0.7)).tolist()
    test = chosen + (0.002 if less else -0.006)
    return Tuning(
        metric=metric,
        better="smaller" if less else "larger",
        method=method,
        folds=folds,
        at_once=4,
        parameters=paths,
        trials=tuple(points),
        best=best.number,
        importance=dict(zip(paths, shares, strict=True)),
        untuned=untuned,
        tuned=tuned,
        optimism=optimism(
            chosen,
            validation=_around(chosen, 0.009),
            test=_around(test, 0.008),
            metric=metric,
            trials=len(known),
            folds=folds,
        ),
    )


def _settings(rng: np.random.Generator, *, near: float) -> dict[str, Setting]:
    rate = -1.2 + (rng.uniform(-2.0, 1.2) if rng.random() > near else rng.normal(scale=0.3))
    growth = str(rng.choice(["depth", "leaves"]))
    found: dict[str, Setting] = {
        PATHS[0]: float(f"{10 ** min(max(rate, -3.0), 0.0):.4g}"),
        PATHS[1]: int(rng.integers(2, 13)),
        PATHS[2]: growth,
        PATHS[4]: float(rng.choice([0.5, 0.7, 0.9, 1.0])),
        PATHS[5]: round(float(rng.uniform(0.3, 1.0)), 4),
        PATHS[6]: float(f"{10 ** rng.uniform(-6, 1):.4g}"),
        PATHS[7]: int(rng.integers(50, 2000)),
        PATHS[8]: str(rng.choice(["standard", "minmax", "robust", "none"])),
        PATHS[9]: int(rng.choice([5, 10, 20])),
    }
    return found | ({PATHS[3]: float(f"{10 ** rng.uniform(-2, 2):.4g}")} if growth == "leaves" else {})


def _around(value: float, half: float) -> Quantity:
    return Quantity(value=value, low=value - half, high=value + 1.1 * half)
