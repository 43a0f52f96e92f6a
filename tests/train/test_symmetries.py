"""Tables that are changed by chance in training: what stays, who sees it, and that it goes on where it was."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tests.collisions import ANGLES, NAMES, OBJECTS, collisions, invariants
from tests.train.interruptions import Case, assert_same, content, fit, fit_with_cuts, random_steps, small_blocks

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import CNNConfig, Learner, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.learner import Symmetry
from hepsieve.prepare.copies import turned
from hepsieve.train.batches import Batches
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.elsewhere import Order, trained
from hepsieve.train.inputs import Inputs, inputs_of
from hepsieve.train.rank_order import RankOrder
from hepsieve.train.stored_inputs import store_inputs
from hepsieve.train.symmetric import require_symmetries
from hepsieve.train.trained import Part
from hepsieve.train.weighting import weigh

ALL: tuple[Symmetry, ...] = ("rotation", "reflection", "mirror")
SMALL = MLPConfig(widths=(8, 4))
RAW = PrepareConfig(scale="none")


def inputs(
    config: Learner = SMALL, *, n: int = 200, prepare: PrepareConfig | None = None, events: Events | None = None
) -> Inputs:
    """Collisions as a network gets them that learns from turned ones."""
    return inputs_of(
        config,
        collisions(n, seed=1) if events is None else events,
        collisions(100, seed=2),
        prepare=PrepareConfig() if prepare is None else prepare,
        settings=TrainConfig(symmetries=ALL),
        seed=1,
        impute=False,
    )


def epochs(part: Part, number: int, **more: Any) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Inputs and targets of so many epochs, as the loop gets them."""
    batches = Batches(
        part,
        40,
        inputs=lambda rows: torch.empty(rows, part.inputs.shape[1]),
        device=torch.device("cpu"),
        seed=5,
        **more,
    )
    found = []
    for _ in range(number):
        blocks = [(block.inputs.numpy().copy(), block.target.numpy().copy()) for block in batches.epoch()]
        rows, targets = (np.concatenate(values) for values in zip(*blocks, strict=True))
        found.append((rows, targets))
    return found


def test_every_epoch_turns_anew_and_leaves_what_is_invariant() -> None:
    part = inputs(prepare=RAW).train
    first, second = epochs(part, 2, symmetries=ALL)
    known = invariants(part.inputs)
    for seen, targets in (first, second):
        found = invariants(seen)
        # Every event once, whichever way it was turned, with its own target.
        order = np.array([np.argmin(np.abs(known[:, 5] - value)) for value in found[:, 5]])
        assert sorted(order) == list(range(len(part)))
        np.testing.assert_allclose(found, known[order], rtol=2e-4, atol=5e-3)
        np.testing.assert_array_equal(targets, part.target[order])
        same = dict(zip(NAMES, (seen == part.inputs[order]).mean(axis=0), strict=True))
        assert all(same[name] == 1 for name in NAMES if name not in ANGLES and not name.endswith("eta"))
        assert all(same[name] < 0.1 for name in ANGLES)
        assert 0.35 < same["l_eta"] < 0.65  # half of them are reflected
    assert not np.array_equal(np.sort(first[0][:, 2]), np.sort(second[0][:, 2]))


def test_azimuths_become_even() -> None:
    events = collisions(2000)
    turned_once = turned(events.features, NAMES, OBJECTS, angle=0.0)
    turned_once[:, NAMES.index("l_phi")] = 0.3  # all leptons in one direction
    part = inputs(prepare=RAW, events=events.replace(features=turned_once)).train
    ((seen, _),) = epochs(part, 1, symmetries=("rotation",))
    phi = OBJECTS["lepton"].azimuth(seen[:, 2].astype(np.float64))
    # |mean of n unit vectors| > 4/√n by chance once in e^16 times.
    assert abs(np.exp(1j * phi).mean()) < 4 / math.sqrt(2000)


def test_turned_rows_are_prepared_as_all_others() -> None:
    raw = inputs(prepare=PrepareConfig(log=("l_pt",), pca=4)).train.raw
    assert raw is not None
    rows, rng = np.array([3, 0, 17]), np.random.default_rng(1)
    drawn = {name: rng.random(3, np.float32) for name in ALL}
    found = raw.inputs(rows, drawn)
    for k, row in enumerate(rows):
        copy = turned(
            raw.features[row : row + 1],
            NAMES,
            OBJECTS,
            reflected=drawn["reflection"][k] < 0.5,
            mirrored=drawn["mirror"][k] < 0.5,
            angle=float(drawn["rotation"][k]),
        )
        np.testing.assert_allclose(found[k], raw.preparation.apply(copy, NAMES)[0], rtol=1e-5, atol=1e-6)


def test_in_the_frame_of_its_objects_an_event_looks_the_same_however_it_is_turned() -> None:
    frame = {"rotate": "lepton", "reflect": "lepton", "mirror": "missing"}
    part = inputs(prepare=PrepareConfig.model_validate({"frame": frame, "derive": ["pair_masses"]})).train
    assert part.raw is not None
    rows, rng = np.arange(50), np.random.default_rng(1)
    turned_too = part.raw.inputs(rows, {name: rng.random(50, np.float32) for name in ALL})
    np.testing.assert_allclose(turned_too, part.inputs[:50], atol=1e-4)


def test_without_symmetries_nothing_is_turned_or_kept() -> None:
    made = inputs()
    plain = inputs_of(
        SMALL,
        collisions(200, seed=1),
        collisions(100, seed=2),
        prepare=PrepareConfig(),
        settings=TrainConfig(),
        seed=1,
        impute=False,
    )
    assert plain.train.raw is None
    assert made.validation.raw is None
    ((seen, _),) = epochs(made.train, 1)
    ((also, _),) = epochs(plain.train, 1)
    np.testing.assert_array_equal(seen, also)
    assert made.fingerprint != plain.fingerprint


def settled(config: ModelConfig, **settings: Any) -> Case:
    return Case(config, settings={"symmetries": ALL, **settings})


def parts(made: Inputs) -> tuple[Part, Part]:
    return made.train, made.validation


CASES = {
    "fused": settled(SMALL),
    "autograd": settled(MLPConfig(widths=(8, 4), dropout=0.2), ema=0.9),
    "own": Case(SMALL.model_copy(update={"symmetries": ("mirror",)})),
}


@pytest.mark.parametrize("name", CASES)
def test_a_training_that_is_cut_again_and_again_ends_with_the_same_bytes(name: str, tmp_path: Path) -> None:
    case, both = CASES[name], parts(inputs())
    with small_blocks(both[0]):
        whole = fit(case, both)
        checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
        cut = fit_with_cuts(case, both, checkpoint, random_steps(1, most=11, number=6))
    assert_same(whole, cut, tmp_path)
    # It is another training than without, or with other symmetries.
    for others in ((), ("reflection",)):
        config = case.config.model_copy(update={"symmetries": others})
        other = fit(replace(case, config=config), both)
        assert content(other, tmp_path / f"plain{len(others)}") != content(whole, tmp_path / f"{len(others)}")


def test_keras_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    case, both = settled(MLPConfig(widths=(6,), backend="keras")), parts(inputs())
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    whole = fit(case, both)
    assert len(fit(case, both, checkpoint=checkpoint, share=0.5).history) == 2
    assert_same(whole, fit(case, both, checkpoint=checkpoint), tmp_path)
    plain = fit(replace(case, settings={}), both)
    assert content(plain, tmp_path / "plain") != content(whole, tmp_path / "turned")


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_validation_events_stay_as_they_are(backend: Literal["torch", "keras"]) -> None:
    made = inputs()
    case = settled(MLPConfig(widths=(6,), backend=backend), patience=None)
    done = fit(case, parts(made))
    auc = roc_auc_score(made.validation.target, done.model.scores(made.validation.inputs))
    assert done.history[done.best_epoch - 1].validation_auc == pytest.approx(auc, abs=1e-6)


def test_another_process_gets_them_too(tmp_path: Path) -> None:
    made = inputs()
    stored = store_inputs(made, tmp_path)
    settings = TrainConfig(epochs=2, batch_size=40, symmetries=ALL, device="cpu")
    order = Order(title="net", config=SMALL, settings=settings, seed=1, inputs=stored)
    here = fit(Case(SMALL, settings={"epochs": 2, "symmetries": ALL, "learning_rate": 1e-3}), parts(made))
    assert content(trained(order), tmp_path / "there") == content(here, tmp_path / "here")
    assert stored.mapped().fingerprint == made.fingerprint


def test_processes_that_share_a_training_find_them(tmp_path: Path) -> None:
    made = inputs()
    order = RankOrder(
        name="net",
        config=SMALL,
        settings=TrainConfig(symmetries=ALL),
        seed=1,
        kind="classification",
        checkpoint=None,
        every=0.0,
        share=1.0,
    )
    order.write(tmp_path, train=made.train, validation=made.validation)
    both = RankOrder.read(tmp_path).part(tmp_path, "train"), order.part(tmp_path, "validation")
    assert both[1].raw is None
    ((found, _),) = epochs(both[0], 1, symmetries=ALL)
    ((expected, _),) = epochs(made.train, 1, symmetries=ALL)
    np.testing.assert_array_equal(found, expected)


def test_events_of_negative_weight_are_left_out_with_their_raw_rows() -> None:
    events = collisions(120)
    weight = np.where(np.arange(120) % 3 == 0, -1.0, 1.0).astype(np.float32)
    part = weigh(inputs(prepare=RAW, events=events.replace(weight=weight)).train, TrainConfig(), name="train")
    assert part.raw is not None
    np.testing.assert_array_equal(part.raw.features, part.inputs)
    assert len(part) == 80


def test_trees_learn_from_the_events_as_they_are(tmp_path: Path) -> None:
    config = TreesConfig(rounds=3)
    both = parts(inputs(config))
    turned_too, plain = (fit(Case(config, settings=more), both) for more in ({"symmetries": ALL}, {}))
    assert content(turned_too, tmp_path / "one") == content(plain, tmp_path / "other")


IMAGES = Events.from_arrays(np.zeros((4, 6, 6, 1), np.float32), np.array([0, 1, 0, 1]), names=("energy",))
WAVES = Events.from_arrays(np.zeros((4, 6, 1), np.float32), np.array([0, 1, 0, 1]), names=("light",))
TABLE = collisions(4)


@pytest.mark.parametrize(
    ("config", "settings", "events", "said"),
    [
        ({}, {"symmetries": ("mirror",)}, IMAGES, "train.symmetries: the data are images, which train.flips mirrors;"),
        ({"symmetries": ("mirror",)}, {}, WAVES, "models.net.symmetries: the data are waveforms; mirror is for tables"),
        (
            {},
            {"symmetries": ("rotation",)},
            TABLE.replace(objects={}),
            "nothing says which columns hold them; name them",
        ),
        ({"symmetries": ("reflection",)}, {}, TABLE[:].replace(objects={"met": OBJECTS["missing"]}), "pseudorapidity"),
        ({"average": 4}, {}, TABLE, "models.net.average: train.symmetries names none to average over"),
        ({"average": 4}, {"symmetries": ("mirror",)}, TABLE, "mirror have 2 copies in all; found 4, take 2"),
        (
            {"average": 6},
            {"symmetries": ALL},
            TABLE,
            "4 copies by reflection and mirror; found 6, take a multiple of 4",
        ),
        ({"average_flips": True}, {"flips": ("rows",)}, TABLE, "average_flips: the data are no images; leave it out"),
        ({"average_flips": True}, {}, IMAGES, "average_flips: train.flips names no flip to average over"),
    ],
)
def test_what_means_nothing_is_refused(config: Any, settings: Any, events: Events, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")) as caught:
        require_symmetries("net", MLPConfig(**config), TrainConfig(**settings), events)
    assert "\n" not in str(caught.value)


def test_what_means_something_is_not_refused() -> None:
    everything = TrainConfig(symmetries=ALL, flips=("rows",))
    require_symmetries("net", MLPConfig(average=8), everything, TABLE)
    require_symmetries("net", TreesConfig(average=5, symmetries=("rotation",)), TrainConfig(), TABLE)
    require_symmetries("net", CNNConfig(average_flips=True), TrainConfig(flips=("rows",)), IMAGES)
    with pytest.raises(ValueError, match="mirror stands there twice"):
        TrainConfig(symmetries=("mirror", "mirror"))
