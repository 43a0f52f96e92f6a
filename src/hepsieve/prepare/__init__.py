"""Divide events into parts and turn raw features into a model's inputs, learning from the training part alone."""

from hepsieve.prepare.pipeline import Preparation
from hepsieve.prepare.split import SealedPart, Split, folds, split, split_given_test

__all__ = ["Preparation", "SealedPart", "Split", "folds", "split", "split_given_test"]
