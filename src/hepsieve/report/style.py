"""One look for every figure: a Figure drawn in the house style becomes an SVG for an <img> element."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

_RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
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
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    # Equal figures give equal bytes.
    "svg.hashsalt": "hepsieve",
    "text.color": INK,
    # Names of features, classes and models come from files: a $ in them is a dollar sign.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.direction": "in",
    "xtick.labelcolor": INK,
    "xtick.major.pad": 5,
    "ytick.color": MUTED,
    "ytick.direction": "in",
    "ytick.labelcolor": INK,
    "ytick.major.pad": 5,
}

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
# The sheet's font stands in for every element's own, and most text is turned by 0°.
_NEEDLESS = re.compile(r" font-family: [^;\"]*;| transform=\"rotate\(-?0 [^)]*\)\"")
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
    """Leave only the axes' left and lower line."""
    axes.spines[["top", "right"]].set_visible(False)


def model_line(index: int) -> dict[str, Any]:
    """Colour and dashes of the model with this index, the same in every figure."""
    return {
        "color": MODEL_COLOURS[index % len(MODEL_COLOURS)],
        "linestyle": MODEL_DASHES[index % len(MODEL_DASHES)],
    }


def legend(axes: Axes, *, loc: Literal["lower right", "upper right"]) -> None:
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
    return text.replace("<defs>", _SHEET + "<defs>", 1)


def to_data_uri(figure: Figure) -> str:
    """The figure as a ``data:`` address for an <img> element, where no script can run and no id can clash."""
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(figure).encode()).decode("ascii")


def _short(tag: str) -> str:
    """Paths to a hundredth of a pixel, which halves what long curves take, and nothing that has no effect."""
    return _PATH.sub(lambda path: _SPACE.sub(r"\1", _LONG_NUMBER.sub(r"\1", path.group())), _NEEDLESS.sub("", tag))


def _themed(match: re.Match[str]) -> str:
    paint, colour = match.groups()
    return f"{paint}: var({_VARIABLES[colour]})" if colour in _VARIABLES else match.group()
