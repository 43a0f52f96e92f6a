"""Events to a description of them in one pass: classes, a row per feature, correlated pairs, histograms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hepsieve.audit.gather import Gathered, defined, histogram
from hepsieve.audit.image_description import ImageDescription, describe_images
from hepsieve.audit.moments import Moments
from hepsieve.audit.sides import side_names, sides
from hepsieve.audit.spreads import Part
from hepsieve.audit.target_description import TargetSummary, describe_target
from hepsieve.audit.waveform_description import WaveformDescription, describe_waveforms
from hepsieve.events import Events
from hepsieve.progress import Progress, Silent
from hepsieve.shower_shapes import are_images
from hepsieve.waveforms import are_waveforms

_ROWS = 65_536
_VALUES_AT_ONCE = 1 << 22


class FeatureSummary(Part):
    """One feature over all events of both classes; figures are None where no value defines them.

    In a regression all events stand in the place of background, as everywhere in a description.

    Attributes:
        name: the feature.
        unit: empty where it has none, or none is known.
        count: its finite values, which all other figures describe.
        missing: how many values are NaN.
        infinite: how many are infinite.
        missing_by_class: how ``missing`` divides between background and signal.
        mean: their mean.
        std: their standard deviation, with n - 1.
        min: the lowest.
        q25: the lower quartile.
        median: half of the values lie below.
        q75: the upper quartile.
        max: the highest.
        distinct: how many distinct finite values there are; None for more than a hundred.
        edges: ends of the histogram's bins.
        background: density in each bin per unit of the feature, normalised to all finite values of the class.
        signal: the same for signal.
    """

    name: str
    unit: str
    count: int
    missing: int
    infinite: int
    missing_by_class: tuple[int, int]
    mean: float | None
    std: float | None
    min: float | None
    q25: float | None
    median: float | None
    q75: float | None
    max: float | None
    distinct: int | None
    edges: tuple[float, ...]
    background: tuple[float, ...]
    signal: tuple[float, ...]


class Correlation(Part):
    """Pearson's r of two features: over all events, and within each class; None where one of them is constant.

    In a regression, r within the first class is that over all events, and there is none within the second.
    """

    first: str
    second: str
    r: float | None
    background: float | None
    signal: float | None

    @property
    def strength(self) -> float:
        """The largest of the three magnitudes."""
        return max((abs(r) for r in (self.r, self.background, self.signal) if r is not None), default=0.0)


class Description(Part):
    """What is in a sample. Numbers of events everywhere: no event weight plays a part, but for ``weights``.

    A regression has no classes: its events all stand where else background stands.

    Attributes:
        classes: the names of background and signal; both empty in a regression.
        counts: events of background and of signal.
        unlabelled: events that are labelled as neither, or have no target; nothing else here counts them.
        weights: sums of the finite event weights of background and signal; None where every event weighs 1.
        complete: events whose features are all finite.
        features: a row for each feature; none for images and waveforms.
        images: what is in images, where these are some.
        waveforms: what is in waveforms, likewise.
        target: what there is to regress; None for classes.
        threshold: from which |r| on a pair counts as correlated.
        correlated: pairs with |r| above it in all events or within a class, strongest first.
        strongest: the pair with the largest |r|, be it above or not; None where no two features vary.
    """

    classes: tuple[str, str]
    counts: tuple[int, int]
    unlabelled: int
    weights: tuple[float, float] | None
    complete: int
    features: tuple[FeatureSummary, ...]
    threshold: float
    correlated: tuple[Correlation, ...]
    strongest: Correlation | None
    images: ImageDescription | None = None
    waveforms: WaveformDescription | None = None
    target: TargetSummary | None = None

    def to_json(self) -> str:
        """The content of description.json."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Description:
        """What ``to_json`` wrote.

        Raises:
            ValueError: if the text is something else.
        """
        return cls.model_validate_json(text)


def describe(
    events: Events, *, classes: tuple[str, str], correlated: float, progress: Progress | None = None
) -> Description:
    """Describe all events in one pass over blocks of rows, in memory that does not grow with their number.

    Counts, lowest and highest values, numbers of distinct values are exact; means, standard deviations and
    correlations are so up to float64's rounding. With at most a hundred distinct values, quartiles and histogram are
    exact as well. Otherwise a quartile lies between values that are each right to 2^-9 (0.2 %) of themselves at worst,
    and a histogram shares such a narrow bin in proportion between the bins of its own that it touches.
    A missing or infinite value leaves its event out of the pairs of that feature only. Figures count events; weights
    don't enter.

    Args:
        events: tables are described in full, images by their shower shapes, waveforms by a few quantities of each.
        classes: the names of background and signal; a regression does without them.
        correlated: from which |r| on a pair of features is listed.
        progress: shows how far the pass is.
    """
    progress = progress if progress is not None else Silent()
    table, images, waveforms = events.features.ndim == 2, None, None
    seen = Gathered.empty(len(events.names) if table else 0)
    with progress.task("describing the data", total=len(events)) as advance:
        for rows in _blocks(len(events), seen.p):
            at = sides(events, rows)
            labelled = np.asarray(at.any(axis=0))
            signal = at[1, labelled]
            seen.count(signal, np.asarray(events.weight[rows])[labelled], len(labelled))
            if table:
                values = np.asarray(events.features[rows])
                seen.add(values if labelled.all() else values[labelled], signal)
                advance(len(labelled))
        if are_images(events):
            images = describe_images(events, advance)
        elif are_waveforms(events):
            waveforms = describe_waveforms(events, advance)
    own = images if images is not None else waveforms
    moments = seen.moments[0] + seen.moments[1]
    pairs = _pairs(events.names, moments, seen.moments, correlated) if table else []
    return Description(
        classes=side_names(events, classes),
        counts=(int(seen.events[0]), int(seen.events[1])),
        unlabelled=int(seen.unlabelled),
        weights=(float(seen.weight[0]), float(seen.weight[1])) if seen.weighted else None,
        complete=own.complete if own is not None else int(seen.complete),
        features=tuple(_summaries(events, seen, moments)) if table else (),
        threshold=correlated,
        correlated=tuple(pair for pair in pairs if pair.strength > correlated),
        strongest=pairs[0] if pairs else None,
        images=images,
        waveforms=waveforms,
        target=describe_target(events),
    )


def _blocks(n: int, p: int) -> Iterator[slice]:
    """Rows at once: many, unless the table is so wide that a block of them would be large."""
    step = max(256, min(_ROWS, _VALUES_AT_ONCE // max(p, 1)))
    return (slice(start, start + step) for start in range(0, n, step))


def _summaries(events: Events, seen: Gathered, moments: Moments) -> Iterator[FeatureSummary]:
    count, mean, deviation = moments.columns()
    for k, sketch in enumerate(seen.sketches):
        bins = sketch.bins()
        low, high = sketch.range or (None, None)
        q25, median, q75 = bins.quantiles((0.25, 0.5, 0.75)) or (None, None, None)
        edges, (background, signal) = histogram(sketch)
        missing = seen.missing[:, k]
        yield FeatureSummary(
            name=events.names[k],
            unit=events.units[k],
            count=int(count[k]),
            missing=int(missing.sum()),
            infinite=int(seen.infinite[:, k].sum()),
            missing_by_class=(int(missing[0]), int(missing[1])),
            mean=defined(mean[k]),
            std=defined(deviation[k]),
            min=low,
            q25=q25,
            median=median,
            q75=q75,
            max=high,
            distinct=sketch.distinct,
            edges=tuple(edges.tolist()),
            background=tuple(background.tolist()),
            signal=tuple(signal.tolist()),
        )


def _pairs(names: tuple[str, ...], moments: Moments, by_class: list[Moments], threshold: float) -> list[Correlation]:
    """The pairs of features above the threshold, strongest first; of none the strongest that there is."""
    matrices = np.array([one.correlations() for one in (moments, *by_class)])
    first, second = np.triu_indices(len(names), 1)
    r = matrices[:, first, second]
    strength = np.where(np.isnan(r), -1, np.abs(r)).max(axis=0, initial=-1)
    order = np.argsort(-strength, kind="stable")
    order = order[: max(1, int((strength > threshold).sum()))]
    return [
        Correlation(
            first=names[first[k]],
            second=names[second[k]],
            r=defined(r[0, k]),
            background=defined(r[1, k]),
            signal=defined(r[2, k]),
        )
        for k in order
        if strength[k] >= 0
    ]
