"""A damaged or missing file is named in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hepsieve.errors import HepsieveError
from hepsieve.report.inputs import read_run

Make = Callable[..., Path]


def test_everything_is_read(make_run: Make) -> None:
    record = read_run(make_run())
    assert record.config.task == record.evaluation.task == "higgs"
    assert [len(epochs) for epochs in record.history.values()] == [1, 24]
    assert record.audit is not None
    assert record.manifest is not None
    assert [line["event"] for line in record.log] == ["test opened"]


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("evaluation.json", None, r"evaluation\.json: no such file"),
        ("evaluation.json", "{", r"evaluation\.json: .*evaluate the run again"),
        ("config.yaml", None, r"config\.yaml: no such file"),
        ("config.yaml", "task: higgs\nmodel: {}\n", r"config\.yaml:2:1: unknown key 'model'"),
        ("audit.json", '{"findings": [{"code": "x"}]}', r"audit\.json: findings\.0\.severity"),
        ("history.jsonl", '{"model": "a", "epoch": 1, "seconds": 1}\n{"model": "a"\n', r"history\.jsonl:2: "),
        ("events.log", "[]\n", r"events\.log:1: holds a list"),
        ("manifest.json", "no", r"manifest\.json: not valid JSON"),
    ],
)
def test_bad_files_are_named(make_run: Make, file: str, content: str | None, expected: str) -> None:
    run = make_run()
    (run / file).unlink()
    if content is not None:
        (run / file).write_text(content, encoding="utf-8")
    with pytest.raises(HepsieveError, match=expected) as caught:
        read_run(run)
    assert "\n" not in str(caught.value)


def test_files_of_a_young_run_may_be_missing(make_run: Make) -> None:
    run = make_run()
    for file in ("audit.json", "history.jsonl", "manifest.json", "events.log"):
        (run / file).unlink()
    record = read_run(run)
    assert (record.audit, record.manifest, record.history, record.log) == (None, None, {}, ())
