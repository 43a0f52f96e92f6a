"""The tables and sentences of the page, section by section; strings only, which the template escapes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepsieve.evaluate.cut import threshold_text
from hepsieve.evaluate.evaluation import AnyEvaluation, models_of
from hepsieve.evaluate.results import Confusion, Evaluation, ModelEvaluation, Overtraining, WorkingPoint
from hepsieve.report.inputs import Audit, RunRecord
from hepsieve.report.summary import (
    UNKNOWN,
    Cell,
    column_cells,
    metric_cells,
    metric_title,
    number,
    p_value,
    percent,
    tested,
)

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with column titles; each row begins with its own title."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def headline(evaluation: AnyEvaluation) -> str:
    """One sentence: on which and how many events the figures rest."""
    data = evaluation.data
    shares = ""
    if isinstance(evaluation, Evaluation) and "test" in data.n_signal and "test" in data.n_background:
        background, signal = evaluation.classes
        shares = f" ({number(data.n_signal['test'], 0)} {signal}, {number(data.n_background['test'], 0)} {background})"
    unseen = "on which nothing was fitted, stopped early or chosen."
    if evaluation.test_openings > 1:
        unseen = (
            f"which were opened {evaluation.test_openings} times: a model that was chosen after looking is no longer "
            "judged on unseen events."
        )
    return f"Measured on {tested(data.n_test, data.origin)}{shares}, {unseen}"


@dataclass(frozen=True, kw_only=True)
class DrawnEvents:
    """Sentences on figures that rest on some of very many training events; empty where they rest on all."""

    judged: str
    shown: str


def drawn_events(evaluation: AnyEvaluation) -> DrawnEvents:
    """Which figures come from training events drawn by chance, and from how many."""
    data = evaluation.data
    total = number(data.n_train, 0)
    some = {
        kind: "" if n is None else f"from {number(n, 0)} of {total} training events, drawn by chance."
        for kind, n in (("judged", data.n_train_judged), ("shown", data.n_train_shown))
    }
    return DrawnEvents(
        judged=some["judged"] and f"Train figures {some['judged']}", shown=some["shown"] and f"Drawn {some['shown']}"
    )


def model_warnings(evaluation: AnyEvaluation) -> tuple[tuple[str, str], ...]:
    """Model and warning, for every warning of every model."""
    return tuple((name, warning) for name, model in evaluation.models.items() for warning in model.warnings)


def metric_table(evaluation: AnyEvaluation, metrics: tuple[str, ...], *, part: str) -> Table:
    """Metrics down, models across, on the test or the validation part."""
    models = list(models_of(evaluation).values())
    rows = []
    for metric in metrics:
        digits = 2 if "rejection" in metric else 3
        validation = column_cells([model.validation.get(metric) for model in models], digits=digits)
        rows.append(
            (Cell(value=metric_title(metric)), *(metric_cells(models, metric) if part == "test" else validation))
        )
    return Table(columns=("metric", *evaluation.models), rows=tuple(rows))


def validation_metrics(evaluation: AnyEvaluation) -> tuple[str, ...]:
    """The metrics that were measured on the validation part."""
    return tuple(dict.fromkeys(metric for model in evaluation.models.values() for metric in model.validation))


def parts_table(evaluation: AnyEvaluation) -> Table:
    """How many events, of each class where there are any, stand in each part."""
    data = evaluation.data
    totals = {"train": data.n_train, "validation": data.n_validation, "test": data.n_test}
    # Cross-validated, the training and the validation events are the same ones.
    titles = {part: part for part in PARTS} if data.folds is None else {"train": f"{data.folds} folds", "test": "test"}
    classes = evaluation.classes[::-1] if isinstance(evaluation, Evaluation) else ()
    rows = []
    for part, title in titles.items():
        counted = (data.n_signal, data.n_background) if classes else ()
        shares = (_count(counts.get(part), totals[part]) for counts in counted)
        rows.append((Cell(value=title), Cell(value=number(totals[part], 0)), *shares))
    return Table(columns=("part", "events", *classes), rows=tuple(rows))


def _count(events: int | None, total: int) -> Cell:
    if events is None:
        return Cell(value=UNKNOWN)
    return Cell(value=number(events, 0), interval=f"({percent(events / total)})" if total else "")


def per_class_table(model: ModelEvaluation) -> Table:
    """Precision, recall and F1 of each class."""
    figures = model.per_class
    columns = [column_cells([getattr(one, name) for one in figures]) for name in ("precision", "recall", "f1")]
    return Table(
        columns=("class", "precision", "recall", "F1"),
        rows=tuple(
            (Cell(value=one.name, interval=f"{number(one.events, 0)} events"), *(column[k] for column in columns))
            for k, one in enumerate(figures)
        ),
    )


def named_points(points: tuple[WorkingPoint, ...]) -> tuple[WorkingPoint, ...]:
    """The points that the config names, without those that are quoted of every run."""
    return tuple(point for point in points if "@" not in point.name and point.name != "best_significance")


def working_point_table(points: tuple[WorkingPoint, ...]) -> Table:
    """Cuts on the score, named ones first, and what they keep of the test part."""
    named = named_points(points)
    points = (*named, *(point for point in points if point not in named))
    signal = column_cells([point.signal_efficiency for point in points])
    background = column_cells([point.background_efficiency for point in points])
    rejection = column_cells([point.background_rejection for point in points], digits=2)
    return Table(
        columns=("working point", "cut: score ≥", "signal efficiency", "background efficiency", "background rejection"),
        rows=tuple(
            (
                Cell(value=point.name, interval=point.wanted if point in named else ""),
                Cell(value=threshold_text(point.threshold), interval="given" if point.set_on == "config" else ""),
                signal[k],
                background[k],
                rejection[k],
            )
            for k, point in enumerate(points)
        ),
    )


def where_cuts_were_set(evaluation: Evaluation) -> str:
    """One sentence: which events set the thresholds."""
    places = {point.set_on for points in evaluation.working_points.values() for point in points}
    if "out-of-fold" in places:
        where = "on the training part, each event scored by a training that did not see it"
    elif "validation" in places:
        where = "on the validation part"
    else:
        return "The cuts were given in the configuration."
    given = "; those marked “given” stand in the configuration" if "config" in places else ""
    return f"The cuts were set {where}{given}."


def out_of_fold_table(evaluation: Evaluation) -> Table | None:
    """Figures over all events, each scored only by models that did not see it; None where no model has them."""
    known = {name: model.out_of_fold for name, model in evaluation.models.items() if model.out_of_fold is not None}
    if not known:
        return None
    rows = []
    for metric in dict.fromkeys(metric for result in known.values() for metric in result.metrics):
        cells = column_cells([result.metrics.get(metric) for result in known.values()])
        rows.append((Cell(value=metric_title(metric)), *cells))
    return Table(columns=("metric", *known), rows=tuple(rows))


def out_of_fold_events(evaluation: Evaluation) -> str:
    """How many events of each class the out-of-fold figures rest on; empty where there are none."""
    background, signal = evaluation.classes
    counted = {
        f"{number(result.n_signal, 0)} {signal} and {number(result.n_background, 0)} {background}"
        for result in (model.out_of_fold for model in evaluation.models.values())
        if result is not None
    }
    return "; ".join(sorted(counted))


def overtraining_table(checks: Mapping[str, Overtraining], classes: tuple[str, str]) -> Table:
    """How far train and test differ, one row a model."""
    background, signal = classes
    train = column_cells([check.train_auc for check in checks.values()])
    gap = column_cells([check.auc_gap for check in checks.values()])
    loss = column_cells([check.loss_gap for check in checks.values()])
    validation_loss = column_cells([check.validation_loss_gap for check in checks.values()])
    return Table(
        columns=(
            "model",
            "AUC on train",
            "AUC, train − test",
            "log loss, test − train",
            "log loss, validation − train",
            f"KS distance, {signal}",
            f"KS distance, {background}",
        ),
        rows=tuple(
            (
                Cell(value=name),
                train[k],
                gap[k],
                loss[k],
                validation_loss[k],
                Cell(value=f"{check.ks_signal:.4f}", interval=f"(p {_p(check.ks_signal_p)})"),
                Cell(value=f"{check.ks_background:.4f}", interval=f"(p {_p(check.ks_background_p)})"),
            )
            for k, (name, check) in enumerate(checks.items())
        ),
    )


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


@dataclass(frozen=True, kw_only=True)
class ConfusionCell:
    """Events of one true class with one prediction, and their share of the true class (0 to 1)."""

    count: str
    percent: str
    share: str
    right: bool


def confusion_rows(confusion: Confusion) -> tuple[tuple[str, tuple[ConfusionCell, ...]], ...]:
    """The confusion matrix, one row a true class."""
    rows = []
    for truth, counts in enumerate(confusion.counts):
        total = sum(counts)
        whole = all(float(count).is_integer() for count in counts)
        cells = tuple(
            ConfusionCell(
                count=number(count, 0 if whole else 1),
                percent=percent(count / total) if total else UNKNOWN,
                share=f"{min(max(count / total, 0.0), 1.0) if total else 0.0:.3f}",
                right=truth == prediction,
            )
            for prediction, count in enumerate(counts)
        )
        rows.append((confusion.classes[truth], cells))
    return tuple(rows)


def audit_counts(audit: Audit) -> str:
    """What the audit looked at, in words."""
    scalars = {key: value for key, value in audit.checked.items() if isinstance(value, str | int | float)}
    return ", ".join(
        f"{number(value, 0) if isinstance(value, int) else value} {_counted(key, value)}"
        for key, value in scalars.items()
    )


def _counted(key: str, value: object) -> str:
    words = key.replace("_", " ")
    return words.removesuffix("s") if value == 1 else words


def record_section(record: RunRecord) -> dict[str, Any]:
    """What the run folder tells about how the run was made."""
    return {
        "log": log_rows(record),
        "facts": facts(record),
        "command": command(record),
        "packages": packages(record),
    }


def facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """What the manifest tells besides files: when, from which commit, which data and which seeds."""
    manifest = record.manifest or {}
    rows = [("seed", str(record.config.seed))]
    for key, value in manifest.items():
        if key in {"files", "packages", "format", "command"}:
            continue
        title = key.replace("_", " ")
        if isinstance(value, dict):
            rows += [(f"{title}: {inner}", _plain(what)) for inner, what in value.items()]
        else:
            rows.append((title, _plain(value)))
    return tuple(rows)


def command(record: RunRecord) -> str:
    """What was typed to make the run, as a shell reads it; empty where the manifest does not tell."""
    words = (record.manifest or {}).get("command", ())
    return shlex.join(str(word) for word in words) if isinstance(words, list) else ""


def packages(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Package and version, as the manifest has them."""
    listed = (record.manifest or {}).get("packages", {})
    return tuple((str(name), _plain(version)) for name, version in listed.items()) if isinstance(listed, dict) else ()


def log_rows(record: RunRecord) -> tuple[tuple[str, str, str], ...]:
    """Time, event and everything else of each line in the log."""
    return tuple(
        (
            _plain(line.get("time")),
            _plain(line.get("event")),
            ", ".join(f"{key} {_plain(value)}" for key, value in line.items() if key not in {"time", "event"}),
        )
        for line in record.log
    )


def _plain(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return str(value)
