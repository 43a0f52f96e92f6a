"""Train a Keras network through ``fit``, with callbacks that follow the same rules as the PyTorch loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, assert_never

# Chooses Keras's backend, so it comes before keras.
from hepsieve.train.keras_family import Family

# isort: split
import keras
import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import ReduceOnPlateau, TrainConfig
from hepsieve.models.mlp import Weights
from hepsieve.progress import Progress
from hepsieve.spill import blocks, empty, let_go
from hepsieve.train.arithmetic import NetworkConfig, is_thread_safe, multiplications
from hepsieve.train.checkpoint import Checkpoint, identity
from hepsieve.train.figures import Figures
from hepsieve.train.flips import applicable, mirror_array
from hepsieve.train.keras_average import KerasAverage
from hepsieve.train.keras_losses import loss_of_batch, metrics_of_batch
from hepsieve.train.keras_resume import KerasStates
from hepsieve.train.objective import objective_of
from hepsieve.train.schedule import Steps, learning_rate
from hepsieve.train.share import paused_after
from hepsieve.train.symmetric import in_order
from hepsieve.train.threads import torch_threads
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import Watch
from hepsieve.train.weighting import weigh

# Images or waveforms of a mapped file that are in memory at a time: in order, and in disorder.
_IMAGES_AT_ONCE, _ROWS_AT_ONCE = 1 << 13, 32


def fit(
    name: str,
    config: NetworkConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
    start: Weights | None = None,
    checkpoint: Checkpoint | None = None,
    share: float = 1.0,
) -> Trained:
    """Train on ``train``; ``validation`` is only looked at, to stop and to choose the best epoch.

    On PyTorch an interrupted training goes on from its checkpoint after the last epoch that was kept. With a ``share``
    below 1 it pauses after that share of the most epochs. It begins with the weights of ``start``, or draws them.

    Raises:
        TrainingError: if the loss becomes NaN or infinite, CUDA is asked for but missing, or weights can't be used.
    """
    objective = objective_of(config, train.kind)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    family = Family(config, train.inputs)
    safe = is_thread_safe(config, settings)
    threads = torch_threads(multiplications(config, family.shape), settings.batch_size, safe=safe)
    with threads, _device_and_random_state(settings), progress.task(f"train {name}", settings.epochs) as advance:
        watch = Watch(name, settings, validation, on_epoch=on_epoch, advance=advance, objective=objective)
        batches = _Batches(train, settings.batch_size, seed=seed, settings=settings)
        steps = Steps(per_epoch=len(batches), epochs=settings.epochs)
        model = family.build(seed=seed, precision=settings.precision)
        if start is not None:
            family.set_weights(model, start)
            watch.begin(outputs=family.logits(model, validation.inputs), weights=family.weights(model))
        model.compile(
            optimizer=_optimizer(settings, steps),
            loss=loss_of_batch(objective, members=family.members),
            weighted_metrics=metrics_of_batch(train.kind, members=family.members),
        )
        epochs = paused_after(share, settings.epochs)
        average = KerasAverage(model, ema=settings.ema)
        states = KerasStates(
            checkpoint,
            model,
            average,
            watch,
            training=identity(config, settings, seed=seed, parts=(train, validation)),
            epochs=epochs,
        )
        states.take_up()
        done = len(watch.history)
        batches.skip(done)
        watching = _Watching(family, watch, validation, settings, steps, average, states)
        if done < epochs and not watch.stop:
            # The batches shuffle themselves; Keras would draw from Python's global generator.
            model.fit(batches, initial_epoch=done, epochs=epochs, shuffle=False, verbose=0, callbacks=[watching])
            if share < 1:
                states.save()
        return watch.finish(family.predictor(watch.best))


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled batches of nearly equal size, mirrored by chance; a generator of their own draws for a whole epoch."""

    def __init__(self, part: Part, batch_size: int, *, seed: int, settings: TrainConfig) -> None:
        super().__init__()
        self._flips = applicable(settings.flips, part.inputs.shape[1:])
        self._raw = part.raw
        self._symmetries = () if part.raw is None else in_order(settings.symmetries)
        self._inputs, self._target, self._weight = part.inputs, part.target[:, np.newaxis], part.weight
        self._number = -(-len(part) // batch_size)
        self._random = np.random.default_rng(seed)
        self._order = empty(len(part), np.int64)
        self.on_epoch_end()

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        rows = self._rows[number]
        if self._raw is not None and self._symmetries:
            inputs = self._raw.inputs(rows, {name: turns[rows] for name, turns in self._turns.items()})
            return inputs, self._target[rows], self._weight[rows]
        inputs = self._taken(rows)
        for flip, chosen in self._chosen.items():
            mirror_array(inputs, flip, chosen[rows])
        return inputs, self._target[rows], self._weight[rows]

    def skip(self, epochs: int) -> None:
        """Draw what so many epochs had drawn."""
        for _ in range(epochs):
            self.on_epoch_end()

    def _taken(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if self._inputs.ndim == 2:
            return self._inputs[rows]
        taken = np.empty((len(rows), *self._inputs.shape[1:]), np.float32)
        # With each page that is read from a file the system maps many more beside it.
        for part in blocks(taken, rows=_ROWS_AT_ONCE):
            taken[part] = self._inputs[rows[part]]
            let_go(self._inputs)
        return taken

    def on_epoch_end(self) -> None:
        for rows in blocks(self._order):
            self._order[rows] = np.arange(rows.start, rows.stop)
        self._random.shuffle(self._order)  # as a permutation of so many numbers is drawn
        self._rows = np.array_split(self._order, self._number)
        self._chosen = {flip: self._random.random(len(self._weight)) < 0.5 for flip in self._flips}
        self._turns = {name: self._random.random(len(self._weight), np.float32) for name in self._symmetries}


class _Watching(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the watch what ``fit`` does, and ``fit`` when to stop."""

    def __init__(
        self,
        family: Family,
        watch: Watch,
        validation: Part,
        settings: TrainConfig,
        steps: Steps,
        average: KerasAverage,
        states: KerasStates,
    ) -> None:
        super().__init__()
        self._family = family
        self._watch = watch
        self._validation = validation
        self._settings = settings
        self._steps = steps
        self._average = average
        self._states = states

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if isinstance(self._settings.schedule, ReduceOnPlateau):
            self.model.optimizer.learning_rate = self._rate(epoch * self._steps.per_epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        # Keras's running mean: once it is NaN it stays so.
        self._watch.check_batches(np.array([float(logs["loss"])] if logs else []), first=batch)
        self._average.step()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        assert logs is not None
        with self._average.in_place():
            self._watch.end_epoch(
                train=Figures.of_means(
                    self._validation.kind,
                    loss=float(logs["loss"]),
                    right=float(logs["right"]),
                    square=float(logs.get("square", 0.0)),
                ),
                outputs=self._family.logits(self._in_float32(), self._validation.inputs),
                rate=self._rate((epoch + 1) * self._steps.per_epoch - 1),
                weights=lambda: self._family.weights(self.model),
            )
        self._states.end_epoch()
        self.model.stop_training = self._watch.stop

    def _in_float32(self) -> Any:
        """The network that will be kept: epochs are compared at the precision in which it scores."""
        if self._settings.precision == "float32":
            return self.model
        return self._family.predictor(self._family.weights(self.model)).model

    def _rate(self, step: int) -> float:
        return _rate(self._settings, step, self._steps, monitored=self._watch.monitored)


class _Table(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rates computed beforehand, one per step: the form that every Keras backend can follow."""

    def __init__(self, rates: NDArray[np.float32]) -> None:
        super().__init__()
        self._rates = keras.ops.convert_to_tensor(rates)

    def __call__(self, step: Any) -> Any:
        return keras.ops.take(self._rates, keras.ops.cast(step, "int32"))


def _optimizer(settings: TrainConfig, steps: Steps) -> Any:
    """Keras's optimiser; its weight decay is decoupled for all of them."""
    rate = _rates(settings, steps)
    decay = settings.weight_decay or None
    match settings.optimizer:
        case "adam" | "adamw":
            return keras.optimizers.Adam(rate, weight_decay=decay)
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=settings.momentum, weight_decay=decay)
        case "rmsprop":
            # Keras adds epsilon to the mean square, PyTorch 1e-7 to its root: networks of small derivatives learn much
            # more slowly by Keras's own number.
            return keras.optimizers.RMSprop(rate, momentum=settings.momentum, weight_decay=decay, epsilon=1e-14)
        case _:
            assert_never(settings.optimizer)


def _rates(settings: TrainConfig, steps: Steps) -> Any:
    """A number where the rate changes at most between epochs, else a table."""
    if settings.schedule.kind in ("constant", "plateau"):
        return settings.learning_rate
    rates = [_rate(settings, step, steps, monitored=()) for step in range(steps.total)]
    return _Table(np.array(rates, np.float32))


def _rate(settings: TrainConfig, step: int, steps: Steps, *, monitored: Sequence[float]) -> float:
    return learning_rate(
        settings.schedule,
        settings.learning_rate,
        step=step,
        steps=steps,
        monitored=monitored,
        monitor=settings.monitor,
    )


@contextmanager
def _device_and_random_state(settings: TrainConfig) -> Iterator[None]:
    """The wished device inside; on the torch backend also the global generator restored (its data loader draws)."""
    if keras.backend.backend() != "torch":
        names = {"auto": None, "cpu": "cpu:0", "cuda": "gpu:0"}
        name = names[settings.device]
        with nullcontext() if name is None else keras.device(name):
            yield
        return
    from hepsieve.train.torch import find_device, own_random_state

    device = find_device(settings.device)
    # Not "cpu:0": Keras would then copy its variables off the layers that hold them.
    with own_random_state(device, 0), keras.device("gpu" if device.type == "cuda" else "cpu"):
        yield
