"""The numbers behind a plot: taken from a figure's artists, and written as comma-separated values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

Floats = npt.NDArray[np.float64]
Value = float | str | None
Numbers = Mapping[str, Sequence[Value]]
"""The columns behind a plot, by their names; of equal length."""
Row = dict[str, Value]

# What spreadsheets take for a formula when a text begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNNAMED = re.compile(r"_(child|container|nolegend_)\d*|")
_CURVE, _PANEL, _LOW, _HIGH = "curve", "panel", "low", "high"


def csv_text(numbers: Numbers) -> str:
    """The columns as comma-separated values (RFC 4180), in full precision; undefined values are empty.

    A text that a spreadsheet would run as a formula gets an apostrophe.

    Raises:
        ValueError: if the columns are of unequal length.

    >>> csv_text({"model": ["trees, deep", "=1+1"], "AUC": [0.75, None]})
    'model,AUC\\r\\n"trees, deep",0.75\\r\\n\\'=1+1,\\r\\n'
    """
    rows = [list(numbers), *zip(*numbers.values(), strict=True)]
    return "".join(",".join(_entry(value) for value in row) + "\r\n" for row in rows)


def _entry(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        number = float(value)
        if not isfinite(number):
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    text = f"'{value}" if value.startswith(_FORMULA) else value
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def short(value: float) -> float:
    """Seven significant digits, more than any figure here is known to.

    >>> short(0.06351249999999997), short(1 / 3)
    (0.0635125, 0.3333333)
    """
    return float(f"{value:.7g}")


def columns(rows: Sequence[Mapping[str, Value]]) -> dict[str, list[Value]]:
    """Rows as columns, in the order in which names first come; a name that a row lacks is undefined there.

    >>> columns([{"x": 1.0}, {"x": 2.0, "y": 3.0}])
    {'x': [1.0, 2.0], 'y': [None, 3.0]}
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def drawn_numbers(figure: Figure) -> dict[str, list[Value]]:
    """What a figure's lines, points, steps and images show, one row a point, bin or pixel.

    Columns are called as the axes are; lines across a whole panel and filled bands are left out.
    """
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    # Of panels above each other only the lowest names the axis that they share.
    below = next((axes.get_xlabel() for axes in reversed(panels) if axes.get_xlabel()), "x")
    rows: list[Row] = []
    for k, axes in enumerate(panels):
        x, y = axes.get_xlabel() or below, axes.get_ylabel() or "y"
        if len(panels) == 1:
            rows += _rows(axes, x, y)
        else:
            name = axes.get_ylabel() or axes.get_title() or str(k + 1)
            rows += [{_PANEL: name, **row} for row in _rows(axes, x, "value")]
    found = columns(rows)
    return {name: values for name, values in found.items() if any(value not in (None, "") for value in values)}


def _rows(axes: Axes, x: str, y: str) -> Iterator[Row]:
    y = y if y != x else f"{y} (vertical)"
    bars = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    seen: set[bytes] = set()
    for patch in sorted(axes.patches, key=lambda patch: bool(_UNNAMED.fullmatch(str(patch.get_label())))):
        if isinstance(patch, StepPatch):
            yield from _steps(patch, x, y, seen)
    for bar in bars:
        yield from _points_with_errors(bar, x, y)
    hidden = {id(line) for bar in bars for line in (bar.lines[0], *bar.lines[1])}
    for line in axes.get_lines():
        if id(line) not in hidden and line.get_transform() == axes.transData:
            yield from _line(line, x, y)
    for collection in axes.collections:
        if isinstance(collection, PathCollection):
            for at, value in _filled(collection.get_offsets()).tolist():
                yield {_CURVE: _name(collection.get_label()), x: at, y: value}
        elif isinstance(collection, QuadMesh):
            yield from _mesh(collection, x, y)
    for image in axes.get_images():
        yield from _image(image, x, y)


def _name(label: object) -> str:
    return "" if _UNNAMED.fullmatch(str(label)) else str(label)


def _steps(patch: StepPatch, x: str, y: str, seen: set[bytes]) -> Iterator[Row]:
    """One row a bin; a filled histogram and its outline are one."""
    values, edges, _ = patch.get_data()
    values, edges = np.asarray(values, float), np.asarray(edges, float)
    key = values.tobytes() + edges.tobytes()
    if key in seen:
        return
    seen.add(key)
    for low, high, value in zip(edges[:-1], edges[1:], values, strict=True):
        yield {_CURVE: _name(patch.get_label()), f"{x} from": float(low), f"{x} to": float(high), y: float(value)}


def _line(line: Line2D, x: str, y: str) -> Iterator[Row]:
    for at, value in _vertices(line):
        yield {_CURVE: _name(line.get_label()), x: at, y: value}


def _vertices(line: Line2D) -> list[tuple[float, float]]:
    at, values = (np.asarray(line.get_data(orig=False)[k], float).tolist() for k in (0, 1))
    return list(zip(at, values, strict=True))


def _points_with_errors(bar: ErrorbarContainer, x: str, y: str) -> Iterator[Row]:
    """One row a point; one that is undefined has no line for its error."""
    points, _, ends = bar.lines
    if not bar.has_yerr:
        return
    for (at, value), segment in zip(_vertices(points), ends[-1].get_segments(), strict=True):
        heights = np.asarray(segment, float).reshape(-1, 2)[:, 1].tolist()
        if len(heights) == 2:
            yield {_CURVE: _name(bar.get_label()), x: at, y: value, _LOW: heights[0], _HIGH: heights[1]}


def _mesh(mesh: QuadMesh, x: str, y: str) -> Iterator[Row]:
    """One row a cell with something in it."""
    corners = np.asarray(mesh.get_coordinates(), float)
    values = _filled(mesh.get_array()).reshape(corners.shape[0] - 1, corners.shape[1] - 1)
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        (left, bottom), (right, top) = corners[row, column], corners[row + 1, column + 1]
        yield {
            f"{x} from": float(left),
            f"{x} to": float(right),
            f"{y} from": float(bottom),
            f"{y} to": float(top),
            "value": float(values[row, column]),
        }


def _filled(values: object) -> Floats:
    """Without a mask: what is masked is undefined."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, float), np.nan), float)


def _image(image: AxesImage, x: str, y: str) -> Iterator[Row]:
    """One row a pixel, at its middle; pictures in colours of their own have no values."""
    values = _filled(image.get_array())
    if values.ndim != 2:
        return
    names = ("column", "row") if x == "x" and y == "y" else (x, y)
    left, right, bottom, top = image.get_extent()
    first, last = (bottom, top) if image.origin == "lower" else (top, bottom)
    n_rows, n_columns = values.shape
    for (row, column), value in np.ndenumerate(values):
        yield {
            names[0]: left + (column + 0.5) * (right - left) / n_columns,
            names[1]: first + (row + 0.5) * (last - first) / n_rows,
            "value": float(value),
        }
