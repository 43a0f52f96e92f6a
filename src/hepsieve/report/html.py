"""A run folder turned into one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined

from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.evaluate.results import Evaluation, FeatureHistogram
from hepsieve.folder import REPORT
from hepsieve.manifest import new_file
from hepsieve.report import sections
from hepsieve.report.compared import comparison_family, comparison_sentence, difference_picture
from hepsieve.report.curves import score_distributions
from hepsieve.report.description import glance
from hepsieve.report.features import (
    backward_curve,
    backward_note,
    feature_table,
    importance_points,
    strongest_first,
)
from hepsieve.report.figures import auc_comparison, correlation_map, feature_histogram, rejection_curves, roc_curves
from hepsieve.report.image_section import image_section, image_steps, map_intro, map_sections
from hepsieve.report.inputs import RunRecord, read_run
from hepsieve.report.learning import learning_section
from hepsieve.report.picture import Picture, picture
from hepsieve.report.regression import regression_context
from hepsieve.report.signal_slices import kept_title, tightest_point
from hepsieve.report.slices import (
    efficiency_table,
    slice_caption,
    slice_curves,
    slice_intro,
    slice_note,
    slice_table,
)
from hepsieve.report.summary import (
    UNKNOWN,
    cell,
    decimals_for,
    further_metrics,
    metric_title,
    results_parts,
    table_metrics,
)
from hepsieve.report.thresholds import low_background_roc, threshold_curves
from hepsieve.report.waveform_section import waveform_section
from hepsieve.waveforms import NORMALISED


def render(run: Path) -> str:
    """The page of a run folder as HTML text; equal folders give equal text.

    Raises:
        HepsieveError: naming the file that is missing or damaged.
    """
    record = read_run(run)
    match record.evaluation:
        case Evaluation():
            return environment().get_template("report.html.j2").render(_context(record, record.evaluation))
        case RegressionEvaluation():
            context = regression_context(record, record.evaluation)
            return environment().get_template("regression.html.j2").render(context)
        case _:
            assert_never(record.evaluation)


def environment() -> Environment:
    """Where the page's templates are; whatever is put into them is shown as text."""
    return Environment(
        loader=PackageLoader("hepsieve.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write(run: Path) -> Path:
    """Render the page of a run folder to its ``report.html`` and return that path.

    Raises:
        HepsieveError: naming the file that is missing, damaged or can't be written.
    """
    page = run / REPORT
    text = render(run)
    with new_file(page) as file:
        # A file name that is no valid UTF-8 reaches Python as lone surrogates.
        file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return page


def _context(record: RunRecord, evaluation: Evaluation) -> dict[str, Any]:
    models = evaluation.models
    metrics = table_metrics(evaluation)
    return {
        "record": record,
        "evaluation": evaluation,
        "config": record.config,
        "title": record.config.title or evaluation.task,
        "best_auc": cell(models[evaluation.best].metrics.get("auc")),
        "headline": sections.headline(evaluation),
        "simulated": evaluation.data.origin == "simulated",
        "warnings": sections.model_warnings(evaluation),
        "results": results_parts(evaluation),
        "result_titles": [metric_title(metric) for metric in metrics],
        "further": sections.metric_table(evaluation, further_metrics(evaluation), part="test"),
        "validation": sections.metric_table(evaluation, sections.validation_metrics(evaluation), part="validation"),
        "auc_picture": _auc_picture(evaluation),
        "compared": comparison_sentence(evaluation),
        "compared_how": comparison_family(evaluation) if evaluation.comparisons else "",
        "compared_picture": difference_picture(evaluation),
        "slices": slice_table(evaluation),
        "slices_note": slice_note(evaluation, kept=False),
        "slices_intro": slice_intro(evaluation),
        "slices_picture": _slices(evaluation),
        "kept": efficiency_table(evaluation),
        "kept_title": kept_title(evaluation),
        "kept_picture": _kept(evaluation),
        "drawn": sections.drawn_events(evaluation),
        "parts": sections.parts_table(evaluation),
        "glance": glance(record.description) if record.description is not None else None,
        "audit_counts": sections.audit_counts(record.audit) if record.audit is not None else "",
        "targets": None,
        "images": image_section(evaluation),
        "waveforms": waveform_section(evaluation.waveforms),
        "waveform_steps": NORMALISED[record.config.prepare.waveform.normalise],
        "image_steps": image_steps(record.config.prepare.image),
        "maps": map_sections(evaluation),
        "maps_intro": map_intro(evaluation),
        "histograms": [_histogram(feature, evaluation.classes) for feature in strongest_first(evaluation.features)],
        "feature_table": feature_table(evaluation),
        "ranking": _ranking(evaluation),
        "correlations": _correlations(evaluation),
        **learning_section(record),
        "rocs": _rocs(evaluation),
        "thresholds": _thresholds(evaluation),
        "scores": [_scores(evaluation, name) for name in models],
        "confusions": {name: sections.confusion_rows(model.confusion) for name, model in models.items()},
        "per_class": {name: sections.per_class_table(model) for name, model in models.items()},
        "working_points": {
            name: sections.working_point_table(points) for name, points in evaluation.working_points.items() if points
        },
        "where_cuts_were_set": sections.where_cuts_were_set(evaluation),
        "out_of_fold": sections.out_of_fold_table(evaluation),
        "out_of_fold_events": sections.out_of_fold_events(evaluation),
        "overtraining": sections.overtraining_table(
            {name: model.overtraining for name, model in models.items()}, evaluation.classes
        ),
        "log": sections.log_rows(record),
        "facts": sections.facts(record),
        "command": sections.command(record),
        "packages": sections.packages(record),
    }


def _auc_picture(evaluation: Evaluation) -> Picture | None:
    measured = {name: model.metrics["auc"] for name, model in evaluation.models.items() if "auc" in model.metrics}
    points = {
        name: (auc.value, auc.low, auc.high)
        for name, auc in measured.items()
        if auc.value is not None and auc.low is not None and auc.high is not None
    }
    if len(points) < 2:
        return None
    validation = {
        name: (auc.value, auc.low, auc.high)
        for name in points
        if (auc := evaluation.models[name].validation.get("auc")) is not None
        and auc.value is not None
        and auc.low is not None
        and auc.high is not None
    }
    decimals = max(decimals_for(measured[name]) for name in points)
    return picture(
        auc_comparison(points, validation, decimals=decimals),
        "The AUC of every model on the test part with its 95 % interval, as in the table above, and on validation.",
        note="Filled, with numbers: the test part. Hollow, thin: the validation part, which chose the best model."
        if validation
        else "",
    )


def _slices(evaluation: Evaluation) -> Picture | None:
    taken = evaluation.slices
    if taken is None:
        return None
    drawn = slice_curves(taken, list(evaluation.models))
    alt = f"The test AUC of every model against {taken.column}, with 95 % intervals, as in the table."
    return picture(
        drawn, alt, title=f"AUC by {taken.column}" if taken.of == "signal" else "", note=slice_caption(evaluation)
    )


def _kept(evaluation: Evaluation) -> Picture | None:
    taken, point = evaluation.slices, tightest_point(evaluation)
    if taken is None or point is None:
        return None
    return picture(
        slice_curves(taken, list(evaluation.models), kept_at=point.name),
        f"The signal efficiency of every model against {taken.column}, with 95 % intervals, as in the table.",
        title=f"Efficiency by {taken.column}",
        note=f"{kept_title(evaluation)}, with 95 % intervals (Clopper–Pearson). The cut of each model was set on other "
        "events. Dashed: half of them.",
    )


def _histogram(feature: FeatureHistogram, classes: tuple[str, str]) -> Picture:
    background, signal = classes
    return picture(
        feature_histogram(feature),
        f"Distribution of {feature.name} for {signal} and {background}.",
        title=feature.name,
        note=f"AUC {cell(feature.auc, decimals=3)}",
    )


def _ranking(evaluation: Evaluation) -> list[Picture]:
    ranking = evaluation.ranking
    pictures = []
    if ranking is not None and any(ranking.importances.values()):
        pictures.append(
            picture(
                importance_points(ranking.importances, best=evaluation.best),
                "The AUC that every model loses on validation when one feature is shuffled, with 95 % intervals.",
                title="Permutation importance",
                note="Shuffled among the validation events, which leaves each feature's distribution as it is. Of two "
                "features that say the same, neither may seem to matter.",
            )
        )
    if ranking is not None and ranking.backward:
        pictures.append(
            picture(
                backward_curve(ranking),
                "The AUC on validation with ever fewer features, each step without the feature that is missed least.",
                title="Leaving features out",
                note=backward_note(ranking),
            )
        )
    return pictures


def _correlations(evaluation: Evaluation) -> list[Picture]:
    names = [feature.name for feature in evaluation.features]
    pictures = []
    for group, matrix in evaluation.correlations.items():
        if not matrix:  # images whose shower shapes nobody knows
            continue
        labels = names if len(names) == len(matrix) else [str(k) for k in range(len(matrix))]
        alt = f"Heat map of the linear correlations between {len(matrix)} features in {group} events."
        pictures.append(picture(correlation_map(matrix, labels, title=group), alt))
    return pictures


def _rocs(evaluation: Evaluation) -> list[Picture]:
    background, signal = evaluation.classes
    return [
        picture(
            roc_curves(evaluation),
            f"ROC curves: {signal} efficiency against {background} efficiency for every model.",
            title="Receiver operating characteristic",
        ),
        picture(
            rejection_curves(evaluation),
            f"{background} rejection on a logarithmic axis against {signal} efficiency for every model.",
            title="Background rejection",
        ),
        picture(
            low_background_roc(evaluation, sections.named_points(evaluation.working_points.get(evaluation.best, ()))),
            f"ROC curves on a logarithmic axis of {background} efficiency, down to a single test event.",
            title="Where little background is left",
            note=_low_background_note(evaluation),
        ),
    ]


def _low_background_note(evaluation: Evaluation) -> str:
    note = "From a single background event of the test part on; above the left end of a curve there is none."
    named = sections.named_points(evaluation.working_points.get(evaluation.best, ()))
    marked = f"Marks: working points of {evaluation.best} in this range; open where no background is left."
    return f"{note} {marked}" if named else note


def _thresholds(evaluation: Evaluation) -> list[Picture]:
    background, signal = evaluation.classes
    return [
        picture(
            threshold_curves(
                model.thresholds, sections.named_points(evaluation.working_points.get(name, ())), evaluation.classes
            ),
            f"{signal} and {background} efficiency of {name} against the cut on its score.",
            title=name,
        )
        for name, model in evaluation.models.items()
        if model.thresholds is not None
    ]


def _scores(evaluation: Evaluation, name: str) -> Picture:
    model = evaluation.models[name]
    return picture(
        score_distributions(model.scores, evaluation.classes),
        f"Scores of {name} for {' and '.join(evaluation.classes)}, in train and in test.",
        title=name,
        note=model.overtraining.verdict or UNKNOWN,
    )
