"""The page's sections about images: what they look like, and what the models look at in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from hepsieve.config import ImageStepsConfig
from hepsieve.evaluate.image_results import ImageSummary, MeanImage
from hepsieve.evaluate.results import Evaluation
from hepsieve.report.images import (
    axes_note,
    draw_difference,
    draw_example,
    draw_mean,
    example_note,
    example_scale,
    panels,
    title,
)
from hepsieve.report.picture import Picture, picture
from hepsieve.report.summary import number
from hepsieve.shower_shapes import ENERGY, TIME

_SMALL = (190, 190)


@dataclass(frozen=True, kw_only=True)
class ImageChannel:
    """One channel: the mean images of the classes and their difference; examples, and the scale of their colours.

    Attributes:
        how: what is averaged and how the colours are to be read.
        examples: of each class.
    """

    name: str
    how: str
    means: tuple[Picture, ...]
    scale: Picture
    examples: tuple[tuple[Picture, ...], ...]


@dataclass(frozen=True, kw_only=True)
class ImageSection:
    """What the page shows of the training images, and sentences on how to read it."""

    intro: str
    channels: tuple[ImageChannel, ...]


def image_section(evaluation: Evaluation) -> ImageSection | None:
    """What the training images look like; None where the data are no images."""
    images = evaluation.images
    if images is None:
        return None
    background, signal = evaluation.classes
    intro = (
        f"Of the training part: {number(images.n_signal, 0)} {signal} and {number(images.n_background, 0)} "
        f"{background} images. {axes_note(images)}"
    )
    return ImageSection(
        intro=intro, channels=tuple(_channel(images, k, evaluation.classes) for k in range(len(images.means)))
    )


def image_steps(steps: ImageStepsConfig) -> str:
    """What is done to images before they are scaled, as the beginning of a sentence.

    >>> image_steps(ImageStepsConfig(energy="sqrt", mask_time=False))
    'pixels: square root of energy; then '
    """
    energies = {"log": f"log(1 + energy / {steps.unit:g})", "sqrt": "square root of energy", "none": ""}
    times = "times of pixels without energy as the mean of all others" if steps.mask_time else ""
    done = [energies[steps.energy], times]
    listed = ", ".join(one for one in done if one)
    return f"pixels: {listed}; then " if listed else ""


def _channel(images: ImageSummary, channel: int, classes: tuple[str, str]) -> ImageChannel:
    mean = images.means[channel]
    background, signal = classes
    means = tuple(
        picture(
            panels({label: partial(draw_mean, images=images, channel=channel, signal=is_signal)}),
            f"Mean {mean.channel} of every pixel in {label} images.",
            title=label,
        )
        for is_signal, label in ((False, background), (True, signal))
    )
    more, less = ("later", "earlier") if mean.channel == TIME else ("more", "less")
    difference = picture(
        panels({"": partial(draw_difference, images=images, channel=channel)}),
        f"Mean {mean.channel} of every pixel in {signal} images minus that in {background} images.",
        title=f"{signal} minus {background}",
        note=f"Red: {more} in {signal} images. Blue: {less}. Blank: within two standard errors of 0.",
    )
    return ImageChannel(
        name=mean.channel,
        how=_how(mean),
        means=(*means, difference),
        scale=picture(example_scale(images, channel), f"The colours of the examples: {title(mean)}."),
        examples=tuple(
            tuple(
                picture(
                    panels(
                        {label: partial(draw_example, images=images, example=example, channel=channel)}, size=_SMALL
                    ),
                    f"{mean.channel} of the pixels of one {label} image.",
                    title=label,
                    note=example_note(example, images),
                )
                for example in images.examples
                if example.label == label
            )
            for label in classes
        ),
    )


def _how(mean: MeanImage) -> str:
    unit = f" 1 stands for {mean.unit}." if mean.unit[:1].isdigit() else ""
    match mean.channel:
        case channel if channel == ENERGY:
            return (
                "The mean of every pixel over all images of a class. The colours are logarithmic: from one number at "
                f"the bar to the next is a factor of ten.{unit}"
            )
        case channel if channel == TIME:
            return (
                "The mean of every pixel over those images of a class in which it has energy; blank where it never "
                f"has. Beyond the arrows of a bar the colour stays the same.{unit}"
            )
        case _:
            return f"The mean of every pixel over all images of a class.{unit}"
