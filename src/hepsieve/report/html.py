"""A run folder turned into one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.evaluate.results import Evaluation
from hepsieve.folder import REPORT
from hepsieve.report.classification import classification_context
from hepsieve.report.inputs import read_run
from hepsieve.report.page import environment, write_text
from hepsieve.report.regression import regression_context


def render(run: Path) -> str:
    """The page of a run folder as HTML text; equal folders give equal text.

    Raises:
        HepsieveError: naming the file that is missing or damaged.
    """
    record = read_run(run)
    match record.evaluation:
        case Evaluation():
            context = classification_context(record, record.evaluation)
            return environment().get_template("report.html.j2").render(context)
        case RegressionEvaluation():
            context = regression_context(record, record.evaluation)
            return environment().get_template("regression.html.j2").render(context)
        case _:
            assert_never(record.evaluation)


def write(run: Path) -> Path:
    """Render the page of a run folder to its ``report.html`` and return that path.

    Raises:
        HepsieveError: naming the file that is missing, damaged or can't be written.
    """
    page = run / REPORT
    write_text(page, render(run))
    return page
