"""Images without energy, from the sample to its parts: kept, or dropped where the config says so."""

from __future__ import annotations

import numpy as np
import pytest
from tests.audit.showers import emptied, showers

from hepsieve.config import load_task
from hepsieve.sample import Sample, audit_sample, divide

EMPTY = np.arange(0, 120, 3)


@pytest.mark.parametrize("policy", ["keep", "drop"])
def test_empty_images_stay_or_go_as_the_config_says(policy: str) -> None:
    config = load_task("egamma", settings=[f"audit.empty_images={policy}"])
    sample = Sample(events=emptied(showers(400, 1), EMPTY), test=emptied(showers(200, 2), EMPTY))
    parts = divide(sample, config)
    left = len(EMPTY) if policy == "keep" else 0
    assert len(parts.train) + len(parts.validation) == 360 + left
    assert np.isin(EMPTY, parts.test_rows).sum() == left
    assert len(parts.test) == 160 + left
    np.testing.assert_array_equal(parts.train.features, sample.events.features[parts.train_rows])
    severity = {"keep": "warn", "drop": "note"}[policy]
    found = [(finding.key, finding.severity) for finding in audit_sample(sample, config).findings]
    assert found == [("empty-images", severity), ("test-empty-images", severity)]
