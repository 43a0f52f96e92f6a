"""What a command answers, ready to be shown: tables, sentences and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hepsieve.audit import Audit
from hepsieve.audit.description import Description
from hepsieve.data.read_arrays import CONVERTED
from hepsieve.evaluate.application import Application
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.evaluate.results import Evaluation
from hepsieve.evaluate.run_comparison_results import RunComparison
from hepsieve.evaluate.tuning import Tuning
from hepsieve.events import Origin
from hepsieve.report.applied import applied_rows, applied_summary, drift_rows, drift_summary
from hepsieve.report.applied_regression import regression_columns, regression_rows, regression_summary
from hepsieve.report.calibration_section import calibration_remark
from hepsieve.report.compared import comparison_sentence, selection_says
from hepsieve.report.compared_runs import model_rows, paired_rows, said
from hepsieve.report.description import (
    class_balance,
    feature_rows,
    missing_rows,
    missing_sentence,
    pair_rows,
    pairs_sentence,
    remarks,
)
from hepsieve.report.leaderboard_section import board_columns, board_rows, left_out_sentence
from hepsieve.report.leaderboard_sentences import budget_sentence, ensemble_sentence, gain_sentence
from hepsieve.report.learned import learned_sentences
from hepsieve.report.physics_section import physics_sentence
from hepsieve.report.regression import limit_sentence
from hepsieve.report.slices import slice_below, slice_columns, slice_note, slice_rows
from hepsieve.report.summary import (
    chosen_after,
    compared_figure,
    metric_title,
    number,
    results_table,
    table_metrics,
    tested,
)
from hepsieve.report.tuning_section import BEST_TRIALS, best_trials, trial_columns, trial_rows
from hepsieve.report.tuning_sentences import failures, found_sentence
from hepsieve.report.weights_section import weights_sentence

Row = dict[str, str]
MANY_MODELS = 4


@dataclass(frozen=True, kw_only=True)
class Finished:
    """An evaluation with the place of its report, ready to be shown.

    Attributes:
        more: how to get more events than those that the task simulated; empty where it read files.
    """

    evaluation: AnyEvaluation
    report: Path | None
    more: str = ""

    @property
    def trials(self) -> TrialsShown | None:
        """The trials of a search; None where there was none."""
        return None if self.evaluation.tuning is None else TrialsShown(tuning=self.evaluation.tuning)

    @property
    def leaderboard(self) -> LeaderboardShown | None:
        """The models of a portfolio beside their ensemble; None where there was none."""
        return None if self.evaluation.leaderboard is None else LeaderboardShown(board=self.evaluation.leaderboard)

    def table(self) -> list[Row]:
        """The results, one row per model."""
        return results_table(self.evaluation)

    @property
    def many(self) -> bool:
        """Whether so many models were trained that it was a scan."""
        return len(self.evaluation.models) > MANY_MODELS

    def summary(self) -> str:
        """What the figures rest on, which model is best, what differs from it, and where the report is."""
        data = self.evaluation.data
        lines = [
            f"{self.evaluation.task}: {tested(data.n_test, data.origin)}, 95 % intervals",
            data.details.get(CONVERTED, ""),
            self.evaluation.best_by,
            *learned_sentences(self.evaluation),
            *([] if self.leaderboard is None else self.leaderboard.said()),
            selection_says(self.evaluation),
            self._differs(),
            weights_sentence(self.evaluation.weights),
            calibration_remark(self.evaluation),
            self._opened(),
            self._says(),
            self._expects(),
            self.more,
            "" if self.report is None else f"report: {self.report}",
        ]
        return "\n".join(line for line in lines if line)

    def _differs(self) -> str:
        """Which models differ from the best one; empty where that is an ensemble of one, which has no others."""
        board = self.evaluation.leaderboard
        return "" if board is not None and len(board.rows) == 2 else comparison_sentence(self.evaluation)

    def _opened(self) -> str:
        """That the best model was chosen after looking at the test part; empty where it was not."""
        label = chosen_after(self.evaluation)
        return f"{self.evaluation.best} was {label}: no longer judged on unseen events" if label else ""

    def shown(self) -> tuple[str, ...]:
        """The columns of ``table`` that fit a terminal."""
        if self.many:
            figure = compared_figure(self.evaluation)
            epochs = () if self.evaluation.kind == "regression" else ("epochs",)
            return ("model", *epochs, f"validation {figure}", figure, "against best")
        if isinstance(self.evaluation, Evaluation):
            return ("model", "AUC", "accuracy", "log loss", "rejection at 50 % signal")
        tolerances = [title for title in map(metric_title, table_metrics(self.evaluation)) if "accuracy" in title]
        return ("model", "RMSE", "bias", "resolution", *tolerances[:1])

    def _says(self) -> str:
        """How the best model stands against the bound, or from which value on it tells signal from background."""
        if isinstance(self.evaluation, Evaluation):
            return "" if self.evaluation.slices is None else self.evaluation.slices.says
        return limit_sentence(self.evaluation)

    def _expects(self) -> str:
        """What the best model lets expect at the task's yields; empty where it gave none."""
        return physics_sentence(self.evaluation) if isinstance(self.evaluation, Evaluation) else ""

    def slices(self) -> list[Row]:
        """The AUC by the values of a column, one row a value; no rows where that was not asked for."""
        return slice_rows(self.evaluation) if isinstance(self.evaluation, Evaluation) else []

    def slices_shown(self) -> tuple[str, ...]:
        """The columns of ``slices`` that fit a terminal."""
        return slice_columns(self.evaluation) if isinstance(self.evaluation, Evaluation) else ()

    def slices_below(self) -> dict[str, tuple[str, ...]]:
        """The columns of ``slices`` that go below others there."""
        return slice_below(self.evaluation) if isinstance(self.evaluation, Evaluation) else {}

    def slices_note(self) -> str:
        """What the slices show, and that a terminal has no room for all models."""
        if not isinstance(self.evaluation, Evaluation):
            return ""
        named = {column.partition(": ")[0] for column in self.slices_shown()}
        left_out = sum(name not in named for name in self.evaluation.models)
        what = "1 more model" if left_out == 1 else f"{left_out} more models"
        return slice_note(self.evaluation) + (f"\n{what} in the report, in a pipe and with --json" if left_out else "")


@dataclass(frozen=True, kw_only=True)
class JudgedAgain:
    """What judging a run again gave, ready to be shown.

    Attributes:
        finished: all figures; None on other data of one class, and on those of a regression.
        application: the stored working points on other data, or what a regression predicts for them; None on the run's
            own test part.
    """

    finished: Finished | None
    application: Application | RegressionApplication | None

    def applied(self) -> list[Row]:
        """What the run makes of other data, as a table."""
        match self.application:
            case Application():
                return applied_rows(self.application)
            case RegressionApplication():
                return regression_rows(self.application)
            case None:
                return []

    def applied_shown(self) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], tuple[str, ...]]:
        """The columns of ``applied`` that fit a terminal, which go below which, and which are never folded."""
        match self.application:
            case Application():
                only = ("working point", "signal efficiency", "background efficiency", "signal in the run")
                return only, {"working point": ("wanted", "cut")}, ("working point",)
            case RegressionApplication():
                return regression_columns(self.application)
            case None:
                return (), {}, ()

    def applied_note(self) -> str:
        """Which data these are, and what the table can't show."""
        match self.application:
            case Application():
                # Beside an evaluation of the same data the remarks stand there.
                said = self.application.remarks if self.finished is None else ()
                return "\n".join([applied_summary(self.application), *said])
            case RegressionApplication():
                return "\n".join([regression_summary(self.application), *self.application.remarks])
            case None:
                return ""

    def drift(self) -> list[Row]:
        """The features that have drifted, strongest first."""
        return [] if self.application is None else drift_rows(self.application.drift)

    def drift_note(self) -> str:
        """How many features have drifted."""
        return "" if self.application is None else drift_summary(self.application.drift)

    def to_json(self) -> str:
        """The evaluation; on other data an object that holds it (or null) beside the working points and the drift."""
        if self.finished is not None and self.application is None:
            return self.finished.evaluation.to_json()
        content = {
            "evaluation": None if self.finished is None else self.finished.evaluation.model_dump(mode="json"),
            **({} if self.application is None else self.application.model_dump(mode="json")),
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class TrialsShown:
    """The best trials of a search, ready to be shown."""

    tuning: Tuning

    def rows(self) -> list[Row]:
        """One row a trial, the best first."""
        return trial_rows(self.tuning, best_trials(self.tuning, BEST_TRIALS))

    def shown(self) -> tuple[str, ...]:
        """The columns of ``rows`` that fit a terminal: of many settings those that matter most."""
        return trial_columns(self.tuning, most=3)

    def note(self) -> str:
        """How many trials there were, why some failed, and what the choice is worth."""
        said = [found_sentence(self.tuning), *failures(self.tuning), *self.tuning.notes]
        if self.tuning.optimism is not None:
            said.append(self.tuning.optimism.says)
        return "\n".join(said)


@dataclass(frozen=True, kw_only=True)
class LeaderboardShown:
    """The models of a portfolio beside their ensemble, ready to be shown."""

    board: Leaderboard

    def rows(self) -> list[Row]:
        """One row a model, the ensemble first."""
        return board_rows(self.board)

    def shown(self) -> tuple[str, ...]:
        """The columns of ``rows`` that fit a terminal."""
        return board_columns(self.board)

    def said(self) -> tuple[str, ...]:
        """What the time was used for, what the ensemble is, what it gained, and what could not be trained."""
        left_out = map(left_out_sentence, self.board.skipped)
        made = (ensemble_sentence(self.board), *self.board.notes)
        return (budget_sentence(self.board), *left_out, *made, gain_sentence(self.board))


@dataclass(frozen=True, kw_only=True)
class ComparedRuns:
    """Models of several runs on the test events that these share, ready to be shown.

    Attributes:
        page: where the page was written, if one was asked for.
    """

    comparison: RunComparison
    page: Path | None = None

    def models(self) -> list[Row]:
        """What each model reaches, one row a model."""
        return model_rows(self.comparison)

    def models_shown(self) -> tuple[str, ...]:
        """The columns of ``models`` that fit a terminal."""
        return tuple(self.models()[0])[:4]

    def pairs(self) -> list[Row]:
        """All pairs, one row each."""
        return paired_rows(self.comparison)

    def pairs_shown(self) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        """The columns of ``pairs`` that fit a terminal, and the one that goes below another there."""
        return tuple(title for title in self.pairs()[0] if title not in ("against", "p")), {"model": ("against",)}

    def note(self) -> str:
        """What differs, what picking the best gives by itself, and where the page is."""
        return "\n".join([*said(self.comparison), *([] if self.page is None else [f"page: {self.page}"])])

    def to_json(self) -> str:
        """Everything as one JSON object."""
        return self.comparison.to_json()


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What is in some data and what is wrong with them, ready to be shown.

    Attributes:
        page: where the page was written, if one was asked for.
    """

    audit: Audit
    description: Description
    name: str
    origin: Origin
    page: Path | None = None

    def title(self) -> str:
        """What was looked at, with its classes; remarks on the events below."""
        events = number(sum(self.description.counts), 0)
        first = f"{self.name}: {events} {self.origin.kind} events, {class_balance(self.description)}"
        converted = self.origin.details.get(CONVERTED, "")
        return "\n".join(line for line in (first, converted, *remarks(self.description)) if line)

    def columns(self) -> list[Row]:
        """The describe table, one row a feature."""
        return feature_rows(self.description)

    def missing(self) -> list[Row]:
        """Features with missing or infinite values."""
        return missing_rows(self.description)

    def missing_note(self) -> str:
        """How many events lack a value, or that none does."""
        return missing_sentence(self.description)

    def pairs(self) -> list[Row]:
        """Pairs of features that are correlated above the threshold."""
        return pair_rows(self.description)

    def pairs_note(self) -> str:
        """How many pairs there are, or which comes closest."""
        return pairs_sentence(self.description)

    def findings(self) -> list[Row]:
        """What the audit found, worst first."""
        findings = self.audit.worst_first().findings
        return [{"severity": f.severity, "finding": f.key, "what": f.message} for f in findings]

    def findings_note(self) -> str:
        """That nothing was found, and where the page is."""
        nothing = "" if self.audit.findings else "the audit found nothing to complain about"
        page = "" if self.page is None else f"page: {self.page}"
        return "\n".join(line for line in (nothing, page) if line)

    def to_json(self) -> str:
        """The content of audit.json, and beside it that of description.json."""
        content = {**self.audit.content(), "description": self.description.model_dump(mode="json")}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
