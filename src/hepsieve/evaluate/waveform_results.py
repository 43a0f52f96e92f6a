"""What waveforms look like, ready for JSON and the report."""

from __future__ import annotations

from hepsieve.evaluate.frozen import Result


class WaveformExample(Result):
    """One training waveform, as it was read and as a network gets it; thinned for drawing.

    Attributes:
        title: what is known about it, such as "d = 0.42".
        time: of each point, in µs.
        raw: shape (points,).
        normalised: shape (points,).
    """

    title: str
    time: tuple[float, ...]
    raw: tuple[float, ...]
    normalised: tuple[float, ...]


class MeanWaveform(Result):
    """The mean of many training waveforms, each moved so that its centre of gravity is at time 0.

    Attributes:
        title: which ones, such as a class.
        time: of each bin's middle, in µs.
        mean: per sample, above the baseline.
        n: how many waveforms were averaged.
    """

    title: str
    time: tuple[float, ...]
    mean: tuple[float, ...]
    n: int = 0


class WaveformSummary(Result):
    """What the training waveforms look like; ``unit`` is that of a raw sample.

    ``ordered`` says that the means are of rising ranges of a target; else they are of background and of signal.
    ``normalised`` says in words what is done to a waveform before a network gets it.
    """

    unit: str
    samples: int
    sample_ns: float
    examples: tuple[WaveformExample, ...]
    means: tuple[MeanWaveform, ...]
    ordered: bool = False
    normalised: str = ""
