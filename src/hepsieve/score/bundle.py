"""A trained model as a folder: weights, preparation, schema and reference rows that prove it still scores the same."""

from __future__ import annotations

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
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.models.load import load_model
from hepsieve.models.predictor import Predictor
from hepsieve.prepare import PREPARATION, AnyPreparation
from hepsieve.prepare.copies import COPIES, MirroredImages, TurnedTables
from hepsieve.score_map import ScoreCalibration
from hepsieve.train.run import Fitted, weighted_mean
from hepsieve.train.scored import mean_answers, mean_score, mixture_width, scores_of

REFERENCE_ROWS = 20
CALIBRATION = "calibration.json"
COPIES_FILE = "copies.json"
"""What the scores of a training are averaged over; there is none where nothing is averaged."""
COMBINED = "members"
"""The folder of an ensemble that holds a model folder for each of its members."""
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
    config: ModelConfig | EnsembleConfig
    members: PositiveInt = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One training of a model: its folder, its preparation and itself; and what its scores are averaged over."""

    folder: Path
    preparation: AnyPreparation
    model: Predictor
    copies: MirroredImages | TurnedTables | None = None

    def scores(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in columns of these names, shape (n,)."""
        return scores_of(self.model, self.preparation, features, names, copies=self.copies)

    def answers(
        self, features: FloatArray, names: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The same with the standard deviation of each score, where the model predicts it."""
        return mean_answers(self.model, self.preparation, features, names, copies=self.copies)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A model that was loaded and verified, ready to score raw features.

    Attributes:
        schema: what it expects.
        members: its trainings; of an ensemble those of all its models.
        shape: the shape of one raw event of its training: (p,) of tables, (height, width, p) of images, (samples, p) of
            waveforms.
        calibration: what the mean of its trainings' scores goes through; None in a folder that was written before there
            was any.
        combined: of an ensemble its models, in the order of its configuration.
    """

    schema: Schema
    members: tuple[Part, ...]
    shape: tuple[int, ...]
    calibration: ScoreCalibration | None = None
    combined: tuple[Bundle, ...] = ()

    @property
    def folder(self) -> Path:
        """The model's folder."""
        if self.combined:
            return self.combined[0].folder.parent.parent
        first = self.members[0].folder
        return first if len(self.members) == 1 else first.parent

    def scores(self, features: FloatArray) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in the schema's columns or channels, shape (n, …, p) to (n,)."""
        if self.combined:
            score = weighted_mean([one.scores(self._of(one, features)) for one in self.combined], self._weights)
        else:
            score = mean_score([part.scores(features, self.schema.features) for part in self.members])
        return score if self.calibration is None else self.calibration(score)

    def predict(self, features: FloatArray) -> tuple[NDArray[np.float64], ...]:
        """What is written of raw features, shape (n, …, p), as `columns` names it.

        The scores of a classification; the predictions of a regression in the numbers of its files
        (``data.target.range``), and where the model predicts them their standard deviations; each of shape (n,).
        """
        target = self.schema.data.target
        if target is None:
            return (self.scores(features),)
        low, high = target.range
        score, width = self._predicted(features)
        predicted = low + (high - low) * score
        return (predicted,) if width is None else (predicted, (high - low) * width)

    def _predicted(self, features: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """A regression's predictions and their standard deviations, as shares of the target's full scale."""
        scores, widths = [], []
        if self.combined:
            for one in self.combined:
                score, width = one._predicted(self._of(one, features))
                scores.append(score)
                widths += [] if width is None else [width]
            predicts = len(widths) == len(scores)
            return weighted_mean(scores, self._weights), (
                mixture_width(scores, widths, self._weights) if predicts else None
            )
        for part in self.members:
            score, width = part.answers(features, self.schema.features)
            scores.append(score)
            widths += [] if width is None else [width]
        if len(widths) < 2:
            return mean_score(scores), widths[0] if widths else None
        return mean_score(scores), mixture_width(scores, widths)

    @property
    def _weights(self) -> tuple[float, ...]:
        return tuple(self.schema.config.members.values()) if isinstance(self.schema.config, EnsembleConfig) else ()

    def _of(self, one: Bundle, features: FloatArray) -> FloatArray:
        """The columns of a member."""
        return features[..., [self.schema.features.index(name) for name in one.schema.features]]

    def columns(self, name: str) -> tuple[str, ...]:
        """The names of what `predict` gives, where the score is called by this name."""
        if self.schema.data.target is None or self.schema.config.loss != "gaussian":
            return (name,)
        return (name, f"{name}_width")

    @property
    def fills_missing(self) -> bool:
        """Whether the model learned what to put in place of missing values."""
        return all(member.preparation.fill is not None for member in self.members)


def save_bundle(folder: Path, fitted: Fitted, schema: Schema, reference: FloatArray) -> None:
    """Write everything that scoring needs, with a manifest of its own.

    Args:
        folder: is created; the caller publishes it together with the run.
        fitted: the trained model.
        schema: its columns and classes.
        reference: raw features of a few training events, shape (m, …, p).
    """
    folder.mkdir(parents=True)
    if fitted.combined:
        _save_combined(folder / COMBINED, fitted, schema, reference)
    trainings = () if fitted.combined else fitted.members
    for member, place in zip(trainings, _member_folders(folder, len(trainings)), strict=True):
        place.mkdir(exist_ok=True)
        member.trained.model.save(place)
        (place / "preparation.json").write_text(member.preparation.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if member.copies is not None:
            (place / COPIES_FILE).write_text(member.copies.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / "schema.json").write_text(schema.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if fitted.calibration is not None:
        (folder / CALIBRATION).write_text(fitted.calibration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    rows = np.asarray(reference[:REFERENCE_ROWS])
    np.savez(folder / "reference.npz", features=rows, scores=fitted.score_features(rows, schema.features))
    write_manifest(folder, {})


def _save_combined(below: Path, fitted: Fitted, schema: Schema, reference: FloatArray) -> None:
    """Each model of an ensemble as a folder that could score by itself."""
    for one in fitted.combined:
        used = {feature for member in one.members for feature in member.preparation.features}
        columns = [k for k, name in enumerate(schema.features) if name in used]
        own = {
            "features": tuple(schema.features[k] for k in columns),
            "units": tuple(schema.units[k] for k in columns),
            "model": one.name,
            "config": one.config,
            "members": len(one.members),
        }
        save_bundle(below / one.name, one, schema.model_copy(update=own), reference[..., columns])


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
    if isinstance(schema.config, EnsembleConfig):
        combined = tuple(load_bundle(folder / COMBINED / name) for name in schema.config.members)
        members = tuple(member for one in combined for member in one.members)
        return _checked(folder, schema, members, combined)
    config = schema.config
    places = _member_folders(folder, schema.members)
    try:
        fitted = [(place / "preparation.json").read_text(encoding="utf-8") for place in places]
        preparations = [PREPARATION.validate_json(text) for text in fitted]
    except (OSError, ValidationError):
        raise IntegrityError(f"{folder}: its preparation can't be read; train the model again") from None
    members = tuple(
        Part(folder=place, preparation=fit, model=load_model(config, place, fit.shape), copies=_load_copies(place))
        for place, fit in zip(places, preparations, strict=True)
    )
    return _checked(folder, schema, members)


def _checked(folder: Path, schema: Schema, members: tuple[Part, ...], combined: tuple[Bundle, ...] = ()) -> Bundle:
    """The bundle, if it scores its reference rows as it did."""
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        features, scores = reference["features"], reference["scores"]
    bundle = Bundle(
        schema=schema,
        members=members,
        shape=features.shape[1:],
        calibration=_load_calibration(folder),
        combined=combined,
    )
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


def _load_copies(place: Path) -> MirroredImages | TurnedTables | None:
    """What the manifest vouches for; None in a folder that has no such file."""
    if not (place / COPIES_FILE).is_file():
        return None
    try:
        return COPIES.validate_json((place / COPIES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise IntegrityError(f"{place}: its {COPIES_FILE} can't be read; train the model again") from None


def _member_folders(folder: Path, members: int) -> list[Path]:
    return [folder] if members == 1 else [folder / f"fold-{number}" for number in range(1, members + 1)]
