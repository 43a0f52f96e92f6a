"""Trained models and validation images to maps of what they look at: what hiding crystals does to the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray
from scipy.special import logit

from hepsieve.config import LEAST_MAPS, TaskConfig
from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.events import Events, FloatArray, IntArray
from hepsieve.prepare import AnyPreparation, ImagePreparation
from hepsieve.progress import Progress
from hepsieve.shower_shapes import are_images
from hepsieve.train.run import Fitted, Member, Run

PATCH = 3
"""Rows and columns of the square of crystals that is hidden."""
MOST_PASSES = 20_000
"""Images with a hidden square that a model has to score, if it is small or dense."""
SMALL = 200_000
"""Parameters up to which a convolutional network is small."""
_AT_ONCE = 1024
_SURE = 1e-7  # float32 scores that are nearer to 0 or 1 say nothing more
Values = NDArray[np.float64]
Label = Literal[0, 1] | None


def occlusion_maps(run: Run, config: TaskConfig, *, progress: Progress) -> tuple[OcclusionMap, ...]:
    """What every model that sees pixels looks at, averaged over validation images of each class.

    A square of 3 × 3 crystals is emptied, at every place, and the image scored again. Squares without energy need no
    scoring: nothing would change. Large networks, which take longer, get fewer images; how many depends on the network
    and the images alone, never on a clock.

    Args:
        run: trained models and the parts they belong to; cross-validated images are shown only to the training that
            did not see them.
        config: ``explain.maps`` says of how many images of a class, at most; its seed draws them.
        progress: shows one step per image.

    Returns:
        Two maps for each model, background's first, in a regression one; none where the data are no images or none are
        wanted.
    """
    events = run.parts.validation
    if not are_images(events) or not config.explain.maps or min(events.features.shape[1:3]) < PATCH:
        return ()
    # The third: shuffling and ranking of features have the first two.
    rng = np.random.default_rng(SeedSequence(config.seed).spawn(3)[2])
    drawn = drawn_events(events, config.explain.maps, rng)
    seeing = [fitted for fitted in run.models.values() if sees_pixels(fitted.members[0].preparation)]
    maps: list[OcclusionMap] = []
    with progress.task("hiding crystals", len(seeing) * len(drawn)) as advance:
        for fitted in seeing:
            shown = {label: shown_images(fitted, events, rows, run.parts.fold) for label, rows in drawn.items()}
            images = _affordable(fitted, shown)
            for label, some in shown.items():
                if images >= LEAST_MAPS:
                    maps.append(_map(fitted, label, some, images, Answers.of(run)))
                advance(1, fitted.name)
    return tuple(maps)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What models say of prepared inputs: the logit of a score or, in a regression, the prediction itself."""

    regression: bool

    @classmethod
    def of(cls, run: Run) -> Answers:
        """Those of the run's models."""
        return cls(regression=run.parts.train.kind == "regression")

    def __call__(self, fitted: Fitted, member: IntArray, inputs: FloatArray) -> Values:
        """The answers to inputs, each by the training of this number, shape (n,)."""
        scores = np.empty(len(inputs))
        for number, one in enumerate(fitted.members):
            if len(rows := np.flatnonzero(member == number)):
                scores[rows] = one.trained.model.scores(inputs[rows].reshape(len(rows), *one.preparation.shape))
        return scores if self.regression else np.asarray(logit(np.clip(scores, _SURE, 1 - _SURE)))


def drawn_events(events: Events, most: int, rng: np.random.Generator) -> dict[Label, IntArray]:
    """Rows of at most so many events of either class, drawn by chance; of all events in a regression."""
    if events.kind == "regression":
        return {None: rng.permutation(len(events))[:most]}
    labels: tuple[Label, ...] = (0, 1)
    return {label: rng.permutation(np.flatnonzero(events.target == label))[:most] for label in labels}


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """Images of one class as the trainings that score them get them.

    Attributes:
        member: by image, the number of the training that scores it.
        inputs: shape (n, height, width, channels).
        empty: the same of an image without anything in it, for each training, shape (members, height, width, channels).
        squares: by image, whether a square holds anything, shape (n, height − 2, width − 2).
    """

    member: IntArray
    inputs: FloatArray
    empty: FloatArray
    squares: NDArray[np.bool_]


def sees_pixels(preparation: AnyPreparation) -> bool:
    """Whether a model gets images, in whatever shape."""
    return isinstance(preparation, ImagePreparation)


def shown_images(fitted: Fitted, events: Events, rows: IntArray, fold: IntArray | None) -> Shown:
    """Raw images of these rows as the trainings that did not see them get them."""
    images = np.asarray(events.features[rows])
    member = np.zeros(len(rows), np.int64) if fold is None else np.asarray(fold[rows], np.int64)
    upright = [_upright(one, images, events.names) for one in fitted.members]
    empty = np.concatenate([_upright(one, np.zeros_like(images[:1]), events.names) for one in fitted.members])
    inputs = np.stack(upright)[member, np.arange(len(rows))]
    there = (inputs != empty[member]).any(axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(there, (PATCH, PATCH), axis=(1, 2))
    squares = np.asarray(windows.any(axis=(3, 4)))
    return Shown(member=member, inputs=inputs, empty=empty, squares=squares)


def _upright(member: Member, images: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """The inputs of a training, shape (n, height, width, channels) also where it takes them in one row."""
    inputs = member.preparation.apply(images, names)
    return inputs.reshape(*images.shape[:3], -1)


def _affordable(fitted: Fitted, shown: Mapping[Label, Shown]) -> int:
    """How many images of each class can be scored with all their squares hidden in turn."""
    passes = MOST_PASSES / cost(fitted)
    fewest = min(len(some.squares) for some in shown.values())
    needed = sum(np.cumsum(some.squares.sum(axis=(1, 2))[:fewest]) for some in shown.values())
    return int(np.searchsorted(np.asarray(needed), passes, side="right"))


def cost(fitted: Fitted) -> float:
    """How much longer a network takes for an image or a waveform than a small or dense one, about."""
    if len(fitted.members[0].preparation.shape) == 1:  # a dense network uses each weight once
        return 1.0
    # Deep convolutions take longer by about the square root of their number of weights.
    return float(max(1.0, (fitted.parameters / SMALL / len(fitted.members)) ** 0.5))


def _map(fitted: Fitted, label: Label, shown: Shown, images: int, answers: Answers) -> OcclusionMap:
    inputs, squares = shown.inputs[:images], shown.squares[:images]
    before = answers(fitted, shown.member[:images], inputs)
    image, row, column = np.nonzero(squares)
    drops = np.zeros(squares.shape)
    for start in range(0, len(image), _AT_ONCE):
        at = slice(start, start + _AT_ONCE)
        hidden = inputs[image[at]]
        for one, (i, r, c) in zip(hidden, zip(image[at], row[at], column[at], strict=True), strict=True):
            place = np.s_[r : r + PATCH, c : c + PATCH]
            one[place] = shown.empty[shown.member[i]][place]
        after = answers(fitted, shown.member[image[at]], hidden)
        drops[image[at], row[at], column[at]] = before[image[at]] - after
    crystals = _by_crystal(drops)
    return OcclusionMap(
        model=fitted.name,
        label=label,
        drop=rows_of(crystals.mean(axis=0)),
        error=rows_of(crystals.std(axis=0, ddof=1) / np.sqrt(images)),
        images=images,
        patch=PATCH,
    )


def _by_crystal(drops: Values) -> Values:
    """For every crystal the mean over the squares that it lies in, from one value for each square."""
    edge = PATCH - 1
    sums, counts = (
        np.lib.stride_tricks.sliding_window_view(
            np.pad(values, ((0, 0), (edge, edge), (edge, edge))), (PATCH, PATCH), axis=(1, 2)
        ).sum(axis=(3, 4))
        for values in (drops, np.ones_like(drops[:1]))
    )
    return np.asarray(sums / counts)


def rows_of(values: Values) -> tuple[tuple[float, ...], ...]:
    """To six decimals: more would double the size of evaluation.json and mean nothing."""
    return tuple(tuple(round(float(value), 6) for value in row) for row in values)
