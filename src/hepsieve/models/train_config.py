"""How networks are trained: schedules of the learning rate, and all other settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from hepsieve.models.learner import Frozen, Symmetry
from hepsieve.models.simulation_config import SimulationConfig


class Constant(Frozen):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class Cosine(Frozen):
    """Half a cosine from the learning rate down to ``final`` times it, after a linear warm-up."""

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    final: Annotated[float, Field(ge=0, le=1)] = 0.0


class OneCycle(Frozen):
    """Up from ``start`` times the learning rate in the first ``rise`` of the steps, then down to ``final`` times it."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Annotated[float, Field(gt=0, le=1)] = 0.04
    final: Annotated[float, Field(ge=0, le=1)] = 1e-4


class ReduceOnPlateau(Frozen):
    """Multiply by ``factor`` after ``patience`` epochs without improvement, not below ``minimum``."""

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: PositiveInt = 5
    minimum: Annotated[float, Field(ge=0)] = 1e-6


ScheduleConfig = Annotated[Constant | Cosine | OneCycle | ReduceOnPlateau, Field(discriminator="kind")]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
Monitor = Literal["loss", "accuracy", "auc", "rmse", "tolerance_accuracy"]
Flip = Literal["rows", "columns"]
Keep = Literal["best", "last"]


class TrainConfig(Frozen):
    """How the networks are trained; tree models carry their own numbers of rounds.

    Attributes:
        monitor: the figure on validation that stops a training and chooses its best epoch: ``loss``; of classes also
            ``accuracy`` or ``auc``; of a regression also ``rmse`` or ``tolerance_accuracy`` (the share of events whose
            prediction rounds to the same tenth of the full scale as the truth).
        patience: epochs without improvement of ``monitor`` (on validation) before training stops; null never stops.
        min_delta: a smaller improvement does not count.
        keep: which weights of a network are kept: ``best``, those after the epoch with the best ``monitor``; ``last``,
            those after the last epoch, whatever validation says: it is recorded and decides nothing. With ``folds``
            such a network learns from all of them but the one that it is judged on.
        balance: ``class_weights`` gives both classes the same total weight, ``undersample`` leaves out training
            events of the larger class, by chance, until both have as many.
        folds: cross-validate: the events that are not test are cut into so many folds, every model is trained once
            for each fold on the others (one of which stops it, unless ``keep`` is ``last``), and the mean of all is the
            model; null trains once.
        negative_weights: the stated policy in training, the same for every backend. Evaluation always keeps them.
        precision: ``bf16`` computes in bfloat16 and keeps float32 weights (PyTorch; Keras's ``mixed_bfloat16``).
        device: ``auto`` takes CUDA where there is one.
        ema: the exponential moving average of the weights is what validation judges and what is kept; this is its decay
            for each step: 0.998 remembers about 500 steps. It begins lower, (1 + t) / (10 + t) at step t. Running means
            and variances of batch normalisation are averaged likewise. Null or 0 averages nothing.
        simulation: simulated events that are learned from beside the genuine ones, and their weight; null learns from
            the data alone.
        start_from: a run folder. Networks begin with the weights, and trees with the trees, of its model of this name,
            or else of the same architecture, and get inputs as it did; null begins anew.
        processes: that train one network together (PyTorch): on GPUs one each, on the CPU with the cores divided among
            them. They share every batch, so that it is the same training but for the last bits. Networks of Keras,
            trees and AdaBoost are trained by one process.
        flips: images are mirrored by chance in training, about their centre crystal: ``rows`` (η → −η), ``columns``
            (φ → −φ), or both; flattened ones are not. Only a symmetry of detector and sample may stand here: a magnetic
            field bends electrons and positrons to opposite sides, so ``columns`` is none for electrons alone, and η and
            φ can't be exchanged.
        symmetries: tables of collisions are changed by chance in training, anew in every epoch, by the columns of their
            ``data.objects``: ``rotation`` (all azimuths turned by one angle), ``reflection`` (η → −η of all),
            ``mirror`` (φ → −φ of all). All other columns must be such that they don't change; only a symmetry of
            process and detector may stand here. Trees learn from the events as they are, and whatever
            ``prepare.frame`` has taken out already changes nothing.
    """

    @model_validator(mode="before")
    @classmethod
    def _former_spelling(cls, values: Any) -> Any:
        """Run folders from before ``balance`` say ``class_weight: balanced`` or ``none``."""
        if not isinstance(values, dict) or "class_weight" not in values or "balance" in values:
            return values
        spelled = {"balanced": "class_weights"}
        kept = {key: value for key, value in values.items() if key != "class_weight"}
        return {**kept, "balance": spelled.get(values["class_weight"], values["class_weight"])}

    epochs: PositiveInt = 100
    batch_size: PositiveInt = 256
    optimizer: Optimizer = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: ScheduleConfig = Constant()
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    monitor: Monitor = "loss"
    patience: PositiveInt | None = 10
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    keep: Keep = "best"
    balance: Literal["none", "class_weights", "undersample"] = "none"
    folds: Annotated[int, Field(ge=3)] | None = None
    negative_weights: Literal["keep", "abs", "drop"] = "drop"
    precision: Literal["float32", "bf16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    simulation: SimulationConfig | None = None
    start_from: Path | None = None
    processes: PositiveInt = 1
    flips: tuple[Flip, ...] = ()
    symmetries: tuple[Symmetry, ...] = ()

    @field_validator("flips", "symmetries")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} stands there twice; name it once")
        return names

    @model_validator(mode="after")
    def _nothing_stops_what_keeps_the_last(self) -> TrainConfig:
        if self.keep == "last" and self.patience is not None:
            raise ValueError(
                f"keep: last has all epochs, which patience ({self.patience}) would cut; set patience to null"
            )
        return self
