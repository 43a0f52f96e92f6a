"""TaskConfig: a YAML file turned into one checked, frozen value; every error names file, line and column."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML

from hepsieve.data_config import AuditConfig, ConsecutiveConfig, DataConfig, ParameterConfig, SimulateConfig, each_once
from hepsieve.errors import ConfigError
from hepsieve.models.config import Frozen, GridConfig, ModelConfig, TrainConfig
from hepsieve.places import KeyPath, one_line, read_yaml

__all__ = [
    "AuditConfig",
    "ConsecutiveConfig",
    "CutConfig",
    "DataConfig",
    "EvaluateConfig",
    "ExplainConfig",
    "ImageStepsConfig",
    "ParameterConfig",
    "PrepareConfig",
    "SimulateConfig",
    "SplitConfig",
    "TaskConfig",
    "built_in_tasks",
    "dump_task",
    "load_task",
]

LEAST_MAPS = 5  # images, of fewer of which the standard error of a mean map says little
Fraction = Annotated[float, Field(gt=0, lt=1)]


class SplitConfig(Frozen):
    """Shares of all events that go to validation and test; the rest is trained on.

    Attributes:
        validation: share of all events; not used where ``train.folds`` cross-validates.
        test: share of all events.
        file_order_blocks: into how many consecutive blocks each class is cut, in file order, before each block is
            divided in these proportions: whatever changes along a file (masses, run periods) then stands in all parts.
    """

    validation: Fraction = 0.2
    test: Fraction = 0.2
    file_order_blocks: PositiveInt | None = None

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> SplitConfig:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing to train on")
        return self


class ImageStepsConfig(Frozen):
    """What is done to the channels of images, by their names, before they are scaled.

    Attributes:
        energy: a deposit E becomes ``log``: log(1 + E/unit), ``sqrt``: √E (negative ones −√|E|), or stays (``none``).
        unit: the energy, in the data's own unit, from which on the logarithm bends.
        mask_time: the time of a pixel without energy means nothing: it counts as the mean of all others.
    """

    energy: Literal["log", "sqrt", "none"] = "log"
    unit: Annotated[float, Field(gt=0)] = 0.002
    mask_time: bool = True


class PrepareConfig(Frozen):
    """The steps between raw features and a model's inputs; all are fitted on the training part.

    Attributes:
        features: a selection of the features (of images: the channels) by name; null keeps all.
        image: what is done to images first; tables pass it by.
        log: features (none of them negative) whose logarithm is taken first, because they span decades.
        scale: ``standardise`` to mean 0 and standard deviation 1, ``minmax`` to 0…1, ``none``.
        pca: number of principal components to keep after scaling; null does no PCA.
        whiten: give every principal component unit variance.
    """

    features: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    image: ImageStepsConfig = ImageStepsConfig()
    log: tuple[str, ...] = ()
    scale: Literal["standardise", "minmax", "none"] = "standardise"
    pca: PositiveInt | None = None
    whiten: bool = False

    @model_validator(mode="after")
    def _no_feature_twice(self) -> PrepareConfig:
        each_once(self.features or ())
        each_once(self.log)
        if self.whiten and self.pca is None:
            raise ValueError("whiten gives principal components unit variance; say how many in pca")
        return self


class CutConfig(Frozen):
    """How a working point's threshold is found, in exactly one way; set on validation or out-of-fold scores.

    Out-of-fold scores are of single trainings, while new events get the mean of all, which is a little sharper: a cut
    for 90 % of signal then keeps somewhat more, and one for 1 % of background somewhat less. What is quoted is measured
    with the mean, behind the very threshold that is stored.

    Attributes:
        threshold: the cut on the score itself.
        signal_efficiency: the highest cut that keeps at least this share of signal.
        background_efficiency: the lowest cut that lets at most this share of background pass.
        no_background: the lowest cut above every background event.
    """

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    signal_efficiency: Fraction | None = None
    background_efficiency: Fraction | None = None
    no_background: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one_way(self) -> CutConfig:
        ways = [name for name, value in self.model_dump().items() if value is not None]
        if len(ways) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(type(self).model_fields)}; found {', '.join(ways) or 'none'}"
            )
        return self


class EvaluateConfig(Frozen):
    """What is quoted: working points, bootstrap resamples, expected yields.

    Attributes:
        working_points: cuts by the name under which ``hepsieve score --working-point`` applies them later.
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        signal_yield: expected signal events of the analysis; with ``background_yield`` it gives the significance.
        select: the validation metric that chooses the best model.
        slice_by: a column (a feature or a spectator; of images also a shower shape, such as ``total energy``) by which
            the AUC is quoted for itself: for each of its values, or in bins.
        slice_bins: into how many bins of equally many training events a column of many values is cut; null refuses it.
    """

    working_points: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], CutConfig] = Field(
        default_factory=dict
    )
    signal_efficiencies: tuple[Fraction, ...] = (0.3, 0.5, 0.7)
    background_efficiencies: tuple[Fraction, ...] = (0.01, 0.1)
    resamples: Annotated[int, Field(ge=100)] = 1000
    signal_yield: Annotated[float, Field(gt=0)] | None = None
    background_yield: Annotated[float, Field(gt=0)] | None = None
    select: Literal["auc", "log_loss", "accuracy"] = "auc"
    slice_by: str | None = None
    slice_bins: Annotated[int, Field(ge=2, le=20)] | None = None


class ExplainConfig(Frozen):
    """What is found out about the features with trained models; on validation events, never on test.

    Attributes:
        permutations: how often each feature is shuffled for its permutation importance; 0 leaves it out.
        backward: rank the features by leaving out, again and again, the one that is missed least (trains small trees).
        maps: of how many validation images each class's mean occlusion map is taken; 0 leaves it out.
    """

    permutations: Annotated[int, Field(ge=0)] = 5
    backward: bool = False
    maps: Annotated[int, Field(ge=0)] = 200

    @field_validator("maps")
    @classmethod
    def _enough_for_an_error(cls, maps: int) -> int:
        if 0 < maps < LEAST_MAPS:
            raise ValueError(f"a mean map of {maps} images says little; take at least {LEAST_MAPS}, or 0 for none")
        return maps


class TaskConfig(Frozen):
    """A whole task, from files to quoted figures."""

    task: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str = ""
    description: str = ""
    kind: Literal["classification"] = "classification"
    classes: tuple[str, str] = ("background", "signal")
    data: DataConfig = DataConfig()
    simulate: SimulateConfig | None = None
    audit: AuditConfig = AuditConfig()
    split: SplitConfig = SplitConfig()
    prepare: PrepareConfig = PrepareConfig()
    models: Annotated[dict[str, Annotated[ModelConfig | GridConfig, Field(discriminator="kind")]], Field(min_length=1)]
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    explain: ExplainConfig = ExplainConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1

    @field_validator("evaluate")
    @classmethod
    def _names_of_its_own(cls, evaluate: EvaluateConfig) -> EvaluateConfig:
        if "best_significance" in evaluate.working_points:
            raise ValueError("the working point 'best_significance' is set by the yields; choose another name")
        return evaluate

    @field_validator("models")
    @classmethod
    def _names_are_folder_names(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name in models:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"model name {name!r} may hold letters, digits, '-' and '_' only")
        plain = [name for name, model in models.items() if not isinstance(model, GridConfig)]
        each_once([*plain, *(n for name, g in models.items() if isinstance(g, GridConfig) for n in g.models(name))])
        return models

    def trained(self, names: Sequence[str] | None = None) -> dict[str, ModelConfig]:
        """The models to train by their names: those of a grid one by one.

        Args:
            names: models, grids or single models of a grid; None takes all but the grids that wait to be asked for.

        Raises:
            ConfigError: if there is no model of a name, or none to train.
        """
        asked = [
            name for name, model in self.models.items() if not (isinstance(model, GridConfig) and model.on_request)
        ]
        every = {name: _taken_apart(name, model) for name, model in self.models.items()}
        single = {name: {name: model} for models in every.values() for name, model in models.items()}
        known = {**single, **every}
        chosen: dict[str, ModelConfig] = {}
        for name in asked if names is None else names:
            if name not in known:
                raise ConfigError(f"--models: no model {name!r} in task {self.task}; it has {', '.join(self.models)}")
            chosen |= known[name]
        if not chosen:
            raise ConfigError(f"--models: name what to train; task {self.task} has {', '.join(self.models)}")
        return chosen


def _taken_apart(name: str, model: ModelConfig | GridConfig) -> dict[str, ModelConfig]:
    return model.models(name) if isinstance(model, GridConfig) else {name: model}


def built_in_tasks() -> dict[str, Path]:
    """The names of the tasks that come with hepsieve, and their YAML files."""
    folder = Path(str(resources.files("hepsieve.tasks")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_task(task: str | Path, *, settings: Sequence[str] = ()) -> TaskConfig:
    """The task of this name or YAML file, with ``key.path=value`` settings on top.

    Args:
        task: a built-in task's name, or the path of a YAML file (relative data paths start from its folder).
        settings: such as ``train.epochs=5``; the value is read as YAML, relative data paths start from the working
            folder.

    Raises:
        ConfigError: naming file, line and column, or the setting, and the nearest valid key.
    """
    path = _task_file(task)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read as UTF-8 text ({' '.join(str(error).split())})") from None
    values, places = read_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1:1: a task is a mapping of keys to values; found {type(values).__name__}")
    sources: dict[KeyPath, str] = {}
    for setting in settings:
        key = _apply_setting(values, setting)
        sources[key] = setting
    try:
        config = TaskConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(one_line(error, values, str(path), places, sources, TaskConfig.model_json_schema())) from None
    return _anchor_paths(config, path.parent, sources)


def dump_task(config: TaskConfig) -> str:
    """The resolved configuration as YAML text that ``load_task`` reads back."""
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(config.model_dump(mode="json"), stream)
    return stream.getvalue()


def _task_file(task: str | Path) -> Path:
    path = Path(task)
    known = built_in_tasks()
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")
        return path
    if str(task) in known:
        return known[str(task)]
    near = difflib.get_close_matches(str(task), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the tasks are: {', '.join(known)}; or give a .yaml file"
    raise ConfigError(f"unknown task {str(task)!r}; {hint}")


def _apply_setting(values: dict[str, Any], setting: str) -> KeyPath:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {setting}: write key=value, as in train.epochs=5")
    value, _ = read_yaml(text, f"--set {key}") if text.strip() else (None, {})
    parts = key.split(".")
    section = values
    for part in parts[:-1]:
        inner = section.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {setting}: {part!r} is a value, not a section")
        section = inner
    section[parts[-1]] = value
    return tuple(parts)


def _anchor_paths(config: TaskConfig, folder: Path, settings: Iterable[KeyPath]) -> TaskConfig:
    """Relative data files are meant from where the task file lies, or from here when a setting names them.

    They become absolute, because the run folder keeps them and is read from elsewhere.
    """
    data = config.data
    files = {}
    for role in ("files", "validation_files", "test_files"):
        start = Path() if ("data", role) in settings else folder
        files[role] = tuple((start / path).resolve() for path in getattr(data, role))
    return config.model_copy(update={"data": data.model_copy(update=files)})
