"""Look for the best settings of a model: points of a space, chosen one after the other by validation figures."""

from hepsieve.tune.run import train_and_search
from hepsieve.tune.search import Search, Trial, search

__all__ = ["Search", "Trial", "search", "train_and_search"]
