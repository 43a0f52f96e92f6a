"""A folder of runs to its log: what each run used, what it reached, and in which settings the runs of a task differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from hepsieve.differences import Settings, cut, differing, in_words, most_common, value_in_words
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.evaluate.results import DataSummary, Quantity
from hepsieve.folder import find_runs, open_run
from hepsieve.report.contents import Section
from hepsieve.report.leaderboard_sentences import portfolio_sentence
from hepsieve.report.page import environment, write_text
from hepsieve.report.summary import UNKNOWN, cell

PAGE = "runs.html"
_MOST_IN_A_CELL = 6
_OF_PORTFOLIO = {"budget", "used", "ensemble", "best_single", "gain", "p_value"}
_FIGURES = {"auc": "AUC", "rmse": "RMSE"}

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """What the log says about one finished run.

    Attributes:
        name: its folder's name.
        task: its task.
        created: when it was started, in UTC.
        data: the events that its figures rest on.
        models: all of its models.
        best: the one that validation preferred.
        figure: of the best model, on the test part: the AUC, of a regression the RMSE.
        figure_name: ``auc`` or ``rmse``.
        test_openings: how often the test part was opened.
        settings: its values of the keys in which the runs of its task differ; None for a key that it does not have.
        differs: the ones of these values that are not the most common ones among the runs of its task.
        leaderboard: of a portfolio; None where there was none.
    """

    name: str
    task: str
    created: datetime
    data: DataSummary
    models: tuple[str, ...]
    best: str
    figure: Quantity
    figure_name: Literal["auc", "rmse"]
    test_openings: int
    settings: Settings
    differs: Settings
    leaderboard: Leaderboard | None = None

    @property
    def portfolio(self) -> str:
        """What a portfolio was made of and what its ensemble gained; empty where there was none."""
        return "" if self.leaderboard is None else portfolio_sentence(self.leaderboard)

    @property
    def date(self) -> str:
        """Day and minute, UTC."""
        return f"{self.created.astimezone(UTC):%Y-%m-%d %H:%M}"

    def row(self, figure_title: str) -> Row:
        """The run as one line of a table; ``figure_title`` is that of the figure's column."""
        alone = figure_title == f"{_FIGURES[self.figure_name]} of ★"
        return {
            "run": self.name,
            "date (UTC)": self.date,
            "task": self.task,
            "data": f"{self.data.origin} {self.data.fingerprint[:8]} ({_sources(self.data.sources)})",
            "test events": str(self.data.n_test),
            "models": ", ".join(f"{name} ★" if name == self.best else name for name in self.models),
            figure_title: str(cell(self.figure)) if alone else f"{_FIGURES[self.figure_name]} {cell(self.figure)}",
            "test openings": str(self.test_openings),
            "differs": in_words(_but_models(self.differs), most=_MOST_IN_A_CELL) or UNKNOWN,
        }

    def content(self) -> dict[str, Any]:
        """Everything about the run, ready for JSON."""
        return {
            "run": self.name,
            "task": self.task,
            "created": self.created.isoformat(timespec="seconds"),
            "data": {
                "origin": self.data.origin,
                "fingerprint": self.data.fingerprint,
                "sources": self.data.sources,
                "n_test": self.data.n_test,
            },
            "models": self.models,
            "best": self.best,
            self.figure_name: self.figure.model_dump(),
            "test_openings": self.test_openings,
            "differs": dict(self.differs),
            "settings": dict(self.settings),
            **({} if self.leaderboard is None else {"portfolio": self.leaderboard.model_dump(include=_OF_PORTFOLIO)}),
        }


@dataclass(frozen=True, kw_only=True)
class DamagedRun:
    """A run that can't be trusted: it stays in the log, without figures."""

    name: str
    why: str

    def row(self, figure_title: str) -> Row:
        """The run as one line of a table."""
        columns = ("date (UTC)", "task", "data", "test events", "models", figure_title, "test openings", "differs")
        return {"run": self.name, **dict.fromkeys(columns, UNKNOWN), "task": "damaged", "differs": self.why}

    def content(self) -> dict[str, Any]:
        """What is known, ready for JSON."""
        return {"run": self.name, "task": f"damaged: {self.why}"}


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """The runs of a folder, oldest first.

    Attributes:
        folder: where they are.
        runs: the sound ones.
        damaged: the others.
        usual: by task, the most common value of every key in which its runs differ (of equally common ones the oldest
            run's).
    """

    folder: Path
    runs: tuple[LoggedRun, ...]
    damaged: tuple[DamagedRun, ...]
    usual: Mapping[str, Settings]

    @property
    def figure_title(self) -> str:
        """What the figure of the runs' best models is called: the AUC, of regressions the RMSE."""
        named = dict.fromkeys(run.figure_name for run in self.runs)
        return f"{' or '.join(_FIGURES[name] for name in sorted(named or ('auc',)))} of ★"

    def rows(self) -> list[Row]:
        """One line for each run."""
        title = self.figure_title
        return [*(run.row(title) for run in self.runs), *(run.row(title) for run in self.damaged)]

    def shown(self) -> tuple[str, ...]:
        """The columns of ``rows`` that fit a terminal."""
        return ("run", "models", self.figure_title, "differs")

    def note(self) -> str:
        """What "differs" compares with, and what portfolios came to."""
        if not self.runs and not self.damaged:
            return f"no runs in {self.folder}"
        usual = (
            f"{task}, where a run says nothing else: {in_words(_but_models(usual))}"
            for task, usual in self.usual.items()
            if _but_models(usual)
        )
        return "\n".join([*usual, *(f"{run.name}: {run.portfolio}" for run in self.runs if run.portfolio)])

    def to_json(self) -> str:
        """All runs with all keys in which they differ, as a JSON list."""
        content = [*(run.content() for run in self.runs), *(run.content() for run in self.damaged)]
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def read_log(folder: Path) -> RunLog:
    """The finished runs in a folder, each verified.

    Raises:
        DataError: if there is no such folder.
    """
    opened, damaged = [], []
    for path in find_runs(folder):
        try:
            opened.append(open_run(path))
        except HepsieveError as error:
            damaged.append(DamagedRun(name=path.name, why=str(error)))
    started = {run.path: _when(run.manifest) for run in opened}
    opened.sort(key=lambda run: (started[run.path], run.path.name))
    configs = {
        task: {run.path: run.config for run in opened if run.evaluation.task == task}
        for task in dict.fromkeys(run.evaluation.task for run in opened)
    }
    settings = {path: own for of_task in configs.values() for path, own in differing(of_task).items()}
    usual = {task: most_common([settings[path] for path in of_task]) for task, of_task in configs.items()}
    runs = tuple(
        LoggedRun(
            name=run.path.name,
            task=run.evaluation.task,
            created=started[run.path],
            data=run.evaluation.data,
            models=tuple(run.evaluation.models),
            best=run.evaluation.best,
            figure=run.evaluation.models[run.evaluation.best].metrics[_figure_name(run.evaluation)],
            figure_name=_figure_name(run.evaluation),
            test_openings=run.evaluation.test_openings,
            settings=settings[run.path],
            leaderboard=run.evaluation.leaderboard,
            differs={k: v for k, v in settings[run.path].items() if v != usual[run.evaluation.task][k]},
        )
        for run in opened
    )
    return RunLog(folder=folder, runs=runs, damaged=tuple(damaged), usual=usual)


def _figure_name(evaluation: AnyEvaluation) -> Literal["auc", "rmse"]:
    return "rmse" if evaluation.kind == "regression" else "auc"


def _but_models(settings: Settings) -> Settings:
    """Without the list of models, which has a column of its own."""
    return {key: value for key, value in settings.items() if key != "models"}


def _sources(names: Sequence[str]) -> str:
    return cut(names[0] if names else UNKNOWN) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _when(manifest: Mapping[str, Any]) -> datetime:
    """When a run was started; the beginning of time where its manifest does not say."""
    try:
        when = datetime.fromisoformat(str(manifest.get("created")))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _contents(log: RunLog) -> list[Section]:
    """The page's sections: one a task, and one for what is damaged."""
    tasks = [Section(id=f"task-{k}", name=task) for k, task in enumerate(log.usual, 1)]
    return [*tasks, Section(id="damaged", name="Damaged")] if log.damaged else tasks


def write_page(log: RunLog) -> Path:
    """The log as an HTML page in its folder, each run leading to its report.

    Raises:
        HepsieveError: if the page can't be written.
    """
    pages = environment()
    pages.filters["shown"] = value_in_words
    tasks = {task: [run for run in log.runs if run.task == task] for task in log.usual}
    text = pages.get_template("runs.html.j2").render(log=log, tasks=tasks, cell=cell, contents=_contents(log))
    write_text(log.folder / PAGE, text)
    return log.folder / PAGE
