"""The parameter of a signal: exact values, background by chance, and one line for what is not listed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from bench.hepmass_rows import MASSES, write

from hepsieve.config import DataConfig
from hepsieve.data import csv
from hepsieve.data.read import read_files
from hepsieve.data.store import store_key
from hepsieve.data.write import write_events
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events

GIVEN = {"column": "mass", "values": MASSES}
RANDOM = {**GIVEN, "background": "random"}


def data(parameter: Mapping[str, object] | None, **more: object) -> DataConfig:
    return DataConfig.model_validate({"catalog": "hepmass", "parameter": parameter, **more})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("rows") / "rows.csv.gz", 12_000)


@pytest.fixture(scope="module")
def raw(path: Path) -> Events:
    return read_files([path], data(None))


def test_nearly_listed_values_become_exact(path: Path, raw: Events) -> None:
    assert np.float32(499.9999694824218750) in raw.features[:, -1]
    events = read_files([path], data(GIVEN))
    assert sorted(set(events.features[:, -1].tolist())) == list(MASSES)
    assert np.abs(events.features[:, -1] - raw.features[:, -1]).max() < 1e-3
    np.testing.assert_array_equal(events.features[:, :-1], raw.features[:, :-1])


def test_a_spectator_may_be_the_parameter(path: Path) -> None:
    events = read_files([path], data(GIVEN, spectators=("mass",)))
    assert sorted(set(events.spectator("mass").tolist())) == list(MASSES)
    drawn = read_files([path], data(RANDOM, spectators=("mass",)))
    signal = events.target == 1
    np.testing.assert_array_equal(drawn.spectator("mass")[signal], events.spectator("mass")[signal])
    assert (drawn.spectator("mass") != events.spectator("mass")).any()


def test_background_gets_each_value_equally_often(path: Path, raw: Events) -> None:
    events = read_files([path], data(RANDOM))
    background = raw.target == 0
    np.testing.assert_allclose(events.features[~background], raw.features[~background], rtol=1e-6)
    counts = np.array([(events.features[background, -1] == mass).sum() for mass in MASSES])
    assert counts.sum() == background.sum()
    # Chi² of 4 degrees of freedom stays below 23.5 with a probability of 0.9999; the rule draws the same each time.
    expected = background.sum() / 5
    assert ((counts - expected) ** 2 / expected).sum() < 23.5
    # Whatever stood there, and whatever the other features are, follows from it by nothing.
    before = np.rint(raw.features[background, -1])
    agreeing = (events.features[background, -1] == before).mean()
    assert abs(agreeing - 0.2) < 5 * np.sqrt(0.16 / background.sum())
    correlation = np.corrcoef(events.features[background].T)[-1, :-1]
    assert np.abs(correlation).max() < 5 / np.sqrt(background.sum())


def test_the_draw_depends_on_the_event_alone(
    tmp_path: Path, path: Path, raw: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_files([path], data(RANDOM))
    monkeypatch.setattr(csv, "_BLOCK", 1 << 16)
    np.testing.assert_array_equal(read_files([path], data(RANDOM)).features, whole.features)
    order = np.random.default_rng(1).permutation(len(raw))
    write_events(raw[order], tmp_path / "shuffled.parquet")
    other = read_files([tmp_path / "shuffled.parquet"], data(RANDOM))
    np.testing.assert_array_equal(other.features, whole.features[order])


def test_background_may_hold_anything_where_it_is_drawn(tmp_path: Path, raw: Events) -> None:
    features = raw.features.copy()
    features[raw.target == 0, -1] = np.nan
    write_events(raw.replace(features=features), tmp_path / "a.parquet")
    drawn = read_files([tmp_path / "a.parquet"], data(RANDOM))
    assert sorted(set(drawn.features[:, -1].tolist())) == list(MASSES)
    given = read_files([tmp_path / "a.parquet"], data(GIVEN))
    assert (np.isnan(given.features[:, -1]) == (raw.target == 0)).all()


@pytest.mark.parametrize("parameter", [GIVEN, RANDOM])
def test_a_value_outside_the_list_is_one_line(tmp_path: Path, raw: Events, parameter: Mapping[str, object]) -> None:
    lines = ["label,f,mass", "0,1,500", "1,2,1500", "", "1,3,1100"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = DataConfig.model_validate({"label": "label", "parameter": parameter})
    with pytest.raises(DataError) as caught:
        read_files([tmp_path / "a.csv"], config, cache=tmp_path / "cache")
    assert str(caught.value) == (
        f"{tmp_path / 'a.csv'}: row 5, column 'mass': 1100 is none of 500, 750, 1000, 1250, 1500; mend the file, or "
        "see data.parameter.values"
    )
    assert not (tmp_path / "cache").exists()
    features = raw.features.copy()
    row = int(np.flatnonzero(raw.target == 1)[0])
    features[row, -1] = 501
    write_events(raw.replace(features=features), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=f"row {row + 1}, column 'mass': 501 is none of"):
        read_files([tmp_path / "a.parquet"], data(parameter))


def test_a_column_that_is_not_there_is_one_line(path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"data.parameter.column: no feature or spectator 'mas', the nearest is 'mass'"
    ):
        read_files([path], data({**GIVEN, "column": "mas"}))
    with pytest.raises(ConfigError, match="no feature or spectator 'mass'"):
        read_files([path], data(GIVEN, features=("f0", "f1")))


def test_another_parameter_makes_another_store(path: Path) -> None:
    keys = {store_key([path], data(parameter)) for parameter in (None, GIVEN, RANDOM)}
    assert len(keys) == 3


def test_the_label_at_the_end_is_found_or_asked_for(tmp_path: Path, raw: Events) -> None:
    rows = np.column_stack([raw.features[:300], raw.target[:300]])
    names = ",".join([*raw.names, "# label"])
    np.savetxt(tmp_path / "named.csv", rows, delimiter=",", header=names, comments="", fmt="%.18e")
    np.savetxt(tmp_path / "bare.csv", rows, delimiter=",", fmt="%.18e")
    events = read_files([tmp_path / "named.csv"], data(GIVEN))
    np.testing.assert_array_equal(events.target, raw.target[:300])
    with pytest.raises(
        DataError, match=r"row 1, column 'label': .* if the last column is the label, set data.label to 28"
    ):
        read_files([tmp_path / "bare.csv"], data(GIVEN))
    told = read_files([tmp_path / "bare.csv"], data(GIVEN, label=28))
    np.testing.assert_array_equal(told.target, raw.target[:300])
    np.testing.assert_array_equal(told.features, events.features)
