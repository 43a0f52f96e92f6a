"""What is done to events before a model gets them: how they are divided, and the steps to its inputs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from hepsieve.data_config import each_once
from hepsieve.evaluate_config import Fraction
from hepsieve.models.learner import Frozen
from hepsieve.objects import Derive, FrameConfig


class SplitConfig(Frozen):
    """Shares of all events that go to validation and test; the rest is trained on.

    Attributes:
        validation: share of all events; not used where ``train.folds`` cross-validates.
        test: share of all events.
        file_order_blocks: into how many consecutive blocks each class is cut, in file order, before each block is
            divided in these proportions: whatever changes along a file (masses, run periods) then stands in all parts.
    """

    validation: Fraction = 0.2
    test: Fraction = 0.2
    file_order_blocks: PositiveInt | None = None

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> SplitConfig:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing to train on")
        return self


class ImageStepsConfig(Frozen):
    """What is done to the channels of images, by their names, before they are scaled.

    Attributes:
        energy: a deposit E becomes ``log``: log(1 + E/unit), ``sqrt``: √E (negative ones −√|E|), or stays (``none``).
        unit: the energy, in the data's own unit, from which on the logarithm bends.
        mask_time: the time of a pixel without energy means nothing: it counts as the mean of all others.
    """

    energy: Literal["log", "sqrt", "none"] = "log"
    unit: Annotated[float, Field(gt=0)] = 0.002
    mask_time: bool = True


class WaveformStepsConfig(Frozen):
    """What is done to waveforms in place of scaling.

    Attributes:
        normalise: ``set`` brings the smallest sample of the training part to 0 and its largest to 1; ``each`` does so
            for every waveform by itself, ``area`` divides each by its area, ``none`` leaves them.
    """

    normalise: Literal["set", "each", "area", "none"] = "set"


class PrepareConfig(Frozen):
    """The steps between raw features and a model's inputs; all are fitted on the training part.

    Attributes:
        features: a selection of the features (of images: the channels) by name; null keeps all.
        image: what is done to images first; tables pass it by.
        waveform: what is done to waveforms; tables and images pass it by.
        frame: the frame in which particles and jets (``data.objects``) are seen; null takes their columns as they are.
        derive: groups of features that are computed from the momenta of particles and jets and come beside the others:
            ``pair_masses``, ``triple_masses``, ``quadruple_masses``, ``delta_r``, ``delta_phi``, ``delta_eta``,
            ``transverse_masses``, ``pair_momenta``, ``sums``, ``w_candidates``.
        log: features, derived ones too (none of them negative), whose logarithm is taken first, because they span
            decades.
        scale: ``standardise`` to mean 0 and standard deviation 1, ``minmax`` to 0…1, ``none``.
        pca: number of principal components to keep after scaling; null does no PCA.
        whiten: give every principal component unit variance.
    """

    features: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    image: ImageStepsConfig = ImageStepsConfig()
    waveform: WaveformStepsConfig = WaveformStepsConfig()
    frame: FrameConfig | None = None
    derive: tuple[Derive, ...] = ()
    log: tuple[str, ...] = ()
    scale: Literal["standardise", "minmax", "none"] = "standardise"
    pca: PositiveInt | None = None
    whiten: bool = False

    @model_validator(mode="after")
    def _no_feature_twice(self) -> PrepareConfig:
        each_once(self.features or ())
        each_once(self.log)
        each_once(self.derive)
        if self.whiten and self.pca is None:
            raise ValueError("whiten gives principal components unit variance; say how many in pca")
        return self
