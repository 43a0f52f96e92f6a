"""Events to a description of them in one pass: classes, a row per feature, correlated pairs, histograms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hepsieve.audit.moments import Moments
from hepsieve.audit.sketch import Bins, Floats, Sketch
from hepsieve.events import Events
from hepsieve.progress import Progress, Silent

BINS = 40
# A feature with at most so many distinct values (a b-tag, a mass hypothesis) gets a bin for each of them.
FEW_BINS = 12
TAILS = (0.005, 0.995)
_ROWS = 65_536
_VALUES_AT_ONCE = 1 << 22


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class FeatureSummary(_Part):
    """One feature over all events of both classes; figures are None where no value defines them.

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


class Correlation(_Part):
    """Pearson's r of two features: over all events, and within each class; None where one of them is constant."""

    first: str
    second: str
    r: float | None
    background: float | None
    signal: float | None

    @property
    def strength(self) -> float:
        """The largest of the three magnitudes."""
        return max((abs(r) for r in (self.r, self.background, self.signal) if r is not None), default=0.0)


class Description(_Part):
    """What is in a sample. Numbers of events everywhere: no event weight plays a part, but for ``weights``.

    Attributes:
        classes: the names of background and signal.
        counts: events of background and of signal.
        unlabelled: events that are labelled as neither; nothing else here counts them.
        weights: sums of the finite event weights of background and signal; None where every event weighs 1.
        complete: events whose features are all finite.
        features: a row for each feature; none for images and waveforms.
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
        events: tables are described in full; of images and waveforms only the classes are.
        classes: the names of background and signal.
        correlated: from which |r| on a pair of features is listed.
        progress: shows how far the pass is.
    """
    table = events.features.ndim == 2
    seen = _Seen.empty(len(events.names) if table else 0)
    with (progress if progress is not None else Silent()).task("describing the data", total=len(events)) as advance:
        for rows in _blocks(len(events), seen.p):
            target = np.asarray(events.target[rows])
            labelled = np.isin(target, (0, 1))
            signal = target[labelled] == 1
            seen.count(signal, np.asarray(events.weight[rows])[labelled], len(target))
            if table:
                values = np.asarray(events.features[rows])
                seen.add(values if labelled.all() else values[labelled], signal)
            advance(len(target))
    moments = seen.moments[0] + seen.moments[1]
    pairs = _pairs(events.names, moments, seen.moments, correlated) if table else []
    return Description(
        classes=classes,
        counts=(int(seen.events[0]), int(seen.events[1])),
        unlabelled=int(seen.unlabelled),
        weights=(float(seen.weight[0]), float(seen.weight[1])) if seen.weighted else None,
        complete=int(seen.complete),
        features=tuple(_summaries(events, seen, moments)) if table else (),
        threshold=correlated,
        correlated=tuple(pair for pair in pairs if pair.strength > correlated),
        strongest=pairs[0] if pairs else None,
    )


def _blocks(n: int, p: int) -> Iterator[slice]:
    """Rows at once: many, unless the table is so wide that a block of them would be large."""
    step = max(256, min(_ROWS, _VALUES_AT_ONCE // max(p, 1)))
    return (slice(start, start + step) for start in range(0, n, step))


@dataclass(kw_only=True, eq=False)
class _Seen:
    """What the pass has gathered so far; arrays of two are by class."""

    sketches: list[Sketch]
    moments: list[Moments]
    missing: NDArray[np.int64]
    infinite: NDArray[np.int64]
    events: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    weight: Floats = field(default_factory=lambda: np.zeros(2))
    weighted: bool = False
    unlabelled: int = 0
    complete: int = 0

    @classmethod
    def empty(cls, p: int) -> _Seen:
        nothing = Moments.of(np.empty((0, p), np.float32))
        counts = np.zeros((2, p), np.int64)
        return cls(sketches=[Sketch() for _ in range(p)], moments=[nothing] * 2, missing=counts, infinite=counts.copy())

    @property
    def p(self) -> int:
        return len(self.sketches)

    def count(self, signal: NDArray[np.bool_], weight: NDArray[np.float32], rows: int) -> None:
        """Count events by class, and sum their weights."""
        self.events += np.bincount(signal, minlength=2)
        self.unlabelled += rows - len(signal)
        known = np.where(np.isfinite(weight), weight, 0)
        self.weight += np.bincount(signal, weights=known, minlength=2)
        self.weighted |= bool((weight != 1).any())

    def add(self, values: NDArray[np.float32], signal: NDArray[np.bool_]) -> None:
        """Take in a block of labelled rows, shape (rows, p)."""
        finite = np.isfinite(values)
        self.complete += int(finite.all(axis=1).sum())
        whole = bool(finite.all())
        for side in (0, 1):
            rows = signal == side
            self.moments[side] += Moments.of(values[rows])
            if not whole:
                missing = np.isnan(values[rows]).sum(axis=0)
                self.missing[side] += missing
                self.infinite[side] += (~finite[rows]).sum(axis=0) - missing
        columns = np.ascontiguousarray(values.T)
        for sketch, column, known in zip(self.sketches, columns, finite.T, strict=True):
            if whole or known.all():
                sketch.add(column, signal)
            else:
                sketch.add(column[known], signal[known])


def _summaries(events: Events, seen: _Seen, moments: Moments) -> Iterator[FeatureSummary]:
    count, mean, deviation = moments.columns()
    for k, sketch in enumerate(seen.sketches):
        bins = sketch.bins()
        low, high = sketch.range or (None, None)
        q25, median, q75 = bins.quantiles((0.25, 0.5, 0.75)) or (None, None, None)
        edges = _edges(bins, sketch)
        background, signal = bins.histogram(edges) / np.diff(edges) / np.maximum(bins.counts.sum(axis=1), 1)[:, None]
        missing = seen.missing[:, k]
        yield FeatureSummary(
            name=events.names[k],
            unit=events.units[k],
            count=int(count[k]),
            missing=int(missing.sum()),
            infinite=int(seen.infinite[:, k].sum()),
            missing_by_class=(int(missing[0]), int(missing[1])),
            mean=_defined(mean[k]),
            std=_defined(deviation[k]),
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


def _edges(bins: Bins, sketch: Sketch) -> Floats:
    """Ends of bins around each of few values, or of equal bins over what holds 99 % of either class."""
    if sketch.range is None:
        return np.array([0.0, 1.0])
    if sketch.distinct is not None and sketch.distinct <= FEW_BINS:
        values = bins.low
        middles = (values[1:] + values[:-1]) / 2
        # A bin around a single value is wide enough to be told from it in floating point.
        alone = max(0.5, 1e-6 * float(np.abs(values).max()))
        first = middles[0] - values[0] if len(middles) else alone
        last = values[-1] - middles[-1] if len(middles) else alone
        return np.concatenate([[values[0] - first], middles, [values[-1] + last]])
    tails = [ends for side in (0, 1) if (ends := bins.quantiles(TAILS, side))]
    low, high = min(low for low, _ in tails), max(high for _, high in tails)
    low, high = (low, high) if high > low else sketch.range
    return np.linspace(low, high, BINS + 1)


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
            r=_defined(r[0, k]),
            background=_defined(r[1, k]),
            signal=_defined(r[2, k]),
        )
        for k in order
        if strength[k] >= 0
    ]


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
