"""A trained model as a folder: weights, preparation, schema and reference rows that prove it still scores the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from hepsieve.config import DataConfig
from hepsieve.errors import IntegrityError
from hepsieve.events import FloatArray
from hepsieve.manifest import verify, write_manifest
from hepsieve.models.config import ModelConfig
from hepsieve.models.load import load_model
from hepsieve.models.predictor import Predictor
from hepsieve.prepare import PREPARATION, AnyPreparation
from hepsieve.score_map import ScoreCalibration
from hepsieve.train.run import Fitted, mean_score, mixture_width

REFERENCE_ROWS = 20
CALIBRATION = "calibration.json"
TOLERANCE = 1e-5


class Schema(BaseModel):
    """What a model expects and what its score means.

    Attributes:
        task: the task that the model was trained for.
        classes: background and signal; scores near 1 mean the second.
        features: raw feature columns that it uses, in the order of the data that it was trained on.
        units: their units.
        data: how files were read (catalog, spellings of missing values, trees), and what a regression learned; the
            files themselves are left out.
        model: the model's name in its run.
        config: the model's configuration.
        members: how many trainings, one for each fold, the score is the mean of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    classes: tuple[str, str]
    features: tuple[str, ...]
    units: tuple[str, ...]
    data: DataConfig
    model: str
    config: ModelConfig
    members: PositiveInt = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One training of a model: its folder, its preparation and itself."""

    folder: Path
    preparation: AnyPreparation
    model: Predictor


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A model that was loaded and verified, ready to score raw features.

    Attributes:
        schema: what it expects.
        members: its trainings.
        shape: the shape of one raw event of its training: (p,) of tables, (height, width, p) of images, (samples, p) of
            waveforms.
        calibration: what the mean of its trainings' scores goes through; None in a folder that was written before there
            was any.
    """

    schema: Schema
    members: tuple[Part, ...]
    shape: tuple[int, ...]
    calibration: ScoreCalibration | None = None

    @property
    def folder(self) -> Path:
        """The model's folder."""
        first = self.members[0].folder
        return first if len(self.members) == 1 else first.parent

    def scores(self, features: FloatArray) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in the schema's columns or channels, shape (n, …, p) to (n,)."""
        score = mean_score([part.model.scores(inputs) for part, inputs in self._inputs(features)])
        return score if self.calibration is None else self.calibration(score)

    def predict(self, features: FloatArray) -> tuple[NDArray[np.float64], ...]:
        """What is written of raw features, shape (n, …, p), as `columns` names it.

        The scores of a classification; the predictions of a regression in the numbers of its files
        (``data.target.range``), and where the model predicts them their standard deviations; each of shape (n,).
        """
        target = self.schema.data.target
        if target is None:
            return (self.scores(features),)
        scores, widths = [], []
        for part, inputs in self._inputs(features):
            scores.append(part.model.scores(inputs))
            width = part.model.widths(inputs)
            if width is not None:
                widths.append(width)
        low, high = target.range
        predicted = low + (high - low) * mean_score(scores)
        if not widths:
            return (predicted,)
        return predicted, (high - low) * (widths[0] if len(widths) == 1 else mixture_width(scores, widths))

    def columns(self, name: str) -> tuple[str, ...]:
        """The names of what `predict` gives, where the score is called by this name."""
        if self.schema.data.target is None or self.schema.config.loss != "gaussian":
            return (name,)
        return (name, f"{name}_width")

    def _inputs(self, features: FloatArray) -> Iterator[tuple[Part, FloatArray]]:
        """Every member with its inputs, of which only those of one are in memory."""
        for part in self.members:
            yield part, part.preparation.apply(features, self.schema.features)

    @property
    def fills_missing(self) -> bool:
        """Whether the model learned what to put in place of missing values."""
        return self.members[0].preparation.fill is not None


def save_bundle(folder: Path, fitted: Fitted, schema: Schema, reference: FloatArray) -> None:
    """Write everything that scoring needs, with a manifest of its own.

    Args:
        folder: is created; the caller publishes it together with the run.
        fitted: the trained model.
        schema: its columns and classes.
        reference: raw features of a few training events, shape (m, …, p).
    """
    folder.mkdir(parents=True)
    for member, place in zip(fitted.members, _member_folders(folder, len(fitted.members)), strict=True):
        place.mkdir(exist_ok=True)
        member.trained.model.save(place)
        (place / "preparation.json").write_text(member.preparation.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / "schema.json").write_text(schema.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if fitted.calibration is not None:
        (folder / CALIBRATION).write_text(fitted.calibration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    rows = np.asarray(reference[:REFERENCE_ROWS])
    np.savez(folder / "reference.npz", features=rows, scores=fitted.score_features(rows, schema.features))
    write_manifest(folder, {})


def load_schema(folder: Path) -> Schema:
    """Verify a model folder, and read what the model expects.

    Raises:
        IntegrityError: if a file was changed.
    """
    verify(folder)
    try:
        return Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise IntegrityError(f"{folder}: its schema can't be read; train the model again") from None


def load_bundle(folder: Path) -> Bundle:
    """Verify a model folder, load it, and score its reference rows again.

    Raises:
        IntegrityError: if a file was changed or the reference rows score differently here.
    """
    schema = load_schema(folder)
    places = _member_folders(folder, schema.members)
    try:
        fitted = [(place / "preparation.json").read_text(encoding="utf-8") for place in places]
        preparations = [PREPARATION.validate_json(text) for text in fitted]
    except (OSError, ValidationError):
        raise IntegrityError(f"{folder}: its preparation can't be read; train the model again") from None
    members = tuple(
        Part(folder=place, preparation=fit, model=load_model(schema.config, place, fit.shape))
        for place, fit in zip(places, preparations, strict=True)
    )
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        features, scores = reference["features"], reference["scores"]
    bundle = Bundle(schema=schema, members=members, shape=features.shape[1:], calibration=_load_calibration(folder))
    difference = float(np.abs(bundle.scores(features) - scores).max())
    if not difference <= TOLERANCE:
        raise IntegrityError(
            f"{folder}: the reference rows score differently here (by {difference:.2g}); "
            "check the package versions in its manifest"
        )
    return bundle


def _load_calibration(folder: Path) -> ScoreCalibration | None:
    """What the manifest vouches for; None in a folder that has no such file."""
    if not (folder / CALIBRATION).is_file():
        return None
    try:
        return ScoreCalibration.model_validate_json((folder / CALIBRATION).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise IntegrityError(f"{folder}: its {CALIBRATION} can't be read; train the model again") from None


def _member_folders(folder: Path, members: int) -> list[Path]:
    return [folder] if members == 1 else [folder / f"fold-{number}" for number in range(1, members + 1)]
