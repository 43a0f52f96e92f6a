"""A run's training waveforms to what a page shows of them, as its networks see them."""

from __future__ import annotations

from collections.abc import Iterable

from hepsieve.config import TaskConfig
from hepsieve.errors import DataError
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.evaluate.waveforms import waveform_summary
from hepsieve.events import Events, FloatArray
from hepsieve.prepare import AnyPreparation, WaveformPreparation
from hepsieve.waveforms import NORMALISED, are_waveforms


def pictured_waveforms(
    train: Events, config: TaskConfig, *, preparations: Iterable[AnyPreparation] = (), seed: int
) -> WaveformSummary | None:
    """Examples of waveforms, raw and normalised, and mean waveforms; None for tables and images.

    Args:
        train: the training part.
        config: the task; its ``prepare.waveform`` says how waveforms are normalised where no network does.
        preparations: those of the trained models; the first of waveforms normalises the examples.
        seed: chooses the waveforms.
    """
    if not are_waveforms(train):
        return None
    fitted = next((one for one in preparations if isinstance(one, WaveformPreparation)), None)
    if fitted is None:
        fitted = WaveformPreparation.fit(train, config.prepare, impute=config.audit.missing == "impute")
    whole = fitted.model_copy(update={"flat": False})

    def normalise(raw: FloatArray) -> FloatArray:
        return whole.apply(raw, train.names)

    return waveform_summary(
        train.features,
        train.target,
        unit=train.units[0],
        normalise=normalise,
        classes=config.classes,
        scale=train.scale,
        seed=seed,
        normalised=NORMALISED[whole.normalise],
    )


def inspected_waveforms(events: Events, config: TaskConfig) -> WaveformSummary | None:
    """The same of all events, before anything is learned or set aside; None where there is nothing to be seen.

    Values that are not finite are drawn as medians, whatever the audit's policy: it says enough about them.
    """
    if len(events) == 0:
        return None
    audit = config.audit.model_copy(update={"missing": "impute"})
    try:
        return pictured_waveforms(events, config.model_copy(update={"audit": audit}), seed=config.seed)
    except DataError:
        return None  # all samples are equal, as the audit says
