"""Prepared parts to trained models; importing this loads no backend."""

from hepsieve.models.load import load_model
from hepsieve.train.dispatch import train_model
from hepsieve.train.trained import Part, Trained

__all__ = ["Part", "Trained", "load_model", "train_model"]
