"""Features are chosen by name, blanks included, and a name that is not there leads to the nearest one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Told

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.prepare import Preparation

NAMES = ("Impact Parameter", "Decay vertex Z", "Doca")


def sample() -> Events:
    rng = np.random.default_rng(1)
    events = Events.from_arrays(rng.normal(size=(20, 3)), np.arange(20) % 2, names=NAMES)
    return events.replace(spectators=np.ones((20, 1)), spectator_names=("Good Reco",))


def test_features_come_in_the_chosen_order() -> None:
    events = sample()
    preparation = Preparation.fit(events, PrepareConfig(features=("Doca", "Impact Parameter"), scale="none"))
    assert preparation.features == ("Doca", "Impact Parameter")
    np.testing.assert_array_equal(preparation(events), events.features[:, [2, 0]])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Impact Parametr", r"no feature 'Impact Parametr', the nearest is 'Impact Parameter'; the data have Impact"),
        ("zzz", r"no feature 'zzz'; the data have Impact Parameter, Decay vertex Z, Doca$"),
        ("Good Reco", r"'Good Reco' is a spectator, .* never learned from; choose among the features Impact Parameter"),
    ],
)
def test_a_feature_that_is_not_there_leads_to_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^prepare\.features: " + message) as caught:
        Preparation.fit(sample(), PrepareConfig(features=("Doca", name)))
    assert "\n" not in str(caught.value)


def test_names_with_blanks_are_chosen_on_the_command_line(hepsieve: Callable[..., Told], toy: Path) -> None:
    for file in (toy, toy.parent / "toy.csv"):
        text = file.read_text(encoding="utf-8")
        text = text.replace("[a, b, c]", "[Impact Parameter, Decay vertex Z, c]")
        file.write_text(text.replace("kind,a,b,c", "kind,Impact Parameter,Decay vertex Z,c"), encoding="utf-8")
    chosen = "prepare.features=[Decay vertex Z, Impact Parameter]"
    told = hepsieve("run", toy, "--models", "trees", "--set", chosen, "--out", "chosen")
    assert (told.status, told.err) == (0, "")
    content = json.loads((toy.parent / "chosen" / "evaluation.json").read_text(encoding="utf-8"))
    assert list(content["ranking"]["importances"]["trees"]) == ["Decay vertex Z", "Impact Parameter"]
    wrong = hepsieve("run", toy, "--set", "prepare.features=[Decay vertex, c]", "--out", "wrong")
    assert (wrong.status, wrong.err.count("\n")) == (2, 1)
    assert "no feature 'Decay vertex', the nearest is 'Decay vertex Z'" in wrong.err
    assert not (toy.parent / "wrong").exists()
