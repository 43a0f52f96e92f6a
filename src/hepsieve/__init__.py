"""hepsieve separates signal from background in particle physics, with figures that hold on unseen data.

>>> import hepsieve as hs
>>> hs.MLP(widths=[28, 14, 7]).hidden()
(28, 14, 7)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepsieve._version import __version__
    from hepsieve.compare_runs import compare
    from hepsieve.config import CutConfig as Cut
    from hepsieve.config import PrepareConfig as Prepare
    from hepsieve.config import TaskConfig, load_task
    from hepsieve.errors import HepsieveError
    from hepsieve.evaluate.confusion import confusion_figures
    from hepsieve.events import Events
    from hepsieve.models.config import AdaBoostConfig as AdaBoost
    from hepsieve.models.config import CNNConfig as CNN
    from hepsieve.models.config import MLPConfig as MLP
    from hepsieve.models.config import PulseNetConfig as PulseNet
    from hepsieve.models.config import ResNetConfig as ResNet
    from hepsieve.models.config import ShowerNetConfig as ShowerNet
    from hepsieve.models.config import TabMConfig as TabM
    from hepsieve.models.config import TrainConfig as Training
    from hepsieve.models.config import TreesConfig as Trees
    from hepsieve.models.config import VGGConfig as VGG
    from hepsieve.models.config import WaveCNNConfig as WaveCNN
    from hepsieve.models.config import WaveResNetConfig as WaveResNet
    from hepsieve.models.variants import GridConfig as Grid
    from hepsieve.models.variants import SearchConfig as Search
    from hepsieve.regression_stages import evaluate_regression
    from hepsieve.stages import audit, evaluate, look, occlusion_maps, read, simulate, split, train
    from hepsieve.trials import trials

__all__ = [
    "CNN",
    "MLP",
    "VGG",
    "AdaBoost",
    "Cut",
    "Events",
    "Grid",
    "HepsieveError",
    "Prepare",
    "PulseNet",
    "ResNet",
    "Search",
    "ShowerNet",
    "TabM",
    "TaskConfig",
    "Training",
    "Trees",
    "WaveCNN",
    "WaveResNet",
    "__version__",
    "audit",
    "compare",
    "confusion_figures",
    "evaluate",
    "evaluate_regression",
    "load_task",
    "look",
    "occlusion_maps",
    "read",
    "simulate",
    "split",
    "train",
    "trials",
]

# Resolved when first used: importing hepsieve loads neither a backend nor a reader.
_HOMES = {
    "MLP": "models.config:MLPConfig",
    "TabM": "models.config:TabMConfig",
    "CNN": "models.config:CNNConfig",
    "ResNet": "models.config:ResNetConfig",
    "ShowerNet": "models.config:ShowerNetConfig",
    "PulseNet": "models.config:PulseNetConfig",
    "WaveCNN": "models.config:WaveCNNConfig",
    "WaveResNet": "models.config:WaveResNetConfig",
    "evaluate_regression": "regression_stages:evaluate_regression",
    "VGG": "models.config:VGGConfig",
    "AdaBoost": "models.config:AdaBoostConfig",
    "Trees": "models.config:TreesConfig",
    "Grid": "models.variants:GridConfig",
    "Search": "models.variants:SearchConfig",
    "trials": "trials:trials",
    "compare": "compare_runs:compare",
    "Cut": "config:CutConfig",
    "Prepare": "config:PrepareConfig",
    "Training": "models.config:TrainConfig",
    "Events": "events:Events",
    "HepsieveError": "errors:HepsieveError",
    "confusion_figures": "evaluate.confusion:confusion_figures",
    "TaskConfig": "config:TaskConfig",
    "load_task": "config:load_task",
    "__version__": "_version:__version__",
    **{
        name: f"stages:{name}"
        for name in ("audit", "evaluate", "look", "occlusion_maps", "read", "simulate", "split", "train")
    },
}


class _Package(ModuleType):
    """Keeps ``hepsieve.train`` the function: importing the folder of that name would put the module in its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hepsieve' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(f"hepsieve.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
