"""An evaluation of either kind, and how the text of evaluation.json becomes one again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from hepsieve.evaluate.regression_results import RegressionEvaluation, RegressionModel
from hepsieve.evaluate.results import Evaluation, ModelEvaluation

AnyEvaluation = Evaluation | RegressionEvaluation
AnyModel = ModelEvaluation | RegressionModel

_ANY: TypeAdapter[AnyEvaluation] = TypeAdapter(
    Annotated[Evaluation | RegressionEvaluation, Field(discriminator="kind")]
)


def models_of(evaluation: AnyEvaluation) -> dict[str, AnyModel]:
    """What is quoted about each model, by name."""
    return {**evaluation.models}


def read_evaluation(text: str) -> AnyEvaluation:
    """The evaluation that ``to_json`` wrote.

    Raises:
        ValueError: if the text is none.
    """
    return _ANY.validate_json(text)
