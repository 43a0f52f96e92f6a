"""One look for every figure: a Figure drawn in the house style becomes an SVG for an <img> element."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import mplhep
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator, FixedLocator, NullLocator
from numpy.typing import ArrayLike

# From Petroff's ten colours (arXiv:2107.02270), chosen for colour-vision deficiencies, without the lightest, which
# vanish on white; the green is from Okabe and Ito's set.
BLUE, ORANGE, RED, PURPLE = "#3f90da", "#e76300", "#bd1f01", "#832db6"
GREY, BROWN, GREEN = "#717581", "#a96b59", "#00805c"
INK, MUTED, FAINT = "#1c2430", "#5a6575", "#d9dee5"

BACKGROUND, SIGNAL = BLUE, ORANGE
MODEL_COLOURS = (RED, BLUE, PURPLE, GREEN, GREY, BROWN)
TRAIN, VALIDATION = GREY, PURPLE
MODEL_DASHES = ("solid", (0, (5, 1.6)), (0, (6, 1.5, 1.5, 1.5)), (0, (1.5, 1.2)), (0, (8, 2, 2, 2, 2, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")

_DARK = {
    INK: "#e8ecf1", MUTED: "#a3adba", FAINT: "#39424f", BLUE: "#6bb0f2", ORANGE: "#ff9142", RED: "#ff7660",
    PURPLE: "#c893ee", GREY: "#a9b0bd", BROWN: "#d29c8b", GREEN: "#4fc79f",
}  # fmt: skip

# What makes a plot look like an experiment's: ticks inwards on all sides, titles at the axes' ends, no grid.
_EXPERIMENT = {
    key: mplhep.style.ATLAS[key]
    for key in (
        "axes.grid",
        "legend.frameon",
        "xaxis.labellocation",
        "xtick.direction",
        "xtick.top",
        "yaxis.labellocation",
        "ytick.direction",
        "ytick.right",
    )
}
_RC = {
    **_EXPERIMENT,
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "font.size": 10.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.facecolor": "none",
    "legend.fontsize": 10,
    "lines.linewidth": 1.6,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    # Equal figures give equal bytes.
    "svg.hashsalt": "hepsieve",
    "text.color": INK,
    # Names of features, classes and models come from files: a $ in them is a dollar sign.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.major.size": 5,
    "xtick.minor.size": 2.5,
    "xtick.labelcolor": INK,
    "xtick.major.pad": 5,
    "ytick.color": MUTED,
    "ytick.major.size": 5,
    "ytick.minor.size": 2.5,
    "ytick.labelcolor": INK,
    "ytick.major.pad": 5,
}

_MOST_BANDS = 6
# A plot narrower than this many pixels has no room for minor ticks.
_SMALL = 230
_NO_ENTRY = "_nolegend_"
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_VARIABLES = {colour: f"--c{k}" for k, colour in enumerate(_DARK)}
_SHEET = (
    "<style>:root{"
    + ";".join(f"{name}:{colour}" for colour, name in _VARIABLES.items())
    + "}@media(prefers-color-scheme:dark){:root{"
    + ";".join(f"{name}:{_DARK[colour]}" for colour, name in _VARIABLES.items())
    + "}}text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif!important}</style>"
)
_TAG = re.compile(r"<[^>]*>")
_PATH = re.compile(r' d="[^"]*"')
_SPACE = re.compile(r"\s*([A-Za-z])\s+(?=[-\d])")
_BETWEEN_TAGS = re.compile(r">\s+<")
_LONG_NUMBER = re.compile(r"(\.\d\d)\d+")
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_PLACE = re.compile(r' [xy]="[^"]*"')
# A tick is a line from its origin; as it has no area, what a use of it says of fill and stroke says nothing new.
_TICK = re.compile(r'<path id="([^"]*)" d="M0 0L[-\d.\s]*"')
_USE = re.compile(r'<use xlink:href="#([^"]*)"[^>]*/>')
_ALONE = re.compile(r"<g>(<use [^>]*/>)</g>")
# The sheet's font stands in for every element's own, and most text is turned by 0°.
_NEEDLESS = re.compile(r" font-family: [^;\"]*;| transform=\"rotate\(-?0 [^)]*\)\"")
_STYLE = re.compile(r' style="[^"]*"')
_COLOUR = re.compile(r"(fill|stroke): ?(#[0-9a-f]{6})")


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's defaults with this page's settings on top, whatever the user's own settings are."""
    with style.context(["default", _RC]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in CSS pixels."""
    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def plain_axes(axes: Axes) -> None:
    """The frame of an experiment's plot: minor ticks along linear axes, where there is room for them."""
    if axes.bbox.width < _SMALL:
        return
    for axis in (axes.xaxis, axes.yaxis):
        counted = isinstance(axis.get_major_locator(), FixedLocator | NullLocator)
        if axis.get_scale() == "linear" and not counted:
            axis.set_minor_locator(AutoMinorLocator())


def experiment_label(axes: Axes, *, simulated: bool) -> None:
    """Whose plot it is, above its upper left corner, and whether a generator made the events."""
    place: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "fontsize": 9.5,
        "va": "bottom",
        "color": INK,
    }
    axes.annotate("hepsieve", (0, 1), xytext=(0, 4), fontweight="bold", **place)
    if simulated:
        axes.annotate("Simulation", (0, 1), xytext=(58, 4), fontstyle="italic", **place)


def steps(
    axes: Axes,
    values: ArrayLike,
    edges: ArrayLike,
    *,
    color: str,
    filled: float = 0.0,
    linewidth: float = 1.3,
    label: str | None = None,
    **line: Any,
) -> None:
    """A histogram as steps.

    Args:
        axes: where to draw it.
        values: shape (n,), the height of each bin.
        edges: shape (n + 1,).
        color: of the line and what is below it.
        filled: how opaque the area below is, from 0 to 1.
        linewidth: of the outline.
        label: in the legend.
        line: further properties of the outline.
    """
    heights, bins = np.asarray(values, float), np.asarray(edges, float)
    shared: dict[str, Any] = {"bins": bins, "ax": axes, "flow": "none", "yerr": False, "color": color}
    if filled:
        mplhep.histplot(heights, histtype="fill", alpha=filled, linewidth=0, label=_NO_ENTRY, **shared)
    shared |= {"label": label or _NO_ENTRY, "edges": bool(filled), **line}
    mplhep.histplot(heights, histtype="step", linewidth=linewidth, **shared)


def points(
    axes: Axes, values: ArrayLike, errors: ArrayLike, edges: ArrayLike, *, color: str, marker: str, label: str
) -> None:
    """A histogram as points with standard errors, in the middle of their bins; a bin without error is left out.

    Args:
        axes: where to draw it.
        values: shape (n,).
        errors: shape (n,).
        edges: shape (n + 1,).
        color: of points and errors.
        marker: of the points.
        label: in the legend.
    """
    heights, spread = np.asarray(values, float), np.asarray(errors, float)
    mplhep.histplot(
        np.where(spread > 0, heights, np.nan),
        bins=np.asarray(edges, float),
        histtype="errorbar",
        yerr=np.where(spread > 0, spread, np.nan),
        ax=axes,
        flow="none",
        color=color,
        marker=marker,
        markersize=3.2,
        elinewidth=1,
        label=label,
    )


def model_line(index: int) -> dict[str, Any]:
    """Colour and dashes of the model with this index, the same in every figure."""
    return {
        "color": MODEL_COLOURS[index % len(MODEL_COLOURS)],
        "linestyle": MODEL_DASHES[index % len(MODEL_DASHES)],
    }


def banded(models: Collection[str], best: str = "") -> frozenset[str]:
    """Whose bands are drawn: all, but only the best model's where those of many would hide each other."""
    return frozenset(models) if len(models) <= _MOST_BANDS else frozenset({best} & set(models))


def bands_note(models: Collection[str], best: str = "") -> str:
    """Which bands were left out, in a sentence; empty where none were.

    >>> bands_note([f"m{k}" for k in range(7)], "m2"), bands_note(["m0", "m1"])
    ('The band is that of m2 alone: 7 would hide each other.', '')
    """
    shown = banded(models, best)
    if len(shown) == len(models):
        return ""
    many = f"{len(models)} would hide each other."
    return f"The band is that of {best} alone: {many}" if shown else f"Without bands: {many}"


def legend(axes: Axes, *, loc: Literal["lower left", "lower right", "upper right"]) -> None:
    """A legend that keeps names beginning with an underscore, which matplotlib would leave out."""
    lines = axes.get_lines()
    box = axes.legend(lines, [" "] * len(lines), loc=loc, handlelength=2.6)
    for text, line in zip(box.get_texts(), lines, strict=True):
        text.set_text(str(line.get_label()))


def shorten(name: str, longest: int) -> str:
    """The name, its middle left out where it is longer than a figure has room for.

    >>> shorten("missing_energy_magnitude", 13)
    'missin…nitude'
    """
    if len(name) <= longest:
        return name
    head = longest // 2
    return name[:head] + "…" + name[len(name) - (longest - head - 1) :]


@house_style()
def to_svg(figure: Figure) -> str:
    """The figure as SVG text that follows the reader's light or dark colour scheme."""
    stream = io.StringIO()
    with warnings.catch_warnings():
        # Matplotlib measures with its own font; the browser that draws the text has the missing glyphs.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    # Tags only: a feature may be called "fill: #3f90da".
    text = _TAG.sub(lambda tag: _COLOUR.sub(_themed, _short(tag.group())), text)
    text = _BETWEEN_TAGS.sub("><", text)
    ticks = set(_TICK.findall(text))
    text = _USE.sub(lambda use: _STYLE.sub("", use.group()) if use.group(1) in ticks else use.group(), text)
    text = _ALONE.sub(r"\1", _ALONE.sub(r"\1", text))
    return text.replace("<defs>", _SHEET + "<defs>", 1)


def to_data_uri(figure: Figure) -> str:
    """The figure as a ``data:`` address for an <img> element, where no script can run and no id can clash."""
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(figure).encode()).decode("ascii")


def _short(tag: str) -> str:
    """Paths to a hundredth of a pixel, which halves what long curves take, and nothing that has no effect."""
    tag = _GROUP_ID.sub("<g", _NEEDLESS.sub("", tag))
    if tag.startswith("<use"):
        return _PLACE.sub(lambda place: _LONG_NUMBER.sub(r"\1", place.group()), tag)
    return _PATH.sub(lambda path: _SPACE.sub(r"\1", _LONG_NUMBER.sub(r"\1", path.group())).rstrip(), tag)


def _themed(match: re.Match[str]) -> str:
    paint, colour = match.groups()
    return f"{paint}: var({_VARIABLES[colour]})" if colour in _VARIABLES else match.group()
