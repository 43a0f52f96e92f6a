"""Every format in which simulated events are written says of itself that they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import DataConfig
from hepsieve.data.read import read_files
from hepsieve.data.says_simulated import require_one_kind, says_simulated
from hepsieve.data.write import _ENDINGS, Form, write_events
from hepsieve.errors import ConfigError
from hepsieve.events import Events, Origin, TargetScale

MADE = Origin(kind="simulated", sources=("a generator",), fingerprint="1")
SHAPES = {"tables": (20, 3), "images": (20, 5, 5, 1), "waveforms": (20, 64, 1)}


def events(form: Form, origin: Origin = MADE) -> Events:
    """Twenty of them; waveforms are those of a regression, which every format of theirs can hold."""
    rng = np.random.default_rng(1)
    features, target = rng.random(SHAPES[form]).astype(np.float32), (np.arange(20) % 2).astype(np.float32)
    names = ("a", "b", "c") if form == "tables" else ("energy",)
    if form != "waveforms":
        return Events.from_arrays(features, target, names=names, origin=origin)
    return Events.from_arrays(features, target / 2, names=names, origin=origin).replace(scale=TargetScale(name="d"))


@pytest.mark.parametrize(
    ("form", "ending"), [(form, ending) for form, all_of_it in _ENDINGS.items() for ending in all_of_it]
)
def test_simulated_events_say_so_in_every_format(form: Form, ending: str, tmp_path: Path) -> None:
    data = DataConfig(catalog="xenon") if form == "waveforms" else DataConfig()
    genuine, made = tmp_path / f"genuine{ending}", tmp_path / f"made{ending}"
    write_events(events(form, replace(MADE, kind="real")), genuine)
    write_events(events(form), made)
    assert says_simulated(made, data)
    assert not says_simulated(genuine, data)
    with pytest.raises(ConfigError, match=rf"made\{ending} holds simulated events, and .*genuine\{ending} others"):
        require_one_kind([genuine, made], data)
    require_one_kind([made], data)


@pytest.mark.parametrize("ending", _ENDINGS["tables"])
def test_what_is_read_again_is_still_simulated(ending: str, tmp_path: Path) -> None:
    write_events(events("tables"), tmp_path / f"made{ending}")
    assert read_files([tmp_path / f"made{ending}"], DataConfig()).origin.kind == "simulated"
