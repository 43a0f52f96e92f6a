"""What images look like: means over each class, their difference, examples, and maps of what a model looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hepsieve.evaluate.image_results import ExampleImage, ImageSummary, MeanImage, OcclusionMap, Pixels
from hepsieve.report.style import house_style, new_figure, shorten
from hepsieve.report.summary import number
from hepsieve.shower_shapes import ENERGY

Floats = NDArray[np.float64]
# Both can be told apart with any colour vision; in the second one white is nothing, red more and blue less.
_AMOUNTS, _DIFFERENCES = "viridis", "RdBu_r"
_DECADES = 5
# Pixels that hardly ever have energy have wild mean times; a linear scale leaves out so many per cent on either side.
_TAILS = 10.0
# A difference of fewer standard errors is left blank.
_SIGNIFICANT = 2.0
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_mean(axes: Axes, images: ImageSummary, channel: int, *, signal: bool) -> None:
    """The mean image of one class, in colours that the other class's image has too; energies logarithmic."""
    mean = images.means[channel]
    both = np.stack([as_array(mean.background), as_array(mean.signal)])
    image = _draw(axes, both[int(signal)], _amounts(both, mean.channel), _AMOUNTS, centred=is_shower(images))
    _bar(axes, image, title(mean))


def draw_difference(axes: Axes, images: ImageSummary, channel: int) -> None:
    """The mean signal image minus the mean background image; blank where it could be chance."""
    mean = images.means[channel]
    difference = as_array(mean.signal) - as_array(mean.background)
    shown = _significant(difference, np.hypot(as_array(mean.signal_error), as_array(mean.background_error)))
    image = _draw(axes, shown, _around_zero(shown, mean.channel), _DIFFERENCES, centred=is_shower(images))
    _bar(axes, image, f"difference in {title(mean)}")


def draw_example(axes: Axes, images: ImageSummary, example: ExampleImage, channel: int) -> None:
    """One image, in the colours of ``example_scale``; pixels that are 0 hold nothing and stay blank."""
    pixels = example.channel(channel, images.shape)
    shown = np.where(pixels != 0, pixels, np.nan)
    _draw(axes, shown, _example_colours(images, channel), _AMOUNTS, centred=is_shower(images))
    axes.tick_params(labelsize=8)


def draw_drop(axes: Axes, drops: OcclusionMap, *, most: float, centred: bool) -> None:
    """How far a model's logit falls when a patch of the image is hidden, by the place; blank where it could be chance.

    Args:
        axes: to draw on.
        drops: the map.
        most: what the colours reach to on either side of 0, the same for maps that are to be compared.
        centred: count crystals from the centre.
    """
    shown = _significant(as_array(drops.drop), as_array(drops.error))
    norm = SymLogNorm(most / 30, vmin=-most, vmax=most, base=10)
    _bar(axes, _draw(axes, shown, norm, _DIFFERENCES, centred=centred), "drop of the logit")


def largest_drop(maps: Sequence[OcclusionMap]) -> float:
    """The largest absolute drop in any of the maps."""
    return float(max((np.abs(as_array(one.drop)).max() for one in maps), default=0)) or 1.0


@house_style()
def example_scale(images: ImageSummary, channel: int) -> Figure:
    """The colours of the examples, as a bar."""
    figure = new_figure(420, 52)
    colours = ScalarMappable(norm=_example_colours(images, channel), cmap=_AMOUNTS)
    bar = figure.colorbar(colours, cax=figure.add_subplot(), orientation="horizontal")
    _finish(bar, title(images.means[channel]))
    return figure


@house_style()
def panels(
    drawings: Mapping[str, Callable[[Axes], None]], *, across: int = 1, size: tuple[float, float] = (330, 272)
) -> Figure:
    """Drawings side by side in one figure, under their titles; without titles where there is one.

    Args:
        drawings: what draws each of them on its axes, by its title.
        across: how many stand side by side.
        size: width and height of each, in CSS pixels.
    """
    down = ceil(len(drawings) / across)
    figure = new_figure(size[0] * across, size[1] * down)
    for place, (name, draw) in enumerate(drawings.items(), start=1):
        axes = figure.add_subplot(down, across, place)
        draw(axes)
        if len(drawings) > 1:
            axes.set_title(shorten(name, 40))
    return figure


def is_shower(images: ImageSummary) -> bool:
    """Whether these are images of showers in a calorimeter, of which rows, columns and centre are known."""
    return any(mean.channel == ENERGY for mean in images.means)


def title(mean: MeanImage) -> str:
    """A channel and its unit.

    >>> none = ((None,),)
    >>> title(MeanImage(channel="energy", unit="50 GeV", background=none, signal=none,
    ...                 background_error=none, signal_error=none))
    'energy [50 GeV]'
    """
    return shorten(mean.channel, 30) + (f" [{mean.unit}]" if mean.unit else "")


def as_array(pixels: Pixels) -> Floats:
    """The pixels as an array; NaN where nothing is known."""
    return np.array(pixels, dtype=np.float64)


def _draw(axes: Axes, pixels: Floats, norm: Normalize, colours: str, *, centred: bool) -> AxesImage:
    height, width = pixels.shape
    row, column = (height // 2, width // 2) if centred else (0, 0)
    extent = (-column - 0.5, width - column - 0.5, -row - 0.5, height - row - 0.5)
    # "none" stores one pixel per pixel, which the browser enlarges without blur.
    image = axes.imshow(pixels, norm=norm, cmap=colours, origin="lower", extent=extent, interpolation="none")
    axes.set_xlabel("φ, crystals from the centre" if centred else "column", fontsize=9.5)
    axes.set_ylabel("η, crystals from the centre" if centred else "row", fontsize=9.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    axes.grid(visible=False)
    return image


def _bar(axes: Axes, image: AxesImage, label: str) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes that were added to a figure
    beyond: Literal["both", "neither"] = "both" if _goes_beyond(image) else "neither"
    _finish(figure.colorbar(image, ax=axes, shrink=0.92, aspect=24, pad=0.02, extend=beyond), label)


def _goes_beyond(image: AxesImage) -> bool:
    """Whether some pixels lie outside a linear scale; a logarithmic one always ends below what is nearly nothing."""
    pixels, norm = image.get_array(), image.norm
    if pixels is None or isinstance(norm, LogNorm) or norm.vmin is None or norm.vmax is None:
        return False
    known = pixels[np.isfinite(pixels)]
    return bool((known < norm.vmin).any() or (known > norm.vmax).any())


def _finish(bar: Colorbar, label: str) -> None:
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8.5, length=0)
    bar.set_label(label, fontsize=9.5)
    axis = bar.ax.xaxis if bar.orientation == "horizontal" else bar.ax.yaxis
    axis.set_minor_locator(NullLocator())
    match bar.norm:
        case LogNorm(vmin=low, vmax=high):
            bar.set_ticks([10.0**k for k in range(ceil(log10(low or 1)), floor(log10(high or 1)) + 1)])
            axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        case SymLogNorm(linthresh=least, vmax=high):
            decades = [10.0**k for k in range(ceil(log10(least)), floor(log10(high or 1)) + 1)]
            bar.set_ticks([*(-one for one in reversed(decades)), 0, *decades])
            axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        case _:
            axis.set_major_locator(MaxNLocator(5))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", "−")))


def power(value: float) -> str:
    """A power of ten as people write it, with its sign.

    >>> power(0.001), power(-1e-5), power(10), power(0)
    ('0.001', '−10⁻⁵', '10', '0')
    """
    sign = "−" if value < 0 else ""
    if value == 0 or (abs(value) * 1.0001 >= 1e-3 and abs(value) < 1e4):
        return f"{sign}{abs(value):g}"
    return f"{sign}10{str(round(log10(abs(value)))).translate(_SUPERSCRIPTS)}"


def _amounts(pixels: Floats, channel: str) -> Normalize:
    """A logarithmic scale over at most five decades for energies, otherwise a linear one."""
    known = pixels[np.isfinite(pixels)]
    if channel == ENERGY and (known > 0).any():
        most = float(known.max())
        least = max(float(known[known > 0].min()), most / 10**_DECADES)
        return LogNorm(least if least < most else most / 10, most)
    low, high = np.percentile(known, [_TAILS, 100 - _TAILS]).tolist() if len(known) else (0.0, 1.0)
    return Normalize(low, high if high > low else low + 1)


def _around_zero(pixels: Floats, channel: str) -> Normalize:
    """Differences of energies span decades on either side of 0."""
    size = np.abs(pixels[np.isfinite(pixels)])
    if not len(size):
        return Normalize(-1, 1)
    if channel == ENERGY:
        most = float(size.max())
        return SymLogNorm(most / 10**3, vmin=-most, vmax=most, base=10)
    most = float(np.percentile(size, 100 - _TAILS))
    return Normalize(-most, most)


def _example_colours(images: ImageSummary, channel: int) -> Normalize:
    values = [value for one in images.examples for value in one.values[channel]]
    return _amounts(np.array(values or [0.0]), images.means[channel].channel)


def _significant(value: Floats, error: Floats) -> Floats:
    return np.where(np.abs(value) > _SIGNIFICANT * error, value, np.nan)


def example_note(example: ExampleImage, images: ImageSummary) -> str:
    """How much energy in how many pixels; empty where the images have no energy."""
    channels: Sequence[str] = [mean.channel for mean in images.means]
    if ENERGY not in channels:
        return ""
    mean = images.means[channels.index(ENERGY)]
    values = example.values[channels.index(ENERGY)]
    times = " × " if mean.unit[:1].isdigit() else " "
    return f"{number(sum(values), 2)}{times if mean.unit else ''}{mean.unit} in {len(values)} pixels"


def axes_note(images: ImageSummary) -> str:
    """What rows and columns are."""
    if not is_shower(images):
        return f"{images.shape[0]} rows and {images.shape[1]} columns."
    return (
        "One pixel is one crystal. Rows run along the beam (η), columns around it (φ), the direction in which a "
        "solenoid's field bends charged particles; the hottest crystal stands in the centre."
    )
