import json

import numpy as np
import pytest

from keras_ms.gradients.estimates import Estimates
from keras_ms.training.adaptive import bias as bias_rule


def measurement(bias=0.0, norm=1.0, variance=(8.0, 8.0, 8.0), difference=(0.1, 0.1, 0.0), **kwargs):
    found = Estimates(
        np.array(variance),
        np.array(difference),
        np.ones(2),
        np.ones(2),
        np.full(3, norm),
        np.array([0.0, bias, 2 * bias]),
    )
    return bias_rule.Measurement(
        **{"finest": 1, "found": found, "samples": 16, "groups": 8, "rate_share": 1.0, **kwargs}
    )


def test_evidence_weighs_bias_against_noise_and_gradient():
    found = bias_rule.evidence([measurement(bias=0.6)], level=2, batch_size=16)
    assert found == (0.6, 8.0 / 16, 1.0)
    assert found.ratio == pytest.approx(0.6 / (0.5 + 0.25))
    # With a tenth of the learning rate left, noise counts for a tenth.
    late = bias_rule.evidence([measurement(bias=0.6, rate_share=0.1)], level=2, batch_size=16)
    assert late.ratio == pytest.approx(0.6 / (0.05 + 0.25))
    # What was measured in another stage says nothing of this one.
    assert bias_rule.evidence([measurement(bias=0.6, finest=0)], level=2, batch_size=16) is None
    assert bias_rule.evidence([], level=2, batch_size=16) is None


def test_recent_measurements_are_pooled_and_old_ones_forgotten():
    measured = [measurement(bias=100.0), *(measurement(bias=b) for b in (0.1, 0.2, 0.6))]
    assert bias_rule.evidence(measured, 2, 16).squared_bias == pytest.approx(0.3)
    found, samples = bias_rule.pooled_estimates(measured, 1)
    assert found.squared_bias[1] == pytest.approx(0.3)
    assert samples == 3 * 16
    assert bias_rule.pooled_estimates(measured, 0) is None


def test_no_noise_and_no_gradient_leave_nothing_to_bear():
    found = bias_rule.evidence([measurement(bias=0.1, norm=-1.0, variance=(0.0,) * 3)], 2, 16)
    assert found.ratio == np.inf


def test_measurements_survive_json():
    first = measurement(bias=0.3)
    again = bias_rule.Measurement.from_dict(json.loads(json.dumps(first.as_dict())))
    assert again.as_dict() == first.as_dict()
    np.testing.assert_array_equal(again.found.variance, first.found.variance)
