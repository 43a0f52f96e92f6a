"""Rows that are the same event, found in batches: as in one piece, with repeats, on files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepsieve import spill
from hepsieve.audit import audit, identical
from hepsieve.config import AuditConfig
from hepsieve.events import Events


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 300),
    m=st.integers(0, 300),
    kinds=st.integers(1, 400),
    seed=st.integers(0, 99),
    small=st.booleans(),
)
def test_batches_find_what_a_whole_sort_finds(n: int, m: int, kinds: int, seed: int, small: bool) -> None:
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 2**64, kinds, dtype=np.uint64)
    keys, others = rng.choice(pool, n), rng.choice(pool, m)
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(identical, "_BATCH", 20)
            patch.setattr(spill, "_BLOCK", 128)
            patch.setattr(spill, "LARGE", 64)
        rank, done = np.full(n, -1), 0
        for batch in identical.batches(keys):
            rank[batch.rows] = batch.rank + done
            done += batch.distinct
        np.testing.assert_array_equal(rank, inverse)
        np.testing.assert_array_equal(identical.repeated(keys), counts[inverse] > 1)
        np.testing.assert_array_equal(identical.shared_rows(keys, others), np.flatnonzero(np.isin(keys, others)))
        again = identical.multiplicities(identical.ordered(keys))
        np.testing.assert_array_equal(np.sort(again), np.sort(counts[counts > 1]))


def test_keys_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).normal(size=(1000, 7)).astype(np.float32)
    whole = identical.row_keys(x)
    monkeypatch.setattr(identical, "_BLOCK", 50)
    np.testing.assert_array_equal(identical.row_keys(x), whole)


def test_the_audit_says_the_same_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, 6)).astype(np.float32)
    x[7, 0], x[1900, 0], x[44, 1] = np.nan, np.inf, -np.inf
    x[:, 2] = 3
    x[rng.random(2000) < 0.1, 3] = -999
    x[100:150] = x[:50]
    target, weight = rng.integers(0, 2, 2000), rng.normal(1, 1, 2000)
    events = Events.from_arrays(x, target, weight=weight, group=rng.integers(0, 1500, 2000))
    other_label = events.replace(target=np.where(np.arange(2000) == 1700, np.float32(2), events.target))
    whole = [audit(sample, AuditConfig(), classes=("b", "s")) for sample in (events, other_label)]
    assert {"not-finite", "sentinel", "constant", "negative-weights", "duplicate-rows", "grouped-events"} <= {
        finding.code for finding in whole[0].findings
    }
    assert next(f for f in whole[1].findings if f.code == "label-values").rows == (1700,)
    monkeypatch.setattr(spill, "_BLOCK", 512)
    monkeypatch.setattr(spill, "LARGE", 64)
    assert [audit(sample, AuditConfig(), classes=("b", "s")) for sample in (events, other_label)] == whole
