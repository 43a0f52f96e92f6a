"""A training in another process gives the very bytes of one here, on as many threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.train.test_stored_inputs import pictures, table

from hepsieve.engines import LocalEngine
from hepsieve.errors import IntegrityError, TrainingError
from hepsieve.models.config import AdaBoostConfig, CNNConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.progress import Silent
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.dispatch import train_model
from hepsieve.train.elsewhere import Order, brought_back, carry_out_order, trained
from hepsieve.train.inputs import Inputs
from hepsieve.train.stored_inputs import StoredInputs, store_inputs
from hepsieve.train.threads import thread_count, using_threads
from hepsieve.train.trained import Trained

SETTINGS = TrainConfig(epochs=3, batch_size=20, patience=None)
# 1.8 million weights and a batch of 100 are above `threads.WORTH_THREADS`.
WIDE = MLPConfig(widths=(1300, 1300))
WIDE_SETTINGS = TrainConfig(epochs=2, batch_size=100)


def here(inputs: Inputs, config: ModelConfig, settings: TrainConfig = SETTINGS) -> Trained:
    return train_model(
        "net",
        config,
        inputs.train,
        inputs.validation,
        settings,
        seed=3,
        progress=Silent(),
        on_epoch=lambda record: None,
    )


def order(stored: StoredInputs, config: ModelConfig, settings: TrainConfig = SETTINGS) -> Order:
    return Order(title="net", config=config, settings=settings, seed=3, inputs=stored)


def content(result: Trained, folder: Path) -> dict[str, bytes]:
    """The files of its model."""
    folder.mkdir()
    result.model.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("make", "config"),
    [
        (table, MLPConfig(widths=(4,), dropout=0.2)),
        (table, TreesConfig(rounds=5, subsample=0.5)),
        (table, AdaBoostConfig(estimators=3)),
        (lambda: table(kind="regression"), TreesConfig(rounds=5)),
        (lambda: pictures((8, 8, 1)), CNNConfig(filters=(2,), dense=(3,))),
    ],
    ids=["network", "trees", "adaboost", "regression", "images"],
)
def test_what_comes_back_is_what_memory_gives(make: Callable[[], Inputs], config: ModelConfig, tmp_path: Path) -> None:
    inputs = make()
    expected = here(inputs, config)
    outcome = carry_out_order(order(store_inputs(inputs, tmp_path / "stores"), config))
    found = brought_back(outcome, config, inputs.train.inputs.shape[1:])
    assert content(found, tmp_path / "found") == content(expected, tmp_path / "expected")
    assert found.best_epoch == expected.best_epoch
    assert found.warnings == expected.warnings
    without_times = [
        [record.model_copy(update={"seconds": 0.0}) for record in one.history] for one in (found, expected)
    ]
    assert without_times[0] == without_times[1]


def test_an_order_says_how_many_threads(tmp_path: Path) -> None:
    stored = store_inputs(table(400), tmp_path / "stores")
    with using_threads(2):
        assert thread_count() == 2
        two = content(here(table(400), WIDE, WIDE_SETTINGS), tmp_path / "two")
        wide = order(stored, WIDE, WIDE_SETTINGS)
    with using_threads(1):
        one = content(here(table(400), WIDE, WIDE_SETTINGS), tmp_path / "one")
        assert one != two  # else nothing is shown here
        assert content(trained(wide), tmp_path / "ordered") == two
        assert content(trained(replace(wide, threads=1)), tmp_path / "narrow") == one
        with LocalEngine(1, threads=1) as engine:
            assert engine.submit(carry_out_order, wide).result().files == two


def test_an_order_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    inputs, config = table(), MLPConfig(widths=(4,), dropout=0.2)
    whole = order(store_inputs(inputs, tmp_path / "stores"), config)
    begun = replace(whole, checkpoint=tmp_path / "states", share=0.5)
    first = trained(begun)
    assert len(first.history) == 2  # of 3 epochs, rounded up
    assert Checkpoint(folder=tmp_path / "states").load() is not None
    ended = trained(replace(begun, share=1.0))
    assert [record.seconds for record in ended.history[:2]] == [record.seconds for record in first.history]
    assert content(ended, tmp_path / "ended") == content(here(inputs, config), tmp_path / "expected")


def test_mistakes_arrive_as_they_are(tmp_path: Path) -> None:
    stored = store_inputs(table(), tmp_path / "stores")
    wild = order(stored, MLPConfig(widths=(4,)), SETTINGS.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(TrainingError, match=r"net: epoch 1, .*lower train.learning_rate"):
        carry_out_order(wild)
    (stored.folder / "train-inputs.npy").unlink()
    with pytest.raises(IntegrityError, match=r"train-inputs.npy: changed since it was verified"):
        carry_out_order(order(stored, MLPConfig()))
