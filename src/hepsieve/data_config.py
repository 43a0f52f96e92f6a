"""What a user may choose about the data: their files, how they are read, what simulates them, what is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hepsieve.models.config import Frozen
from hepsieve.objects import Name, ObjectConfig

LabelValues = float | Annotated[tuple[float, ...], Field(min_length=1)]


def each_once(names: Sequence[Any]) -> None:
    """Refuse what is used twice: it would count twice."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} stands there twice; name it once")


class ConsecutiveConfig(Frozen):
    """Rows that follow each other and repeat a value share an origin (a track in two candidates, say).

    Attributes:
        columns: where the value may stand, in either row.
        tolerance: how far apart, relatively, two values may be that count as one.
    """

    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _no_column_twice(self) -> ConsecutiveConfig:
        each_once(self.columns)
        return self


class ParameterConfig(Frozen):
    """A feature that is a parameter of the signal, such as a mass that was searched for.

    Attributes:
        column: the feature.
        values: what it may be; a value in a file that is none of them (to 1e-4 of it) is a mistake.
        background: background has no such parameter. ``given`` takes what the file says, ``random`` draws one of the
            values for each background event, all alike; the draw follows from the event's other features, so that it
            is the same in every file.
    """

    column: str
    values: Annotated[tuple[float, ...], Field(min_length=1)]
    background: Literal["given", "random"] = "given"

    @model_validator(mode="after")
    def _values_can_be_told_apart(self) -> ParameterConfig:
        ordered = sorted(self.values)
        for value, following in pairwise(ordered):
            if following - value <= 2e-4 * max(abs(value), abs(following)):
                raise ValueError(f"{value:.9g} and {following:.9g} are too near each other to be told apart")
        return self


class TargetConfig(Frozen):
    """The quantity that a regression learns; without one, the label is a class.

    Attributes:
        name: of the quantity, such as ``d``: the name of its array in .npz and HDF5 files; of a table see ``label``.
        range: what in the file stands for a target of 0, and of 1.
        full: how much a target of 1 is in ``unit``.
        unit: the physical unit; an empty string is dimensionless.
    """

    name: str
    range: tuple[float, float] = (0.0, 1.0)
    full: Annotated[float, Field(gt=0)] = 1.0
    unit: str = ""

    @model_validator(mode="after")
    def _rises(self) -> TargetConfig:
        if not self.range[0] < self.range[1]:
            raise ValueError(f"range: {self.range[0]:g} to {self.range[1]:g} does not rise")
        return self


class DataConfig(Frozen):
    """Which files to read, and how.

    Attributes:
        catalog: the entry of the catalog that knows the columns; null when ``features`` says it all.
        files: the data; its events are divided into the three parts unless the next two name files of their own.
        features: columns to learn from; null takes the catalog's, or every column that has no other role.
        label: column with the class, by name, or by position (from 0) in a file without a header.
        label_values: what stands in the label column for (background, signal); a list where a class has several.
        target: what a regression learns; the label column (of waveforms an array) then holds its values.
        select: by spectator, from where to where its values may lie; events without a value stay.
        spectators: columns that are carried along into the predictions, and never learned from.
        unshared: a feature or spectator that one of the files lacks: ``stop``, or ``drop`` it from all.
        group_consecutive: consecutive rows of a file share an origin where a value of some columns occurs in both.
        parameter: a feature that is a parameter of the signal, and the values that it may have.
        header: whether a CSV file begins with column names; null lets the reader look.
        trees: ROOT trees and the class each holds, where the class is no column.
        file_labels: file names (as in ``files``, or their last part) and the class each holds.
        missing: spellings in CSV files that stand for a missing value.
        objects: particles and jets, by a name of your choice, whose momenta stand in some of the features; the catalog
            knows those of its own data.
    """

    catalog: str | None = None
    files: tuple[Path, ...] = ()
    validation_files: tuple[Path, ...] = ()
    test_files: tuple[Path, ...] = ()
    features: tuple[str, ...] | None = None
    label: str | int | None = None
    label_values: tuple[LabelValues, LabelValues] = (0.0, 1.0)
    target: TargetConfig | None = None
    select: dict[str, tuple[float, float]] = Field(default_factory=dict)
    spectators: tuple[str, ...] = ()
    unshared: Literal["stop", "drop"] = "stop"
    group_consecutive: ConsecutiveConfig | None = None
    parameter: ParameterConfig | None = None
    header: bool | None = None
    weight: str | None = None
    group: str | None = None
    trees: dict[str, Literal[0, 1] | None] = Field(default_factory=dict)
    file_labels: dict[str, Literal[0, 1]] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    objects: dict[Name, ObjectConfig] = Field(default_factory=dict)

    @field_validator("files", "validation_files", "test_files", mode="before")
    @classmethod
    def _one_file_is_a_list_of_one(cls, files: Any) -> Any:
        return [files] if isinstance(files, str | Path) else files

    @model_validator(mode="after")
    def _one_role_each(self) -> DataConfig:
        each_once(self.files)
        each_once(self.validation_files)
        each_once(self.test_files)
        each_once(self.features or ())
        each_once(self.spectators)
        if both := sorted(set(self.features or ()) & set(self.spectators)):
            raise ValueError(f"{both[0]!r} is a spectator, which is never learned from; take it out of the features")
        each_once([value for side in self.classes_of_labels() for value in side])
        if self.group is not None and self.group_consecutive is not None:
            raise ValueError("group and group_consecutive each say what belongs together; give one of them")
        each_once([name for name in (self.label, self.weight, self.group) if name is not None])
        return self

    def classes_of_labels(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """All label values of background, and all of signal."""
        background, signal = (side if isinstance(side, tuple) else (side,) for side in self.label_values)
        return background, signal


class SimulateConfig(Frozen):
    """The events that the task's simulator makes when there are no data: rows in all, half of them signal.

    Attributes:
        process: which physics.
        rows: events in all.
        engine: of ``egamma``, what showers: ``geant4``, or (null too) ``fast``, a parametrised shower.
        pulses: of ``xenon``, how many S2 pulses a waveform has: ``one``, ``two``, or half of the waveforms ``one`` and
            half ``two``, to be told apart (``both``, also null).
        separation: of ``xenon``, from where to where the separation of two pulses is drawn, in mm; null is 0 to 30.
    """

    process: Literal["higgs", "hnl", "hepmass", "egamma", "xenon"]
    rows: Annotated[int, Field(ge=2)] = 12_000
    engine: Literal["geant4", "fast"] | None = None
    pulses: Literal["one", "two", "both"] | None = None
    separation: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(le=30)]] | None = None


class AuditConfig(Frozen):
    """Findings to accept by their code, and what to do with values that are not finite.

    Attributes:
        missing: ``stop`` ends the run, ``drop`` drops such rows (all parts), ``impute`` puts the training
            part's median in their place (features only).
        sentinels: values that stand for "no value" in this data; found values are reported per column.
        empty_images: images without any energy, or waveforms that never change: ``keep`` or ``drop`` them (all parts).
        max_duplicates: share of identical rows from which on the audit warns.
        correlated: |r| above which a pair of features counts as strongly correlated.
    """

    accept: tuple[str, ...] = ()
    missing: Literal["stop", "drop", "impute"] = "stop"
    sentinels: tuple[float, ...] = (-999.0, -9999.0, -99.0)
    empty_images: Literal["keep", "drop"] = "keep"
    max_duplicates: Annotated[float, Field(ge=0, le=1)] = 0.01
    correlated: Annotated[float, Field(ge=0, le=1)] = 0.96
