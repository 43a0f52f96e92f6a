"""Divide events into parts and turn raw features into a model's inputs, learning from the training part alone."""

from hepsieve.prepare.fit import PREPARATION, AnyPreparation, fit_preparation
from hepsieve.prepare.images import ImagePreparation
from hepsieve.prepare.pipeline import Preparation
from hepsieve.prepare.shapes import ShapePreparation
from hepsieve.prepare.split import SealedPart, Split, folds, split, split_given_test
from hepsieve.prepare.waveforms import WaveformPreparation

__all__ = [
    "PREPARATION",
    "AnyPreparation",
    "ImagePreparation",
    "Preparation",
    "SealedPart",
    "ShapePreparation",
    "Split",
    "WaveformPreparation",
    "fit_preparation",
    "folds",
    "split",
    "split_given_test",
]
