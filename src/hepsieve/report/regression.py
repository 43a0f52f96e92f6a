"""What the page of a regression shows: its figures, tables and sentences, ready for the template."""

from __future__ import annotations

from math import inf
from typing import Any, Literal

from hepsieve.evaluate.regression_results import Limit, RegressionEvaluation
from hepsieve.evaluate.results import Quantity
from hepsieve.report import sections
from hepsieve.report.compared import chosen_section, comparison_family, comparison_sentence, difference_picture
from hepsieve.report.contents import REGRESSION, contents
from hepsieve.report.description import glance
from hepsieve.report.inputs import RunRecord
from hepsieve.report.leaderboard_section import leaderboard_section
from hepsieve.report.learned import learned_sentences
from hepsieve.report.learning import learning_section
from hepsieve.report.picture import Picture, picture
from hepsieve.report.plotted import profile_numbers, residual_numbers
from hepsieve.report.regression_figures import (
    axis_title,
    bound_curves,
    predicted_against_true,
    profile_curves,
    pull_histogram,
    residual_histograms,
    target_histogram,
)
from hepsieve.report.regression_looks import looks_section
from hepsieve.report.scripts import PAGE
from hepsieve.report.sections import Table
from hepsieve.report.summary import (
    Cell,
    cell,
    column_cells,
    further_metrics,
    metric_title,
    number,
    percent,
    results_parts,
    table_metrics,
)
from hepsieve.report.summary_sentences import summary_sentences
from hepsieve.report.tuning_section import tuning_section
from hepsieve.report.waveform_section import waveform_section
from hepsieve.report.weights_section import weights_section
from hepsieve.waveforms import NORMALISED

SCRIPTS = (PAGE,)
"""The scripts of this page."""
# More models in one picture can't be told apart.
MOST_DRAWN = 4
_RESIDUALS = (
    "Normalised to 1 over all test events; of each model at most the largest one in a hundred are left out, and what "
    "lies four times as far out as the outermost of the narrowest."
)
_DRAWN: tuple[tuple[Literal["rmse", "bias"], str], ...] = (("rmse", "RMSE"), ("bias", "Bias"))


def regression_context(record: RunRecord, evaluation: RegressionEvaluation) -> dict[str, Any]:
    """Everything that the template of a regression's page needs."""
    shown = drawn_models(evaluation)
    context = {
        "record": record,
        "evaluation": evaluation,
        "config": record.config,
        "scripts": SCRIPTS,
        **_top(record, evaluation),
        **_results(evaluation),
        **leaderboard_section(evaluation),
        **_limit(evaluation),
        **_predictions(evaluation, shown),
        **_data(record, evaluation),
        **looks_section(evaluation),
        **tuning_section(record),
        **learning_section(record),
        "overtraining": _overtraining_table(evaluation),
        **sections.record_section(record),
    }
    return {**context, "contents": contents(REGRESSION, context)}


def _top(record: RunRecord, evaluation: RegressionEvaluation) -> dict[str, Any]:
    return {
        "title": record.config.title or evaluation.task,
        "best_figure": cell(evaluation.models[evaluation.best].metrics["rmse"]),
        "in_units": _in_units(evaluation),
        "summary": summary_sentences(record, evaluation),
        "headline": sections.headline(evaluation),
        "simulated": evaluation.data.origin == "simulated",
        "warnings": sections.model_warnings(evaluation),
        "learned_beside": learned_sentences(evaluation),
    }


def _results(evaluation: RegressionEvaluation) -> dict[str, Any]:
    return {
        "results": results_parts(evaluation),
        "result_titles": [metric_title(metric) for metric in table_metrics(evaluation)],
        "further": sections.metric_table(evaluation, further_metrics(evaluation), part="test"),
        "validation": sections.metric_table(evaluation, sections.validation_metrics(evaluation), part="validation"),
        **chosen_section(evaluation),
        "compared": comparison_sentence(evaluation),
        "compared_how": comparison_family(evaluation) if evaluation.comparisons else "",
        "compared_picture": difference_picture(evaluation),
    }


def _limit(evaluation: RegressionEvaluation) -> dict[str, Any]:
    limit = evaluation.limit
    return {
        "limit": limit,
        "limit_says": limit_sentence(evaluation),
        "limit_table": _limit_table(evaluation),
        "limit_caption": limit_caption(limit) if limit is not None else "",
        "light_says": light_sentence(limit) if limit is not None else "",
        "limit_picture": _bounds(evaluation),
    }


def _predictions(evaluation: RegressionEvaluation, shown: tuple[str, ...]) -> dict[str, Any]:
    models = evaluation.models
    return {
        "drawn_note": _drawn_note(evaluation, shown),
        "profiles": _profiles(evaluation, shown),
        "against": [_against(evaluation, name) for name in models],
        "residuals": _residuals(evaluation, shown),
        "intervals": _interval_table(evaluation),
        "pulls": [_pulls(evaluation, name) for name, model in models.items() if model.pulls is not None],
    }


def _data(record: RunRecord, evaluation: RegressionEvaluation) -> dict[str, Any]:
    return {
        "drawn": sections.drawn_events(evaluation),
        "parts": sections.parts_table(evaluation),
        **weights_section(evaluation.weights),
        "targets": _targets(evaluation),
        "glance": glance(record.description) if record.description is not None else None,
        "audit_counts": sections.audit_counts(record.audit) if record.audit is not None else "",
        "images": None,
        "image_steps": "",
        "waveforms": waveform_section(evaluation.waveforms),
        "waveform_steps": NORMALISED[record.config.prepare.waveform.normalise],
    }


def drawn_models(evaluation: RegressionEvaluation) -> tuple[str, ...]:
    """Which models stand in pictures of several: all of a few, else the best on validation, in the order of the run."""

    def order(name: str) -> tuple[bool, float]:
        rmse = evaluation.models[name].validation.get("rmse")
        return name != evaluation.best, inf if rmse is None or rmse.value is None else rmse.value

    chosen = sorted(evaluation.models, key=order)[:MOST_DRAWN]
    return tuple(name for name in evaluation.models if name in chosen)


def _drawn_note(evaluation: RegressionEvaluation, shown: tuple[str, ...]) -> str:
    few = len(shown) == len(evaluation.models)
    return "" if few else f"Drawn: the {len(shown)} models that are best on validation."


def limit_sentence(evaluation: RegressionEvaluation) -> str:
    """How the best model stands against the Cramér–Rao bound where pulses stand apart; empty without a bound."""
    limit, target = evaluation.limit, evaluation.target
    if limit is None:
        return ""
    best, width = limit.ratios[evaluation.best], limit.pulse_width
    where = f"{target.name} above one pulse width ({width:.3f}, {width * target.full:.2g} {target.unit})"
    if best.value is None:
        bounded = " and a finite bound" if limit.n_unbounded else ""
        return f"Fewer than ten test events have {where}{bounded}."
    fit = "" if limit.fit_ratio.value is None else f"; a maximum-likelihood fit comes to {_times(limit.fit_ratio)}"
    return f"For {where} the RMSE of {evaluation.best} is {_times(best)} the Cramér–Rao bound{fit}."


def _times(ratio: Quantity) -> str:
    return f"{cell(ratio, decimals=2)} times"


def _in_units(evaluation: RegressionEvaluation) -> str:
    """The best model's RMSE in the physical unit; empty where there is none."""
    target, rmse = evaluation.target, evaluation.models[evaluation.best].metrics["rmse"]
    if not target.unit or rmse.value is None:
        return ""
    physical = Quantity(
        value=rmse.value * target.full,
        low=None if rmse.low is None else rmse.low * target.full,
        high=None if rmse.high is None else rmse.high * target.full,
    )
    return f"{cell(physical, digits=2)} {target.unit}"


def _limit_table(evaluation: RegressionEvaluation) -> Table | None:
    limit = evaluation.limit
    if limit is None:
        return None
    cells = [cell(ratio, decimals=2) for ratio in (*limit.ratios.values(), limit.fit_ratio)]
    names = [*limit.ratios, "maximum-likelihood fit"]
    rows = tuple((Cell(value=name), entry) for name, entry in zip(names, cells, strict=True))
    return Table(columns=("model", "RMSE / bound"), rows=rows)


def limit_caption(limit: Limit) -> str:
    """Over which events the ratios are."""
    over = f", over {number(limit.n_apart, 0)} test events" if limit.n_apart else ""
    fits = f" (of the fit: {number(limit.n_fits_apart, 0)})" if limit.n_apart and limit.n_fits_apart else ""
    left_out = f"; left out, without a finite bound: {number(limit.n_unbounded, 0)}" if limit.n_unbounded else ""
    return (
        f"RMSE over the bound, for pulses further apart than one pulse width, with 95 % intervals{over}{fits}{left_out}"
    )


def light_sentence(limit: Limit) -> str:
    """How much less the light tells than the electrons behind it; empty where that was not computed.

    What its mean and its covariance allow is more than what all of it allows.
    """
    if limit.light_ratio is None:
        return ""
    return f"What the light alone allows lies at most {100 * (limit.light_ratio - 1):.1f} % above the bound."


def _bounds(evaluation: RegressionEvaluation) -> Picture | None:
    if evaluation.limit is None:
        return None
    return picture(
        bound_curves(evaluation.limit, evaluation.target),
        f"The Cramér–Rao bound against {evaluation.target.name} for pulses of a few sizes.",
        title="The bound by size of the pulses",
        note="Two pulses of equal size from the middle of the detector; as they approach each other the bound has no "
        "limit.",
    )


def _profiles(evaluation: RegressionEvaluation, shown: tuple[str, ...]) -> list[Picture]:
    """RMSE and bias along the target and along other columns."""
    target, along = evaluation.target, evaluation.models[evaluation.best].profiles
    pictures = []
    for k, first in enumerate(along):
        column = first.column
        profiles = {
            name: profile for name in shown for profile in evaluation.models[name].profiles if profile.column == column
        }
        unit = f"{column} ({first.unit})" if first.unit else column
        title, limit = (axis_title(target), evaluation.limit) if k == 0 else (unit, None)
        for figure_of, words in _DRAWN:
            pictures.append(
                picture(
                    profile_curves(profiles, list(evaluation.models), figure_of=figure_of, title=title, limit=limit),
                    f"{words} of {', '.join(profiles)} in bins of {column}, with 95 % intervals.",
                    title=f"{words} by {column}",
                    note=_bound_note(limit) if figure_of == "rmse" else "",
                    numbers=profile_numbers(profiles, figure_of),
                )
            )
    return pictures


def _bound_note(limit: Limit | None) -> str:
    if limit is None:
        return ""
    fits = f"; open squares: fits of {number(limit.n_fits, 0)} waveforms"
    fitted = any(one.rmse.value is not None for one in limit.fits.bins)
    return (
        f"Steps: the Cramér–Rao bound, averaged over {number(limit.n_averaged, 0)} test events{fits * fitted}; dashed: "
        "one pulse width. Left of it, and at the right end, a model may beat the bound, which holds for estimates "
        "without bias: from training a model knows where the targets can lie."
    )


def _against(evaluation: RegressionEvaluation, name: str) -> Picture:
    return picture(
        predicted_against_true(evaluation.models[name].against, evaluation.target),
        f"Predicted against true {evaluation.target.name} of {name} on the test part.",
        title=name,
    )


def _residuals(evaluation: RegressionEvaluation, shown: tuple[str, ...]) -> Picture:
    residuals = {name: evaluation.models[name].residuals for name in shown}
    return picture(
        residual_histograms(residuals, list(evaluation.models), evaluation.target),
        f"Prediction minus truth of {', '.join(shown)} on the test part.",
        title="Residuals",
        note=" ".join(filter(None, (_RESIDUALS, _drawn_note(evaluation, shown)))),
        numbers=residual_numbers(residuals),
    )


def _pulls(evaluation: RegressionEvaluation, name: str) -> Picture:
    pulls = evaluation.models[name].pulls
    assert pulls is not None
    return picture(
        pull_histogram(pulls),
        f"Pulls of {name} on the test part beside a normal distribution.",
        title=name,
        note=f"Mean {cell(pulls.mean)}, width {cell(pulls.width)}: 0 and 1 where the predicted widths are right.",
    )


def _targets(evaluation: RegressionEvaluation) -> Picture:
    return picture(
        target_histogram(evaluation.targets, evaluation.target),
        f"Distribution of {evaluation.target.name} in the training part.",
        title=f"The target {evaluation.target.name}",
    )


def _interval_table(evaluation: RegressionEvaluation) -> Table:
    """Nominal and measured coverage of every model's prediction intervals, and how wide they are."""
    rows = []
    for name, model in evaluation.models.items():
        for one in model.intervals:
            rows.append(
                (
                    Cell(value=name),
                    Cell(value=percent(one.nominal)),
                    cell(one.coverage),
                    cell(one.mean_half_width) if one.scaled else Cell(value=cell(one.mean_half_width).value),
                    Cell(value="scaled by predicted widths" if one.scaled else "one width for all"),
                )
            )
    return Table(columns=("model", "nominal", "measured coverage", "mean half width", "kind"), rows=tuple(rows))


def _overtraining_table(evaluation: RegressionEvaluation) -> Table:
    models = evaluation.models
    columns = (
        column_cells([model.train_rmse for model in models.values()]),
        column_cells([model.metrics["rmse"] for model in models.values()]),
        column_cells([model.rmse_gap for model in models.values()]),
    )
    rows = tuple((Cell(value=name), *(column[k] for column in columns)) for k, name in enumerate(models))
    return Table(columns=("model", "train RMSE", "test RMSE", "test − train"), rows=rows)
