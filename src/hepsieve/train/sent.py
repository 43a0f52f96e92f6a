"""Trainings sent to an engine as they come, kept in the order in which they end, handed back in their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Self

from hepsieve.engines import Engine
from hepsieve.errors import WorkerLost
from hepsieve.train.elsewhere import Order, Outcome, brought_back, carry_out_order
from hepsieve.train.input_stores import InputStores
from hepsieve.train.trained import Trained
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished


@dataclass(kw_only=True, eq=False)
class _Piece:
    """One training on its way: before its outcome is here, and after."""

    training: Training
    future: Future[Outcome] | None = None
    trained: Trained | None = None
    failed: BaseException | None = None

    @property
    def pending(self) -> bool:
        """Whether nothing is known of it."""
        return self.trained is None and self.failed is None


class Sent:
    """Trainings that an engine has, for the length of a ``with`` block; what was not begun is then taken back."""

    def __init__(
        self,
        engine: Engine,
        stores: InputStores,
        unfinished: Unfinished | None,
        done: Callable[[str], None],
    ) -> None:
        """Begin with none.

        Args:
            engine: who carries them out.
            stores: where what they get is written.
            unfinished: where finished ones are kept as soon as they end, and taken from.
            done: hears the title of each training that has ended, in the order in which they end.
        """
        self._engine, self._stores, self._unfinished, self._done = engine, stores, unfinished, done
        self._pieces: deque[_Piece] = deque()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Nobody waits for the others."""
        for piece in self._pieces:
            if piece.future is not None:
                piece.future.cancel()

    def send(self, training: Training) -> None:
        """Send a training, or take over what an interrupted run left of it.

        Raises:
            HepsieveError: if what it gets can't be written.
        """
        taken = None if self._unfinished is None else self._unfinished.take(training)
        if taken is not None:
            self._pieces.append(_Piece(training=training, trained=taken))
            self._done(training.title)
            return
        stored = self._stores.of(training.inputs)
        # What it was prepared in is let go: only the file is needed from here on.
        training = replace(training, inputs=stored.mapped())
        checkpoint = None if self._unfinished is None else self._unfinished.checkpoint(training).folder.resolve()
        order = Order(
            title=training.title,
            config=training.config,
            settings=training.settings,
            seed=training.seed,
            inputs=stored,
            checkpoint=checkpoint,
        )
        self._pieces.append(_Piece(training=training, future=self._engine.submit(carry_out_order, order)))

    def ready(self) -> Iterator[tuple[Training, Trained]]:
        """Those at the beginning that have ended.

        Raises:
            TrainingError: if the next one failed.
        """
        self._gather()
        while self._pieces and not self._pieces[0].pending:
            piece = self._pieces.popleft()
            if piece.failed is not None:
                raise piece.failed
            if piece.trained is not None:
                yield piece.training, piece.trained

    def finish(self) -> Iterator[tuple[Training, Trained]]:
        """All that are still there.

        Raises:
            TrainingError: if one failed.
            WorkerLost: naming the training whose workers died.
        """
        while self._pieces:
            wait([piece.future for piece in self._pieces if piece.future is not None], return_when=FIRST_COMPLETED)
            yield from self.ready()

    def _gather(self) -> None:
        """Keep what has ended."""
        for piece in self._pieces:
            if piece.future is None or not piece.pending or not piece.future.done():
                continue
            piece.failed = _named(piece.future.exception(), piece.training.title)
            if piece.failed is None:
                piece.trained = brought_back(
                    piece.future.result(), piece.training.config, piece.training.train.inputs.shape[1:]
                )
                if self._unfinished is not None:
                    self._unfinished.keep(piece.training, piece.trained)
            piece.future = None
            self._done(piece.training.title)


def _named(error: BaseException | None, title: str) -> BaseException | None:
    """Whoever lost a worker does not know what it was at work on."""
    known = not isinstance(error, WorkerLost) or str(error).startswith(f"{title}: ")
    return error if known else WorkerLost(f"{title}: {error}")
