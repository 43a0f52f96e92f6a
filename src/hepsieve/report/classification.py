"""What the page of a classification shows, section by section: pictures, tables and sentences for the template.

Each section has a function that takes the evaluation (or the record of the run) and returns its part of the context.
"""

from __future__ import annotations

from typing import Any

from hepsieve.evaluate.results import Evaluation, FeatureHistogram
from hepsieve.report import sections
from hepsieve.report.calibration_section import calibration_section
from hepsieve.report.compared import chosen_section, comparison_family, comparison_sentence, difference_picture
from hepsieve.report.contents import CLASSIFICATION, contents
from hepsieve.report.curves import score_distributions
from hepsieve.report.description import glance
from hepsieve.report.explorer_section import explorer_section
from hepsieve.report.features import (
    backward_curve,
    backward_note,
    feature_table,
    importance_points,
    strongest_first,
)
from hepsieve.report.figures import auc_comparison, correlation_map, feature_histogram, rejection_curves, roc_curves
from hepsieve.report.image_section import image_section, image_steps
from hepsieve.report.inputs import RunRecord
from hepsieve.report.leaderboard_section import leaderboard_section
from hepsieve.report.leaderboard_sentences import only_some
from hepsieve.report.learned import learned_sentences
from hepsieve.report.learning import learning_section
from hepsieve.report.map_section import map_section
from hepsieve.report.physics_section import physics_section
from hepsieve.report.picture import Picture, picture
from hepsieve.report.plotted import (
    auc_numbers,
    backward_numbers,
    correlation_numbers,
    feature_numbers,
    importance_numbers,
    rejection_numbers,
    roc_numbers,
    scan_numbers,
)
from hepsieve.report.scripts import BEHIND_CUT, EXPLORER, PAGE
from hepsieve.report.signal_slices import kept_title, tightest_point
from hepsieve.report.slice_figures import slice_flags, slice_metric_tables
from hepsieve.report.slices import (
    efficiency_table,
    slice_caption,
    slice_curves,
    slice_intro,
    slice_names,
    slice_note,
    slice_table,
)
from hepsieve.report.style import bands_note
from hepsieve.report.summary import (
    UNKNOWN,
    cell,
    decimals_for,
    further_metrics,
    metric_title,
    results_parts,
    table_metrics,
)
from hepsieve.report.summary_sentences import summary_sentences
from hepsieve.report.thresholds import low_background_roc, threshold_curves
from hepsieve.report.tuning_section import tuning_section
from hepsieve.report.waveform_section import waveform_section
from hepsieve.report.weights_section import weights_section
from hepsieve.waveforms import NORMALISED

SCRIPTS = (PAGE,)
"""The scripts of this page."""


def classification_context(record: RunRecord, evaluation: Evaluation) -> dict[str, Any]:
    """Everything that the template of a classification's page needs."""
    explorer = explorer_section(evaluation, record.config)
    context = {
        "record": record,
        "evaluation": evaluation,
        "config": record.config,
        "scripts": SCRIPTS if explorer is None else (*SCRIPTS, BEHIND_CUT, EXPLORER),
        **_top(record, evaluation),
        **_results(evaluation),
        **leaderboard_section(evaluation),
        "explorer": explorer,
        "physics": physics_section(evaluation),
        **_sliced(evaluation),
        **_data(record, evaluation),
        **_features(evaluation),
        **tuning_section(record),
        **learning_section(record),
        **_models(evaluation),
        **sections.record_section(record),
    }
    return {**context, "contents": contents(CLASSIFICATION, context)}


def _top(record: RunRecord, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "title": record.config.title or evaluation.task,
        "best_auc": cell(evaluation.models[evaluation.best].metrics.get("auc")),
        "summary": summary_sentences(record, evaluation),
        "headline": sections.headline(evaluation),
        "simulated": evaluation.data.origin == "simulated",
        "warnings": sections.model_warnings(evaluation),
        "learned_beside": learned_sentences(evaluation),
    }


def _results(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "results": results_parts(evaluation),
        "result_titles": [metric_title(metric) for metric in table_metrics(evaluation)],
        "further": sections.metric_table(evaluation, further_metrics(evaluation), part="test"),
        "validation": sections.metric_table(evaluation, sections.validation_metrics(evaluation), part="validation"),
        "auc_picture": _auc_picture(evaluation),
        **chosen_section(evaluation),
        "compared": comparison_sentence(evaluation),
        "compared_how": comparison_family(evaluation) if evaluation.comparisons else "",
        "compared_picture": difference_picture(evaluation),
        "out_of_fold": sections.out_of_fold_table(evaluation),
        "out_of_fold_events": sections.out_of_fold_events(evaluation),
    }


def _sliced(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "slices": slice_table(evaluation),
        "slices_note": slice_note(evaluation, kept=False),
        "slices_intro": slice_intro(evaluation),
        "slice_flags": slice_flags(evaluation, slice_names(evaluation)),
        "slice_metrics": slice_metric_tables(evaluation, slice_names(evaluation)),
        "slices_picture": _slices(evaluation),
        "kept": efficiency_table(evaluation),
        "kept_title": kept_title(evaluation),
        "kept_picture": _kept(evaluation),
    }


def _data(record: RunRecord, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "drawn": sections.drawn_events(evaluation),
        "parts": sections.parts_table(evaluation),
        **weights_section(evaluation.weights),
        "glance": glance(record.description) if record.description is not None else None,
        "audit_counts": sections.audit_counts(record.audit) if record.audit is not None else "",
        "targets": None,
        "images": image_section(evaluation),
        "waveforms": waveform_section(evaluation.waveforms),
        "waveform_steps": NORMALISED[record.config.prepare.waveform.normalise],
        "image_steps": image_steps(record.config.prepare.image),
    }


def _features(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "histograms": [_histogram(feature, evaluation.classes) for feature in strongest_first(evaluation.features)],
        "feature_table": feature_table(evaluation),
        "ranking": _ranking(evaluation),
        "correlations": _correlations(evaluation),
        **map_section(evaluation),
    }


def _models(evaluation: Evaluation) -> dict[str, Any]:
    models = evaluation.models
    return {
        "rocs": _rocs(evaluation),
        "thresholds": _thresholds(evaluation),
        "scores": [_scores(evaluation, name) for name in models],
        "calibration": calibration_section(evaluation),
        "confusions": {name: sections.confusion_rows(model.confusion) for name, model in models.items()},
        "per_class": {name: sections.per_class_table(model) for name, model in models.items()},
        "working_points": {
            name: sections.working_point_table(points) for name, points in evaluation.working_points.items() if points
        },
        "where_cuts_were_set": sections.where_cuts_were_set(evaluation),
        "overtraining": sections.overtraining_table(
            {name: model.overtraining for name, model in models.items()}, evaluation.classes
        ),
    }


def _auc_picture(evaluation: Evaluation) -> Picture | None:
    measured = {name: model.metrics["auc"] for name, model in evaluation.models.items() if "auc" in model.metrics}
    points = {
        name: (auc.value, auc.low, auc.high)
        for name, auc in measured.items()
        if auc.value is not None and auc.low is not None and auc.high is not None
    }
    if len(points) < 2 or evaluation.leaderboard is not None:  # which has such a picture of its own
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
        numbers=auc_numbers(points, validation),
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
        numbers=feature_numbers(feature, classes),
    )


def _ranking(evaluation: Evaluation) -> list[Picture]:
    ranking = evaluation.ranking
    pictures = []
    if ranking is not None and any(ranking.importances.values()):
        pictures.append(
            picture(
                importance_points(ranking.importances, best=evaluation.best),
                "The AUC that each model loses on validation when one feature is shuffled, with 95 % intervals.",
                title="Permutation importance",
                note=f"{only_some(evaluation)}Shuffled among the validation events, which leaves each feature's "
                "distribution as it is. Of two features that say the same, neither may seem to matter.",
                numbers=importance_numbers(ranking.importances),
            )
        )
    if ranking is not None and ranking.backward:
        pictures.append(
            picture(
                backward_curve(ranking),
                "The AUC on validation with ever fewer features, each step without the feature that is missed least.",
                title="Leaving features out",
                note=backward_note(ranking),
                numbers=backward_numbers(ranking),
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
        pictures.append(
            picture(correlation_map(matrix, labels, title=group), alt, numbers=correlation_numbers(matrix, labels))
        )
    return pictures


def _rocs(evaluation: Evaluation) -> list[Picture]:
    background, signal = evaluation.classes
    curves = {name: model.roc for name, model in evaluation.models.items()}
    bands = bands_note(curves, evaluation.best)
    return [
        picture(
            roc_curves(evaluation),
            f"ROC curves: {signal} efficiency against {background} efficiency for every model.",
            title="Receiver operating characteristic",
            note=bands,
            numbers=roc_numbers(curves),
        ),
        picture(
            rejection_curves(evaluation),
            f"{background} rejection on a logarithmic axis against {signal} efficiency for every model.",
            title="Background rejection",
            note=bands,
            numbers=rejection_numbers(curves),
        ),
        picture(
            low_background_roc(evaluation, sections.named_points(evaluation.working_points.get(evaluation.best, ()))),
            f"ROC curves on a logarithmic axis of {background} efficiency, down to a single test event.",
            title="Where little background is left",
            note=_low_background_note(evaluation),
            numbers=roc_numbers(curves),
        ),
    ]


def _low_background_note(evaluation: Evaluation) -> str:
    note = "From a single background event of the test part on; above the left end of a curve there is none."
    named = sections.named_points(evaluation.working_points.get(evaluation.best, ()))
    marked = f"Marks: working points of {evaluation.best} in this range; open where no background is left."
    return " ".join(filter(None, (note, marked if named else "", bands_note(evaluation.models, evaluation.best))))


def _thresholds(evaluation: Evaluation) -> list[Picture]:
    background, signal = evaluation.classes
    return [
        picture(
            threshold_curves(
                model.thresholds, sections.named_points(evaluation.working_points.get(name, ())), evaluation.classes
            ),
            f"{signal} and {background} efficiency of {name} against the cut on its score.",
            title=name,
            numbers=scan_numbers(model.thresholds),
        )
        for name, model in evaluation.models.items()
        if model.thresholds is not None
    ]


def _scores(evaluation: Evaluation, name: str) -> Picture:
    model = evaluation.models[name]
    return picture(
        score_distributions(model.scores, evaluation.classes, simulated=evaluation.data.origin == "simulated"),
        f"Scores of {name} for {' and '.join(evaluation.classes)}, in train and in test.",
        title=name,
        note=model.overtraining.verdict or UNKNOWN,
    )
