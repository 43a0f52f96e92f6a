"""A run that was interrupted inside a training tells where it goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import PrepareConfig
from hepsieve.events import Events
from hepsieve.history import EpochRecord
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.prepare import split
from hepsieve.train.run import Run, train
from hepsieve.train.trained import OnEpoch
from hepsieve.train.unfinished import Unfinished


def fit(kept: Unfinished | None, on_epoch: OnEpoch = lambda record: None) -> Run:
    random = np.random.default_rng(5)
    features = random.normal(size=(300, 3))
    events = Events.from_arrays(features, features[:, 0] + random.normal(size=300) > 0)
    return train(
        {"net": MLPConfig(widths=(4,), dropout=0.2)},
        split(events, seed=1),
        prepare=PrepareConfig(),
        settings=TrainConfig(epochs=5, batch_size=50, device="cpu"),
        seed=1,
        unfinished=kept,
        on_epoch=on_epoch,
    )


def test_it_goes_on_where_it_was_and_says_so(tmp_path: Path) -> None:
    told: list[str] = []
    kept = Unfinished(folder=tmp_path, told=told.append)

    def interrupt(record: EpochRecord) -> None:
        if record.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(kept, interrupt)
    resumed, whole = fit(kept), fit(None)
    assert told == ["net: taken up in epoch 4, block 1 of its batches"]
    inputs = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    events = Events.from_arrays(inputs, np.arange(50) % 2 == 1)
    np.testing.assert_array_equal(resumed.models["net"].scores(events), whole.models["net"].scores(events))
    kept.forget()
    assert list(tmp_path.iterdir()) == []
