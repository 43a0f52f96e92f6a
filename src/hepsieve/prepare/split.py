"""Divide events into training, validation and test parts; what belongs together stays together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.identical import event_keys, shared_rows
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.prepare.assign import assign, require_known, units
from hepsieve.prepare.channels import with_channels


class SealedPart:
    """The test part: closed until somebody asks for it with a reason; every opening is on record.

    It can be neither copied nor pickled, so that no second one could be opened behind this one's back.
    """

    def __init__(self, events: Events, *, record: Callable[[str], None] | None = None) -> None:
        """Seal these events; ``record`` hears of every opening."""
        self._events = events
        self._record = record
        self._openings: list[str] = []

    def __len__(self) -> int:
        """The number of events, which is no secret."""
        return len(self._events)

    def __repr__(self) -> str:
        """How many events there are, and how often they were looked at."""
        return f"SealedPart({len(self)} events, opened {len(self._openings)} times)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled.

        Raises:
            TypeError: always.
        """
        raise TypeError("a sealed test part can't be copied or pickled; open it with a reason")

    @property
    def openings(self) -> tuple[str, ...]:
        """The reasons given so far, in order."""
        return tuple(self._openings)

    def class_counts(self) -> tuple[int, int]:
        """The numbers of background and of signal events, by which no model can be judged."""
        signal = int((self._events.target > 0.5).sum())
        return len(self._events) - signal, signal

    def overlap(self, events: Events) -> int:
        """How many of these events stand in the sealed part; compares features only and gives none of them away.

        Images and waveforms are compared in the channels that these events have.
        """
        ours = with_channels(self._events, events.names) if events.features.ndim > 2 else self._events
        return len(shared_rows(event_keys(events.features, sample=1), event_keys(ours.features)))

    def shared(self, events: Events) -> NDArray[np.int64]:
        """Which of these events, of the same features, stand in the sealed part: their positions, ascending."""
        return shared_rows(event_keys(events.features, sample=1), event_keys(self._events.features))

    def open(self, reason: str) -> Events:
        """The test events; the reason goes on record."""
        self._openings.append(reason)
        if self._record is not None:
            self._record(reason)
        return self._events

    def recorded_by(self, record: Callable[[str], None]) -> SealedPart:
        """The same part, still sealed as it was, whose openings are written down elsewhere too.

        Both know of all openings, whichever of them is opened.
        """
        sealed = SealedPart(self._events, record=record)
        sealed._openings = self._openings
        return sealed


@dataclass(frozen=True, kw_only=True)
class Split:
    """The three parts; only ``train`` is learned from, ``test`` is sealed.

    Attributes:
        train: what is learned from.
        validation: what stops trainings and sets thresholds; with ``fold`` these are the training events themselves,
            cross-validated.
        test: sealed until it is opened.
        test_rows: the positions of the test events in the sample (or test file) that they come from.
        train_rows: the positions of the training events in the sample.
        fold: the fold of each training event, from 0, where they are cross-validated.
        simulated: simulated events that are learned from beside ``train``, and nothing else.
    """

    train: Events
    validation: Events
    test: SealedPart
    test_rows: NDArray[np.int64]
    train_rows: NDArray[np.int64]
    fold: NDArray[np.int64] | None = None
    simulated: Events | None = None

    @property
    def folds(self) -> int | None:
        """The number of folds; None where every model is trained once."""
        return None if self.fold is None else int(self.fold.max()) + 1

    def __repr__(self) -> str:
        """The sizes of the parts."""
        sizes = f"train {len(self.train)}, validation {len(self.validation)}, test {len(self.test)}"
        if self.fold is not None:
            sizes = f"{len(self.train)} in {self.folds} folds, test {len(self.test)}"
        return f"Split({sizes}, opened {len(self.test.openings)} times)"


def split(
    events: Events,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    folds: int | None = None,
    file_order_blocks: int | None = None,
    seed: int,
) -> Split:
    """Divide by chance, with each class in the same proportion in every part; the values of a regression in all parts.

    Rows of one ``group``, and identical rows, always fall into the same part. Where neither occurs, the sizes are
    exactly the rounded shares of the whole.

    Args:
        events: the whole sample.
        validation: share of all events; not used with ``folds``.
        test: share of all events.
        folds: cross-validate what is not test in so many folds, instead of dividing off a validation part.
        file_order_blocks: cut each class into so many consecutive blocks and divide each of them in these shares.
        seed: equal seeds and events give equal parts; the test part is the same with and without folds.

    Raises:
        ConfigError: if the shares or the seed make no sense.
        DataError: if a part would lack a class, or have one value only; or if a value to regress is not known.
    """
    if not (0 < validation < 1 and 0 < test < 1 and validation + test < 1):
        raise ConfigError(f"validation is {validation} and test {test}; give shares above 0 whose sum is below 1")
    if seed < 0:
        raise ConfigError(f"seed is {seed}; take a number from 0")
    part = assign(events, (test, validation, 1 - test - validation), seed=seed, file_order_blocks=file_order_blocks)
    for number, name in enumerate(("test", "validation", "training")):
        present = _distinct(events, part, number)
        if present < 2:
            count = len(units(events).sizes)
            held = f"{present} of 2 classes" if events.scale is None else f"{present} values of {events.scale.name}"
            raise DataError(
                f"the {name} part would hold {held}: {len(events)} events in {count} units "
                "(identical rows and groups stay together) are too few to divide"
            )
    test_rows = spill.positions(part, 0)
    sealed = SealedPart(events[test_rows])
    if folds is not None:
        rows = spill.positions(part != 0)
        return _cross_validated(events, rows, sealed, test_rows, folds, file_order_blocks, seed)
    train_rows = spill.positions(part, 2)
    return Split(
        train=events[train_rows],
        validation=events[spill.positions(part, 1)],
        test=sealed,
        test_rows=test_rows,
        train_rows=train_rows,
    )


def split_given_test(
    events: Events,
    test: Events,
    *,
    validation: Events | float,
    folds: int | None = None,
    file_order_blocks: int | None = None,
    seed: int,
) -> Split:
    """The parts when the test events (and perhaps the validation events) come as files of their own.

    Args:
        events: what to train on, validation included where ``validation`` is a share.
        test: the test events.
        validation: the validation events, or their share of ``events``.
        folds: cross-validate ``events`` in so many folds instead; validation events of their own then make no sense.
        file_order_blocks: as in ``split``.
        seed: for dividing off the validation part, or the folds.

    Raises:
        ConfigError: if there are both validation events and folds.
        DataError: if a value to regress is not known.
    """
    for some in (events, test, *((validation,) if isinstance(validation, Events) else ())):
        require_known(some)
    rows, sealed = np.arange(len(test)), SealedPart(test)
    everything = np.arange(len(events))
    if isinstance(validation, Events):
        if folds is not None:
            raise ConfigError("train.folds cross-validates the training events: leave out data.validation_files")
        return Split(train=events, validation=validation, test=sealed, test_rows=rows, train_rows=everything)
    if folds is not None:
        return _cross_validated(events, everything, sealed, rows, folds, file_order_blocks, seed)
    part = assign(events, (validation, 1 - validation), seed=seed, file_order_blocks=file_order_blocks)
    train_rows = spill.positions(part, 1)
    return Split(
        train=events[train_rows],
        validation=events[spill.positions(part, 0)],
        test=sealed,
        test_rows=rows,
        train_rows=train_rows,
    )


def _cross_validated(
    events: Events,
    rows: NDArray[np.int64],
    test: SealedPart,
    test_rows: NDArray[np.int64],
    k: int,
    file_order_blocks: int | None,
    seed: int,
) -> Split:
    learned = events[rows]
    fold = folds(learned, k, file_order_blocks=file_order_blocks, seed=seed)
    return Split(train=learned, validation=learned, test=test, test_rows=test_rows, train_rows=rows, fold=fold)


def folds(events: Events, k: int, *, file_order_blocks: int | None = None, seed: int) -> NDArray[np.int64]:
    """The fold of each event, from 0: k folds of nearly equal size, stratified; groups and identical rows stay in one.

    Raises:
        ConfigError: if there are fewer than three folds: one is held out, one stops, and the others are learned from.
        DataError: if there are too few events.
    """
    if k < 3:
        raise ConfigError(f"{k} folds; take at least 3: one is held out, one stops, and the others are learned from")
    fold = assign(events, (1 / k,) * k, seed=seed, file_order_blocks=file_order_blocks).astype(np.int64)
    if any(_distinct(events, fold, number) < 2 for number in range(k)):
        lacks = "lack a class" if events.scale is None else f"have one {events.scale.name} only"
        raise DataError(f"a fold would {lacks}; {len(events)} events are too few for {k} folds")
    return fold


def _distinct(events: Events, part: NDArray[np.integer], number: int) -> int:
    """How many values the target has in one part; 2 stands for many."""
    low, high = np.inf, -np.inf
    for rows in spill.blocks(events.target):
        here = events.target[rows][part[rows] == number]
        low, high = min(low, here.min(initial=np.inf)), max(high, here.max(initial=-np.inf))
    return 0 if low > high else 1 + int(low < high)
