"""One training of a portfolio as it is sent to a process, which hands in what it has on the way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hepsieve.errors import HepsieveError
from hepsieve.models.config import ModelConfig, Network, TreesConfig
from hepsieve.train.elsewhere import Order, Outcome, carry_out_order, trained
from hepsieve.train.share import most_epochs, paused_after
from hepsieve.train.trained import Trained
from hepsieve.train.unfinished import read_trained, write_trained

WHOLE = (1.0,)
_STEPS = (0.4, 0.6, 0.8, 1.0)
_SHORT = 15.0  # seconds of a training that is too short for breaks


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A training for a process.

    Attributes:
        order: what is trained; its share is the last one.
        shares: of the whole training, after which the model is handed in.
        place: the folder for what is handed in before the end.
    """

    order: Order
    shares: tuple[float, ...]
    place: Path


def shares_of(config: ModelConfig, seconds: float) -> tuple[float, ...]:
    """After which shares of a training that takes so long there is a break; none where it would begin anew then."""
    goes_on = isinstance(config, Network) or (
        isinstance(config, TreesConfig) and config.subsample == 1 and config.colsample == 1
    )
    return _STEPS if goes_on and seconds >= _SHORT else WHOLE


def carry_out_piece(piece: Piece) -> Outcome:
    """The training, carried out in a process of its own; a break changes nothing."""
    for share in piece.shares[:-1]:
        order = replace(piece.order, share=share)
        done = trained(order)
        with suppress(HepsieveError):  # a full disk is no reason to lose the training
            write_trained(done, piece.place / f"{share:g}")
        if done.history[-1].epoch < paused_after(share, most_epochs(order.config, order.settings)):
            break  # it came to its end before
    return carry_out_order(replace(piece.order, share=piece.shares[-1]))


def handed_in(piece: Piece, shape: tuple[int, ...]) -> Trained | None:
    """The last that a training handed in before it was cut off; None where it was nothing."""
    for share in reversed(piece.shares[:-1]):
        found = read_trained(piece.place / f"{share:g}", piece.order.config, shape)
        if found is not None:
            return found
    return None
