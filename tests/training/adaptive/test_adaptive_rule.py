import numpy as np
import pytest

from keras_ms.gradients.estimates import Estimates
from keras_ms.training.adaptive import rule


def measurement(bias=0.0, norm=1.0, variance=(8.0, 8.0, 8.0), difference=(0.1, 0.1, 0.0), **kwargs):
    found = Estimates(
        np.array(variance),
        np.array(difference),
        np.ones(2),
        np.ones(2),
        np.full(3, norm),
        np.array([0.0, bias, 2 * bias]),
    )
    return rule.Measurement(
        **{"finest": 1, "found": found, "samples": 16, "groups": 8, "rate_share": 1.0, **kwargs}
    )


def test_evidence_weighs_bias_against_noise_and_gradient():
    found = rule.evidence([measurement(bias=0.6)], level=2, batch_size=16)
    assert found == (0.6, 8.0 / 16, 1.0)
    assert found.ratio == pytest.approx(0.6 / (0.5 + 0.25))
    # With a tenth of the learning rate left, noise counts for a tenth.
    late = rule.evidence([measurement(bias=0.6, rate_share=0.1)], level=2, batch_size=16)
    assert late.ratio == pytest.approx(0.6 / (0.05 + 0.25))
    # What was measured in another stage says nothing of this one.
    assert rule.evidence([measurement(bias=0.6, finest=0)], level=2, batch_size=16) is None
    assert rule.evidence([], level=2, batch_size=16) is None


def test_recent_measurements_are_pooled_and_old_ones_forgotten():
    measured = [measurement(bias=100.0), *(measurement(bias=b) for b in (0.1, 0.2, 0.6))]
    assert rule.evidence(measured, 2, 16).squared_bias == pytest.approx(0.3)


def test_no_noise_and_no_gradient_leave_nothing_to_bear():
    found = rule.evidence([measurement(bias=0.1, norm=-1.0, variance=(0.0,) * 3)], 2, 16)
    assert found.ratio == np.inf


COSTS = (1.0, 0.25, 0.0625)


def zeroth(**changes):
    return measurement(finest=0, **changes)


def test_the_cheapest_step_of_the_same_certainty_is_chosen():
    sizes = rule.batch_sizes([zeroth()], 0, 16, COSTS)
    assert len(sizes) > 1
    terms = [*[0.1] * (len(sizes) - 1), 8.0]
    assert sum(v / n for v, n in zip(terms, sizes, strict=True)) <= 8.0 / 16
    assert all(n % 4 == 0 for n in rule.batch_sizes([zeroth()], 0, 16, COSTS, replicas=4))


@pytest.mark.parametrize(
    "measured",
    [
        [],
        [zeroth(samples=2)],  # too few to know
        [zeroth(difference=(20.0, 20.0, 0.0))],  # dearer than the plain batch
        [zeroth(variance=(np.nan,) * 3)],
        [zeroth(variance=(np.inf, 8.0, 8.0))],
        [zeroth(variance=(0.0, 0.0, 0.0))],
    ],
)
def test_plain_batches_where_nothing_better_is_known(measured):
    assert rule.batch_sizes(measured, 0, 16, COSTS) == (16,)


def test_measurements_survive_json():
    import json

    first = measurement(bias=0.3)
    again = rule.Measurement.from_dict(json.loads(json.dumps(first.as_dict())))
    assert again.as_dict() == first.as_dict()
    np.testing.assert_array_equal(again.found.variance, first.found.variance)


def test_coarser_levels_of_a_measurement():
    first = zeroth(variance=(3.0, 2.0, 1.0), difference=(0.3, 0.2, 0.0))
    coarser = first.from_level(1)
    assert coarser.finest == 1
    assert coarser.found.variance.tolist() == [2.0, 1.0]
    assert coarser.found.difference.tolist() == [0.2, 0.0]
    assert rule.batch_sizes([coarser], 0, 16, COSTS) == (16,)  # says nothing of level 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_losses_of_either_sign_stall(sign):
    falling = [5.0 + sign, 4.0 + sign, 3.0 + sign, 2.0 + sign]
    assert rule.stalled(falling, 2) == {}
    assert rule.stalled(falling[:2], 2) == {}  # too early to say
    assert rule.stalled([sign] * 3, 2) == {"before": sign, "lately": sign}
    worse = [sign, sign + 0.001, sign + 0.002]
    assert rule.stalled(worse, 2) == {"before": sign, "lately": sign + 0.001}
