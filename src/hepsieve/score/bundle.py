"""A trained model as a folder: weights, preparation, schema and reference rows that prove it still scores the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from hepsieve.config import DataConfig
from hepsieve.errors import IntegrityError
from hepsieve.events import FloatArray
from hepsieve.manifest import verify, write_manifest
from hepsieve.models.config import ModelConfig
from hepsieve.models.load import load_model
from hepsieve.models.predictor import Predictor
from hepsieve.prepare import Preparation
from hepsieve.train.run import Fitted

REFERENCE_ROWS = 20
TOLERANCE = 1e-5


class Schema(BaseModel):
    """What a model expects and what its score means.

    Attributes:
        task: the task that the model was trained for.
        classes: background and signal; scores near 1 mean the second.
        features: raw feature columns, in the order of training.
        units: their units.
        data: how files were read (catalog, spellings of missing values, trees); the files themselves are left out.
        model: the model's name in its run.
        config: the model's configuration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    classes: tuple[str, str]
    features: tuple[str, ...]
    units: tuple[str, ...]
    data: DataConfig
    model: str
    config: ModelConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A model that was loaded and verified, ready to score raw features."""

    schema: Schema
    preparation: Preparation
    model: Predictor

    def scores(self, features: FloatArray) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in the schema's columns, shape (n, p) to (n,)."""
        return self.model.scores(self.preparation.apply(features, self.schema.features))


def save_bundle(folder: Path, fitted: Fitted, schema: Schema, reference: FloatArray) -> None:
    """Write everything that scoring needs, with a manifest of its own.

    Args:
        folder: is created; the caller publishes it together with the run.
        fitted: the trained model.
        schema: its columns and classes.
        reference: raw features of a few training events, shape (m, p).
    """
    folder.mkdir(parents=True)
    fitted.trained.model.save(folder)
    (folder / "preparation.json").write_text(fitted.preparation.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / "schema.json").write_text(schema.model_dump_json(indent=2) + "\n", encoding="utf-8")
    rows = np.asarray(reference[:REFERENCE_ROWS])
    np.savez(folder / "reference.npz", features=rows, scores=fitted.score_features(rows, schema.features))
    write_manifest(folder, {})


def load_bundle(folder: Path) -> Bundle:
    """Verify a model folder, load it, and score its reference rows again.

    Raises:
        IntegrityError: if a file was changed or the reference rows score differently here.
    """
    verify(folder)
    try:
        schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
        preparation = Preparation.model_validate_json((folder / "preparation.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise IntegrityError(f"{folder}: schema or preparation can't be read; train the model again") from None
    model = load_model(schema.config, folder, preparation.width)
    bundle = Bundle(schema=schema, preparation=preparation, model=model)
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        difference = float(np.abs(bundle.scores(reference["features"]) - reference["scores"]).max())
    if not difference <= TOLERANCE:
        raise IntegrityError(
            f"{folder}: the reference rows score differently here (by {difference:.2g}); "
            "check the package versions in its manifest"
        )
    return bundle
