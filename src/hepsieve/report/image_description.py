"""A description of images into words, a table of shower shapes, maps of the hits and histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hepsieve.audit.image_description import ImageDescription
from hepsieve.audit.spreads import ChannelSummary, ShapeSummary, Spread
from hepsieve.evaluate.results import FeatureHistogram, Quantity
from hepsieve.report.figures import feature_histogram
from hepsieve.report.images import power
from hepsieve.report.picture import Picture, picture
from hepsieve.report.rounding import figure, mean_figure
from hepsieve.report.style import house_style, new_figure
from hepsieve.report.summary import UNKNOWN, number, percent

Row = dict[str, str]
Pixels = NDArray[np.float64]
Classes = tuple[str, str]

CAPTION = (
    "Shower shapes of the images with energy, class by class; standard deviation with n − 1; quartiles to 0.2 % of "
    "their values or better"
)
_ERRORS = 3
_NOT_MEASURED = Quantity(value=None, low=None, high=None)


def image_remarks(images: ImageDescription, classes: Classes, counts: tuple[int, int]) -> tuple[str, ...]:
    """How large the images are, what they hold, how many are empty and where the showers stand."""
    channels = " and ".join(f"{one.name}{f' [{one.unit}]' if one.unit else ''}" for one in images.channels)
    ranges = "; ".join(
        f"{one.name} from {figure(one.min)} to {figure(one.max)}" for one in images.channels if one.min is not None
    )
    size = f"{images.rows} × {images.columns} pixels with {channels}{f' ({ranges})' if ranges else ''}"
    found = [f"Images of {size}.".replace(" -", " −"), _empty(images, classes, counts)]
    if images.centre is not None:
        filled = sum(counts) - sum(images.empty)
        found.append(
            f"The hottest pixel is [{images.centre[0]}, {images.centre[1]}] (row and column, from 0) in "
            f"{percent(sum(images.centred) / max(filled, 1))} of the images with energy."
        )
    if not images.shapes:
        found.append("No channel is called energy, so no shower shapes are measured, and no table is made.")
    return tuple(found)


def _empty(images: ImageDescription, classes: Classes, counts: tuple[int, int]) -> str:
    total = sum(images.empty)
    if not total:
        return "No image is without energy."
    having = f"{number(total, 0)} {'image has' if total == 1 else 'images have'} no energy at all"
    if not any(classes):
        return f"{having} ({percent(total / max(counts[0], 1))})."
    each = " and ".join(
        f"{number(images.empty[side], 0)} {classes[side]} ({percent(images.empty[side] / max(counts[side], 1))})"
        for side in (1, 0)
    )
    return f"{having}: {each}."


def shape_rows(images: ImageDescription, classes: Classes) -> list[Row]:
    """The describe table: two rows a shower shape, signal first; in a regression one."""
    return spread_rows(images.shapes, classes)


def spread_rows(shapes: Sequence[ShapeSummary], classes: Classes) -> list[Row]:
    """Two rows a shape or quantity, signal first; without names of classes one, over all events."""
    sides = (1, 0) if any(classes) else (0,)
    return [
        _shape_row(shape, classes[side], (shape.background, shape.signal)[side]) for shape in shapes for side in sides
    ]


def _shape_row(shape: ShapeSummary, name: str, spread: Spread) -> Row:
    figures = {
        "std": spread.std,
        "min": spread.min,
        "25 %": spread.q25,
        "50 %": spread.median,
        "75 %": spread.q75,
        "max": spread.max,
    }
    return {
        "feature": shape.name,
        **({"class": name} if name else {}),
        "unit": shape.unit or UNKNOWN,
        "count": str(spread.count),
        "mean": mean_figure(spread.mean, spread.std),
        **{title: figure(value) for title, value in figures.items()},
    }


def missing_channel_rows(channels: Sequence[ChannelSummary], classes: Classes, *, values: int) -> list[Row]:
    """Channels with values that are missing or infinite, of so many values in each channel."""
    return [
        missing_row(channel.name, channel.missing, channel.missing_by_class, channel.infinite, classes, values=values)
        for channel in channels
        if channel.missing or channel.infinite
    ]


def missing_row(
    name: str, missing: int, by_class: tuple[int, int], infinite: int, classes: Classes, *, values: int
) -> Row:
    """How many of so many values of a feature or channel are missing, in each class if there are some, or infinite."""
    divided = {f"in {label}": number(by_class[side], 0) for side, label in enumerate(classes) if label}
    return {
        "feature": name,
        "missing": number(missing, 0),
        "share": percent(missing / max(values, 1)),
        **divided,
        "infinite": number(infinite, 0),
    }


def shape_histogram(shape: ShapeSummary) -> Figure:
    """The densities of both classes over all images with energy, or over all waveforms that change."""
    return feature_histogram(
        FeatureHistogram(
            name=shape.name,
            unit=shape.unit,
            edges=shape.edges,
            background=shape.density[0],
            signal=shape.density[1],
            auc=_NOT_MEASURED,
        )
    )


def shape_pictures(images: ImageDescription, classes: Classes) -> list[Picture]:
    """A histogram of each shower shape, total energy and hits first."""
    return [
        picture(
            shape_histogram(shape),
            f"Distribution of {shape.name} "
            f"{f'for {classes[1]} and {classes[0]} ' if any(classes) else ''}over all images with energy.",
            title=shape.name,
        )
        for shape in images.shapes
    ]


def hit_pictures(images: ImageDescription, classes: Classes, counts: tuple[int, int]) -> list[Picture]:
    """Where the hits of each class are, background first, and where the classes differ, if they do."""
    shares = np.array(images.occupancy)
    if not any(classes):
        least = float(shares[0][shares[0] > 0].min(initial=0.1))
        return [picture(hit_map(shares[0], least=least), "Share of the images in which each pixel has energy.")]
    least = float(shares[shares > 0].min(initial=0.1))
    maps = [
        picture(hit_map(share, least=least), f"Share of the {name} images in which each pixel has energy.", title=name)
        for share, name in zip(shares, classes, strict=True)
    ]
    background, signal = classes
    error = np.sqrt(sum(share * (1 - share) / max(n, 1) for share, n in zip(shares, counts, strict=True)))
    difference = shares[1] - shares[0]
    certain = np.abs(difference) > _ERRORS * error
    if certain.any():
        differs = picture(
            difference_map(np.where(certain, difference, np.nan)),
            f"Share of the {signal} images in which each pixel has energy, minus that of the {background} images.",
            title=f"{signal} minus {background}",
            note=f"Red: more {signal} images have energy there. Blue: more {background} images. Blank: less than "
            f"{_ERRORS} standard errors.",
        )
        maps.append(differs)
    return maps


@house_style()
def hit_map(share: Pixels, *, least: float) -> Figure:
    """The share of images in which a pixel has energy, in logarithmic colours; blank where it never has.

    Rows and columns are counted from 0, as in what the audit says of single pixels.

    Args:
        share: shape (rows, columns).
        least: where the colours begin.
    """
    drawn, bar = _map(np.where(share > 0, share, np.nan), LogNorm(least, 1), "viridis")
    bar.ax.yaxis.set_major_locator(LogLocator(numticks=7))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    bar.set_label("share of images with energy there", fontsize=9.5)
    return drawn


@house_style()
def difference_map(difference: Pixels) -> Figure:
    """By how much the shares differ, shape (rows, columns), NaN where it says nothing."""
    most = float(np.nanmax(np.abs(difference), initial=0.01))
    drawn, bar = _map(difference, Normalize(-most, most), "RdBu_r")
    bar.ax.yaxis.set_major_locator(MaxNLocator(5))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", "−")))
    bar.set_label("difference of the shares", fontsize=9.5)
    return drawn


def _map(pixels: Pixels, norm: Normalize, colours: str) -> tuple[Figure, Colorbar]:
    drawn = new_figure(330, 272)
    axes = drawn.add_subplot()
    # "none" stores one pixel per pixel, which the browser enlarges without blur.
    image = axes.imshow(pixels, norm=norm, cmap=colours, origin="lower", interpolation="none")
    axes.grid(visible=False)
    for axis, title in ((axes.xaxis, "column"), (axes.yaxis, "row")):
        axis.set_major_locator(MaxNLocator(8, integer=True))
        axis.set_label_text(title, fontsize=9.5)
    bar = drawn.colorbar(image, ax=axes, shrink=0.92, aspect=24, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8.5, length=0)
    return drawn, bar
