"""A regression applied to other events, in words: what it predicts for them, and the cuts that tell them apart."""

from __future__ import annotations

from hepsieve.evaluate.regression_application import AppliedModel, RegressionApplication
from hepsieve.report.summary import cell, metric_title, number, percent

Row = dict[str, str]


def regression_rows(application: RegressionApplication) -> list[Row]:
    """Predictions for these events, the cuts that tell them from the run's own, and figures where the truth is known.

    One row a model, or one for each of a model's cuts.
    """
    rows = []
    for name, model in application.models.items():
        row = {
            "model": f"{name} ★" if name == application.best else name,
            "median": str(cell(model.median, digits=2)),
            "own median": str(cell(model.own_median, digits=2)),
        }
        if model.told_apart is None:
            rows.append(row | _figures(model))
            continue
        row["AUC"] = str(cell(model.told_apart.auc))
        for cut in model.told_apart.cuts:
            told = {
                "wanted": cut.wanted,
                "cut": f"≥ {number(cut.threshold, 4)}",
                "others kept": str(cell(cut.other_share, digits=2)),
                "own kept": str(cell(cut.efficiency, digits=2)),
            }
            rows.append(row | told | _figures(model))
    return rows


def regression_columns(
    application: RegressionApplication,
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The columns of ``regression_rows`` that fit a terminal, which go below which, and which are never folded."""
    best = application.models[application.best]
    if best.told_apart is not None:
        told = ("median", "AUC", "others kept", "own kept")
        return ("model", *told), {"model": ("wanted", "cut"), "median": ("own median",)}, told
    figures = best.figures.metrics if best.figures is not None else {}
    wanted = ("rmse", "bias", *(metric for metric in figures if metric.startswith("tolerance_accuracy")))
    quoted = ("median", *(metric_title(metric) for metric in wanted[:3]))
    return ("model", *quoted), {"median": ("own median",)}, tuple(title for title in quoted if title != "bias")


def regression_summary(application: RegressionApplication) -> str:
    """Which events the run was applied to, from which target on they are told apart, and what to know."""
    target, best = application.target, application.models[application.best]
    scale = f"shares of {target.full:g} {target.unit}" if target.unit else "shares of its full scale"
    lines = [
        f"{', '.join(application.sources)}: {number(application.n, 0)} {application.origin} events, 95 % intervals",
        f"medians are of the predictions of {target.name} ({scale}): for these events, and for the run's own "
        f"{number(application.n_own, 0)} test events",
    ]
    if best.told_apart is not None:
        lines.append(
            "AUC: how often an own event has the larger prediction; kept: the share of these, the others, and of the "
            "own events that passes the cut"
        )
        lines += [f"{application.best}, {cut.wanted}: {_small(cut.says)}" for cut in best.told_apart.cuts]
    return "\n".join([*lines, *application.notes])


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _figures(model: AppliedModel) -> Row:
    if model.figures is None:
        return {}
    figures = {metric_title(metric): str(cell(value)) for metric, value in model.figures.metrics.items()}
    covered = {f"coverage of {percent(one.nominal)}": str(cell(one.coverage)) for one in model.figures.intervals}
    return figures | covered
