"""The stores of a run: one for equal inputs, kept as long as any run uses it, gone with the last."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.train.test_stored_inputs import table

from hepsieve.errors import HepsieveError
from hepsieve.train import input_stores
from hepsieve.train.input_stores import InputStores, passing_stores


def test_equal_inputs_are_verified_and_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = InputStores(tmp_path / "stores")
    first = stores.of(table())
    monkeypatch.setattr(input_stores, "store_inputs", lambda *_: pytest.fail("it is known"))
    assert stores.of(table()) == first


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    stores = InputStores(tmp_path / "stores")
    stores.of(table())
    stores.of(table(seed=2))
    stores.forget()
    assert list(tmp_path.iterdir()) == []
    assert stores.of(table()).mapped().train.target.tobytes() == table().train.target.tobytes()  # it may begin again
    stores.forget()
    assert list(tmp_path.iterdir()) == []


def test_what_another_run_uses_stays(tmp_path: Path) -> None:
    mine, its = InputStores(tmp_path / "stores"), InputStores(tmp_path / "stores")
    stored = mine.of(table())
    assert its.of(table()) == stored
    own = mine.of(table(seed=2))
    mine.forget()
    assert not own.folder.exists()
    assert stored.mapped().train.target.tobytes() == table().train.target.tobytes()
    its.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_killed_keeps_nothing_from_being_removed(tmp_path: Path) -> None:
    killed = InputStores(tmp_path / "stores")
    stored = killed.of(table())
    del killed  # as at the end of a process, the system takes the locks back
    again = InputStores(tmp_path / "stores")
    assert again.of(table()) == stored
    again.forget()
    assert list(tmp_path.iterdir()) == []


def test_stores_without_a_place_go_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))
    with passing_stores() as stores:
        folder = stores.of(table()).folder
        assert (tmp_path / "cache") in folder.parents
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_place_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("mine", encoding="utf-8")
    with pytest.raises(HepsieveError, match="stores: can't be written") as refused:
        InputStores(tmp_path / "stores").of(table())
    assert "\n" not in str(refused.value)
    assert (tmp_path / "stores").read_text(encoding="utf-8") == "mine"
