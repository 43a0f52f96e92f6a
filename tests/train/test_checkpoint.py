"""An interrupted training goes on from its checkpoint and ends with the bytes of one that nobody interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.errors import HepsieveError
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, MLPConfig, TrainConfig
from hepsieve.models.torch import mlp
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.trained import OnEpoch

Toy = Callable[..., Part]
ARRAYS = {"a": np.arange(3.0), "b": np.array([[1, 2]], np.uint8)}


class Cut(Exception):
    """What ends a process in the middle of a training."""


def fit(
    toy: Toy,
    settings: TrainConfig,
    config: MLPConfig,
    *,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch = lambda record: None,
    seed: int = 1,
) -> Trained:
    parts = toy(300, seed=1), toy(150, seed=2)
    return train_model(
        "net", config, *parts, settings, seed=seed, progress=Silent(), on_epoch=on_epoch, checkpoint=checkpoint
    )


def cut_after(epoch: int, by: type[BaseException]) -> OnEpoch:
    def on_epoch(record: EpochRecord) -> None:
        if record.epoch == epoch:
            raise by

    return on_epoch


def weights(trained: Trained) -> Mapping[str, NDArray[np.float32]]:
    assert isinstance(trained.model, mlp.TorchPredictor)
    return mlp.weights(trained.model.model)


def figures(history: tuple[EpochRecord, ...]) -> list[EpochRecord]:
    return [record.model_copy(update={"seconds": 0.0}) for record in history]


def assert_same(one: Trained, other: Trained) -> None:
    assert figures(one.history) == figures(other.history)
    assert one.best_epoch == other.best_epoch
    assert one.warnings == other.warnings
    assert all(weights(other)[name].tobytes() == values.tobytes() for name, values in weights(one).items())


def test_ctrl_c_saves_the_last_whole_epoch(toy: Toy, tmp_path: Path) -> None:
    settings, config = TrainConfig(epochs=5, batch_size=40, device="cpu"), MLPConfig(widths=(8,))
    checkpoint = Checkpoint(folder=tmp_path / "state", every=inf)
    with pytest.raises(KeyboardInterrupt):
        fit(toy, settings, config, checkpoint=checkpoint, on_epoch=cut_after(4, KeyboardInterrupt))
    state = checkpoint.load()
    assert state is not None
    assert len(state[1]["history"]) == 3
    assert_same(fit(toy, settings, config), fit(toy, settings, config, checkpoint=checkpoint))


def test_states_are_as_rare_as_asked(toy: Toy, tmp_path: Path) -> None:
    settings, config = TrainConfig(epochs=3, batch_size=40, device="cpu"), MLPConfig(widths=(8,))
    checkpoint = Checkpoint(folder=tmp_path / "state", every=inf)
    fit(toy, settings, config, checkpoint=checkpoint)
    assert checkpoint.load() is None


@pytest.mark.parametrize("other", ["seed", "settings", "config"])
def test_a_state_of_another_training_is_not_taken(other: str, toy: Toy, tmp_path: Path) -> None:
    settings, config = TrainConfig(epochs=2, batch_size=40, device="cpu"), MLPConfig(widths=(8,))
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    fit(toy, settings, config, checkpoint=checkpoint)
    seed = 2 if other == "seed" else 1
    settings = settings.model_copy(update={"learning_rate": 0.5}) if other == "settings" else settings
    config = MLPConfig(widths=(9,)) if other == "config" else config
    new = fit(toy, settings, config, checkpoint=checkpoint, seed=seed)
    assert_same(fit(toy, settings, config, seed=seed), new)


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint = Checkpoint(folder=tmp_path / "a" / "state")
    assert checkpoint.load() is None
    for number in range(3):
        checkpoint.save(ARRAYS, {"number": number, "x": [0.1, None]})
        found = checkpoint.load()
        assert found is not None
        arrays, facts = found
        assert facts == {"number": number, "x": [0.1, None]}
        assert arrays.keys() == ARRAYS.keys()
        for name, values in ARRAYS.items():
            assert arrays[name].dtype == values.dtype
            np.testing.assert_array_equal(arrays[name], values)
    assert len(list(checkpoint.folder.iterdir())) == 2  # the one before stays
    checkpoint.discard()
    checkpoint.discard()
    assert not checkpoint.folder.exists()


def test_the_state_before_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    checkpoint = Checkpoint(folder=tmp_path / "state")
    checkpoint.save(ARRAYS, {"number": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        checkpoint.save(ARRAYS, {"number": float("nan")})
    found = checkpoint.load()
    assert found is not None
    assert found[1] == {"number": 1}


def spoil(file: Path, how: str) -> None:
    """As a failing disk leaves it."""
    content = bytearray(file.read_bytes())
    match how:
        case "flipped":
            content[-1] ^= 1
        case "halved":
            del content[len(content) // 2 :]
        case "emptied":
            content.clear()
    file.write_bytes(content)


@pytest.mark.parametrize("how", ["flipped", "halved", "emptied"])
@pytest.mark.parametrize("name", ["state.safetensors", "facts.json", "manifest.json"])
def test_a_damaged_state_is_told_and_the_one_before_it_serves(name: str, how: str, tmp_path: Path) -> None:
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", told=told.append)
    for number in (1, 2, 3):
        checkpoint.save(ARRAYS, {"number": number})
    before, newest = sorted(checkpoint.folder.iterdir())
    spoil(newest / name, how)
    found = checkpoint.load()
    assert found is not None
    assert found[1] == {"number": 2}
    (sentence,) = told
    assert newest.name in sentence
    assert not newest.exists()
    # The next state takes the place of the damaged one, not of the sound one.
    checkpoint.save(ARRAYS, {"number": 4})
    again = checkpoint.load()
    assert again is not None
    assert again[1] == {"number": 4}
    assert before in checkpoint.folder.iterdir()


def test_what_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    checkpoint = Checkpoint(folder=tmp_path / "state")
    for number in (1, 2):
        checkpoint.save(ARRAYS, {"number": number})
    found = checkpoint.load(fits=lambda facts: facts["number"] == 1)
    assert found is not None
    assert found[1] == {"number": 1}
    assert checkpoint.load(fits=lambda facts: False) is None
    assert len(list(checkpoint.folder.iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HepsieveError, match=r"can't be written"):
        Checkpoint(folder=tmp_path / "file" / "state").save(ARRAYS, {})


def test_other_models_begin_anew(toy: Toy, tmp_path: Path) -> None:
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    part = toy(100, seed=1)
    settings = TrainConfig(epochs=2, batch_size=40, device="cpu")
    config = AdaBoostConfig(estimators=3)
    train_model(
        "net",
        config,
        part,
        part,
        settings,
        seed=1,
        progress=Silent(),
        on_epoch=cut_after(9, Cut),
        checkpoint=checkpoint,
    )
    assert not checkpoint.folder.exists()


def test_two_processes_on_one_training_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (Checkpoint(folder=tmp_path / "state") for _ in range(2))
    blind = ours._states()
    monkeypatch.setattr(Checkpoint, "_states", lambda self: blind)  # neither sees what the other writes meanwhile
    ours.save({"a": np.arange(3)}, {"who": "ours"})
    theirs.save({"a": np.arange(3)}, {"who": "theirs"})
    monkeypatch.undo()
    found = ours.load()
    assert found is not None
    assert found[1]["who"] in ("ours", "theirs")
    ours.save({"a": np.arange(4)}, {"who": "ours"})
    assert len(list((tmp_path / "state").iterdir())) == 2


def test_a_full_disk_does_not_end_a_training(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Checkpoint, *_: object) -> None:
        raise HepsieveError("no room")

    monkeypatch.setattr(Checkpoint, "save", full)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0)
    settings, config = TrainConfig(epochs=3), MLPConfig(widths=(4,))
    assert_same(fit(toy, settings, config, checkpoint=checkpoint), fit(toy, settings, config))
