"""What a model looks at in waveforms: curves along time below the mean waveforms. Results in, a Figure out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hepsieve.evaluate.image_results import WaveformMap
from hepsieve.report.style import BACKGROUND, BLUE, MUTED, SIGNAL, house_style, new_figure, plain_axes, shorten

_SIGMAS = 2.0


@house_style()
def map_curves(maps: Sequence[WaveformMap], labels: Sequence[str], *, answer: str) -> Figure:
    """How much each window adds to a model's answer, with bands of two standard errors, below the mean waveforms.

    Args:
        maps: of one model, found in one way; one for each class.
        labels: the names of these.
        answer: what falls when a window is hidden, such as the logit.
    """
    figure = new_figure(420, 290)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    for one, label in zip(maps, labels, strict=True):
        colour = BLUE if one.label is None else (BACKGROUND, SIGNAL)[one.label]
        edges, drop = np.asarray(one.edges), np.asarray(one.drop)
        reach = _SIGMAS * np.asarray(one.error)
        times = np.linspace(edges[0], edges[-1], len(one.mean) + 1)
        above.stairs(one.mean, times, color=colour, linewidth=1.2, baseline=None)
        below.fill_between(
            edges, _held(drop - reach), _held(drop + reach), step="post", color=colour, alpha=0.25, linewidth=0
        )
        below.stairs(drop, edges, color=colour, linewidth=1.4, baseline=None, label=shorten(label, 28))
    below.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    above.set_ylabel("mean", fontsize=9)
    below.set_ylabel(f"drop of the {answer}", fontsize=9)
    below.set_xlabel("time [µs]")
    if len(maps) > 1:
        below.legend(loc="best", handlelength=1.6)
    for axes in (above, below):
        plain_axes(axes)
    return figure


def _held(values: np.ndarray) -> np.ndarray:
    """The values of windows at their edges, the last one once more."""
    return np.append(values, values[-1])
