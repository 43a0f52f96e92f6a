"""Networks and validation images to gradient maps: each pixel's part in how far the answer is from an empty image's."""

from __future__ import annotations

import numpy as np
from numpy.random import SeedSequence

from hepsieve.config import LEAST_MAPS, TaskConfig
from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.events import FloatArray, IntArray
from hepsieve.models.predictor import Differentiable
from hepsieve.occlusion import (
    MOST_PASSES,
    Answers,
    Label,
    Shown,
    Values,
    cost,
    drawn_events,
    rows_of,
    sees_pixels,
    shown_images,
)
from hepsieve.progress import Progress
from hepsieve.shower_shapes import are_images
from hepsieve.train.run import Fitted, Run

STEPS = 8
"""Points on the way from an empty image to a whole one at which gradients are taken."""
_PASSES_OF_A_GRADIENT = 3  # forward, and about twice as much backward


def gradient_maps(run: Run, config: TaskConfig, *, progress: Progress) -> tuple[OcclusionMap, ...]:
    """What every network that sees pixels looks at, by integrated gradients, averaged over validation images.

    ``integrated_gradients`` says what a pixel's part is; of several channels the parts are added up. Trees have no
    gradients, and no map. Large networks get fewer images, as for ``occlusion_maps``.

    Args:
        run: trained models and the parts they belong to; cross-validated images are shown only to the training that
            did not see them.
        config: ``explain.maps`` says of how many images of a class, at most; its seed draws them.
        progress: shows one step per model and class.

    Returns:
        Two maps for each network, background's first, in a regression one; none where the data are no images or none
        are wanted.
    """
    events = run.parts.validation
    if not are_images(events) or not config.explain.maps:
        return ()
    # Shuffling, ranking and occlusion have the first three.
    drawn = drawn_events(events, config.explain.maps, np.random.default_rng(SeedSequence(config.seed).spawn(4)[3]))
    answers = Answers.of(run)
    seeing = [
        fitted
        for fitted in run.models.values()
        if sees_pixels(fitted.members[0].preparation) and isinstance(fitted.members[0].trained.model, Differentiable)
    ]
    maps: list[OcclusionMap] = []
    with progress.task("following gradients", len(seeing) * len(drawn)) as advance:
        for fitted in seeing:
            passes = MOST_PASSES / cost(fitted) / STEPS / _PASSES_OF_A_GRADIENT / len(drawn)
            images = min(int(passes), *map(len, drawn.values()))
            for label, rows in drawn.items():
                if images >= LEAST_MAPS:
                    shown = shown_images(fitted, events, rows[:images], run.parts.fold)
                    maps += _map(fitted, label, shown, answers)
                advance(1, fitted.name)
    return tuple(maps)


def integrated_gradients(
    fitted: Fitted, member: IntArray, inputs: FloatArray, empty: FloatArray, *, answers: Answers
) -> Values | None:
    """Each input's part in how far the answer is from that to nothing, the shape of ``inputs``.

    Sundararajan, Taly and Yan, arXiv:1703.01365, eq. (3): the input's distance from that of an empty event times the
    mean of the answer's derivative on the straight way between the two, here at the middles of eight equal steps. The
    parts add up to the difference of both answers, as far as eight steps tell.

    Args:
        fitted: the model.
        member: shape (n,), by event, the number of the training that it is shown to.
        inputs: shape (n, …), prepared.
        empty: the same of events without anything in them.
        answers: whether the answer is a logit or a prediction.

    Returns:
        None where a network's backend gives no gradients.
    """
    slope = np.zeros(inputs.shape)
    for step in range(STEPS):
        between = empty + np.float32((step + 0.5) / STEPS) * (inputs - empty)
        gradient = _gradients(fitted, member, between)
        if gradient is None:
            return None
        if answers.regression:
            prediction = answers(fitted, member, between)
            gradient *= (prediction * (1 - prediction)).reshape(-1, *(1,) * (inputs.ndim - 1))
        slope += gradient / STEPS
    return np.asarray(slope * (inputs - empty))


def _gradients(fitted: Fitted, member: IntArray, inputs: FloatArray) -> Values | None:
    """Derivatives of the logits, each by the training of this number."""
    found = np.zeros(inputs.shape)
    for number, one in enumerate(fitted.members):
        rows = np.flatnonzero(member == number)
        model = one.trained.model
        if not len(rows):
            continue
        if not isinstance(model, Differentiable):
            return None
        gradient = model.input_gradient(inputs[rows].reshape(len(rows), *one.preparation.shape))
        if gradient is None:
            return None
        found[rows] = gradient.reshape(len(rows), *inputs.shape[1:])
    return found


def _map(fitted: Fitted, label: Label, shown: Shown, answers: Answers) -> list[OcclusionMap]:
    parts = integrated_gradients(fitted, shown.member, shown.inputs, shown.empty[shown.member], answers=answers)
    if parts is None:
        return []
    pixels = parts.sum(axis=-1)
    one = OcclusionMap(
        model=fitted.name,
        label=label,
        drop=rows_of(pixels.mean(axis=0)),
        error=rows_of(pixels.std(axis=0, ddof=1) / np.sqrt(len(pixels))),
        images=len(pixels),
        patch=1,
        method="gradient",
    )
    return [one]
