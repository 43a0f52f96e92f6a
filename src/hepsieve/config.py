"""TaskConfig: a YAML file turned into one checked, frozen value; every error names file, line and column."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from ruamel.yaml import YAML

from hepsieve.anchored import anchored_model, anchored_training
from hepsieve.data_config import AuditConfig, ConsecutiveConfig, DataConfig, ParameterConfig, SimulateConfig, each_once
from hepsieve.errors import ConfigError
from hepsieve.evaluate_config import LEAST_MAPS, CutConfig, EvaluateConfig, ExplainConfig
from hepsieve.models.config import Frozen, ModelConfig, TrainConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.models.portfolio import PortfolioConfig
from hepsieve.models.variants import GridConfig, SearchConfig
from hepsieve.places import WHOLE, KeyPath, one_line, read_yaml
from hepsieve.prepare_config import ImageStepsConfig, PrepareConfig, SplitConfig, WaveformStepsConfig
from hepsieve.tune_config import TuneConfig
from hepsieve.tune_paths import require_metric, resolve
from hepsieve.tune_settings import Settings, SpaceMistake

__all__ = [
    "LEAST_MAPS",
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
    "WaveformStepsConfig",
    "built_in_tasks",
    "dump_task",
    "load_task",
]


AnyModelConfig = ModelConfig | GridConfig | SearchConfig | EnsembleConfig
"""Whatever may stand among the models of a task."""


class TaskConfig(Frozen):
    """A whole task, from files to quoted figures."""

    task: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str = ""
    description: str = ""
    kind: Literal["classification", "regression"] = "classification"
    classes: tuple[str, str] = ("background", "signal")
    data: Annotated[DataConfig, Field(validate_default=True)] = DataConfig()
    simulate: SimulateConfig | None = None
    audit: AuditConfig = AuditConfig()
    split: SplitConfig = SplitConfig()
    prepare: PrepareConfig = PrepareConfig()
    models: Annotated[
        dict[str, Annotated[ModelConfig | GridConfig | SearchConfig | EnsembleConfig, Field(discriminator="kind")]],
        Field(min_length=1),
    ]
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    explain: ExplainConfig = ExplainConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    tune: TuneConfig | None = None
    portfolio: PortfolioConfig | None = None

    @field_validator("data")
    @classmethod
    def _has_a_target(cls, data: DataConfig, info: ValidationInfo) -> DataConfig:
        if (info.data.get("kind") == "regression") != (data.target is not None):
            raise ValueError("kind: regression and data.target go together; give both, or neither")
        return data

    @field_validator("simulate")
    @classmethod
    def _makes_its_kind(cls, simulate: SimulateConfig | None, info: ValidationInfo) -> SimulateConfig | None:
        if simulate is not None and simulate.process == "xenon":
            pulses = simulate.pulses or "both"
            if (info.data.get("kind") == "regression") != (pulses != "both"):
                raise ValueError(f"pulses {pulses}: a regression takes one or two, a classification both")
        return simulate

    @field_validator("tune")
    @classmethod
    def _tunes_what_there_is(cls, tune: TuneConfig | None, info: ValidationInfo) -> TuneConfig | None:
        # Only a search minds whether its space fits, and what is wrong with the other sections is to be mended first.
        if tune is None or not info.context or not {"kind", "models", "train", "prepare"} <= info.data.keys():
            return tune
        settings = _settings(info.data["models"], info.data["train"], info.data["prepare"])
        try:
            require_metric(tune, info.data["kind"])
            resolve(tune, settings)
        except SpaceMistake as mistake:
            kind = PydanticCustomError(WHOLE, "{says}", {"says": str(mistake)})
            details = InitErrorDetails(type=kind, loc=mistake.loc, input=None)
            raise ValidationError.from_exception_data("tune", [details]) from None
        return tune

    @property
    def settings(self) -> Settings:
        """What may be tuned."""
        return _settings(self.models, self.train, self.prepare)

    @field_validator("evaluate")
    @classmethod
    def _quotes_its_kind(cls, evaluate: EvaluateConfig, info: ValidationInfo) -> EvaluateConfig:
        if "best_significance" in evaluate.working_points:
            raise ValueError("the working point 'best_significance' is set by the yields; choose another name")
        regression = info.data.get("kind") == "regression"
        allowed = ("rmse", "mae") if regression else ("auc", "log_loss", "accuracy")
        if evaluate.select not in (None, *allowed):
            raise ValueError(f"select: what chooses the best model is {' or '.join(allowed)}; found {evaluate.select}")
        of_classes = ("working_points", "slice_by", "signal_yield", "background_yield", "yields")
        of_numbers = ("profiles",)
        if found := [name for name in (of_classes if regression else of_numbers) if getattr(evaluate, name)]:
            raise ValueError(f"{found[0]} means nothing in a {info.data.get('kind')}; leave it out")
        if regression and evaluate.calibrate != "auto":
            raise ValueError(f"calibrate {evaluate.calibrate} means nothing in a regression; leave it out")
        each_once(evaluate.profiles)
        return evaluate

    @property
    def selects_by(self) -> Literal["auc", "log_loss", "accuracy", "rmse", "mae"]:
        """The validation metric that chooses the best model."""
        return self.evaluate.select or ("rmse" if self.kind == "regression" else "auc")

    @field_validator("models")
    @classmethod
    def _names_are_folder_names(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name in models:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"model name {name!r} may hold letters, digits, '-' and '_' only")
        every = [name for key, model in models.items() for name in _taken_apart(key, model)]
        ensembles = {name: model for name, model in models.items() if isinstance(model, EnsembleConfig)}
        each_once([*every, *ensembles])
        for name, ensemble in ensembles.items():
            single = [one for one in every if not isinstance(models.get(one), SearchConfig)]
            if unknown := [member for member in ensemble.members if member not in single]:
                raise ValueError(f"{name}.members: no model {unknown[0]!r}; there are {', '.join(single) or 'none'}")
        for key in (key for key, model in models.items() if isinstance(model, SearchConfig)):
            if taken := [name for name in every if name.startswith(f"{key}-")]:
                raise ValueError(f"model {taken[0]!r} could be one of those of the search {key!r}; rename one of them")
        return models

    def chosen(self, names: Sequence[str] | None = None) -> dict[str, ModelConfig | SearchConfig]:
        """The models to train by their names: those of a grid one by one, and searches as they are.

        Args:
            names: models, grids, single models of a grid, searches, or ensembles, which stand for their members; None
                takes all but the grids and searches that wait to be asked for.

        Raises:
            ConfigError: if there is no model of a name, or none to train.
        """
        waiting = {n for n, m in self.models.items() if isinstance(m, GridConfig | SearchConfig) and m.on_request}
        every = {name: _taken_apart(name, model) for name, model in self.models.items()}
        single = {name: {name: model} for models in every.values() for name, model in models.items()}
        members = {
            name: {member: single[member][member] for member in ensemble.members}
            for name, ensemble in self.ensembles().items()
        }
        known = {**single, **every, **members}
        chosen: dict[str, ModelConfig | SearchConfig] = {}
        for name in (name for name in self.models if name not in waiting) if names is None else names:
            if name not in known:
                raise ConfigError(f"--models: no model {name!r} in task {self.task}; it has {', '.join(self.models)}")
            # What was asked for waits no longer.
            chosen |= {
                one: model.model_copy(update={"on_request": False}) if isinstance(model, SearchConfig) else model
                for one, model in known[name].items()
            }
        if not chosen:
            raise ConfigError(f"--models: name what to train; task {self.task} has {', '.join(self.models)}")
        return chosen

    def trained(self, names: Sequence[str] | None = None) -> dict[str, ModelConfig]:
        """Those of ``chosen`` that are known before anything is trained."""
        return {name: model for name, model in self.chosen(names).items() if not isinstance(model, SearchConfig)}

    def ensembles(self, names: Sequence[str] | None = None) -> dict[str, EnsembleConfig]:
        """Those of these models that combine others; None takes all."""
        ensembles = {name: model for name, model in self.models.items() if isinstance(model, EnsembleConfig)}
        return {name: model for name, model in ensembles.items() if names is None or name in names}

    def searches(self, names: Sequence[str] | None = None) -> dict[str, SearchConfig]:
        """The searches of ``chosen``, each of which chooses its models by itself."""
        return {name: model for name, model in self.chosen(names).items() if isinstance(model, SearchConfig)}


def _taken_apart(name: str, model: AnyModelConfig) -> dict[str, ModelConfig | SearchConfig]:
    match model:
        case GridConfig():
            return {**model.models(name)}
        case EnsembleConfig():
            return {}
        case _:
            return {name: model}


def _settings(models: dict[str, AnyModelConfig], train: TrainConfig, prepare: PrepareConfig) -> Settings:
    several = GridConfig | SearchConfig | EnsembleConfig
    single = {name: model for name, model in models.items() if not isinstance(model, several)}
    others = tuple(name for name in models if name not in single)
    return Settings(models=single, train=train, prepare=prepare, others=others)


def built_in_tasks() -> dict[str, Path]:
    """The names of the tasks that come with hepsieve, and their YAML files."""
    folder = Path(str(resources.files("hepsieve.tasks")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_task(task: str | Path, *, settings: Sequence[str] = (), tuning: bool = False) -> TaskConfig:
    """The task of this name or YAML file, with ``key.path=value`` settings on top.

    Args:
        task: a built-in task's name, or the path of a YAML file (relative data paths start from its folder).
        settings: such as ``train.epochs=5``; the value is read as YAML, relative data paths start from the working
            folder.
        tuning: check the space of a search against the task, too.

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
        config = TaskConfig.model_validate(values, context={"tuning": True} if tuning else None)
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
    parts = _keys(values, key.split("."))
    section = values
    for part in parts[:-1]:
        inner = section[part] = {} if section.get(part) is None else section[part]
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {setting}: {part!r} is a value, not a section")
        section = inner
    section[parts[-1]] = value
    return parts


def _keys(section: dict[str, Any], parts: Sequence[str]) -> tuple[str, ...]:
    """The keys that a setting's parts mean: of a space, several of them may stand there as one."""
    taken = next(n for n in range(len(parts), 0, -1) if n == 1 or ".".join(parts[:n]) in section)
    first, rest = ".".join(parts[:taken]), parts[taken:]
    inner = section.get(first)
    return (first, *_keys(inner if isinstance(inner, dict) else {}, rest)) if rest else (first,)


def _anchor_paths(config: TaskConfig, folder: Path, settings: Iterable[KeyPath]) -> TaskConfig:
    """Relative data files are meant from where the task file lies, or from here when a setting names them.

    They become absolute, because the run folder keeps them and is read from elsewhere.
    """
    data = config.data
    files = {}
    for role in ("files", "validation_files", "test_files"):
        start = Path() if ("data", role) in settings else folder
        files[role] = tuple((start / path).resolve() for path in getattr(data, role))
    changes: dict[str, Any] = {
        "data": data.model_copy(update=files),
        "train": anchored_training(config.train, folder, settings),
        "models": {
            name: anchored_model(model, ("models", name), folder, settings) for name, model in config.models.items()
        },
    }
    if (portfolio := config.portfolio) is not None:
        named = {
            name: anchored_model(model, ("portfolio", "models", name), folder, settings)
            for name, model in portfolio.models.items()
        }
        changes["portfolio"] = portfolio.model_copy(update={"models": named})
    return config.model_copy(update=changes)
