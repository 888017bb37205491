import pytest

from keras_ms.training.adaptive.endings import Budget, stalled, used_up


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_losses_of_either_sign_stall(sign):
    falling = [5.0 + sign, 4.0 + sign, 3.0 + sign, 2.0 + sign]
    assert stalled(falling, 2) == {}
    assert stalled(falling[:2], 2) == {}  # too early to say
    assert stalled([sign] * 3, 2) == {"before": sign, "lately": sign}
    worse = [sign, sign + 0.001, sign + 0.002]
    assert stalled(worse, 2) == {"before": sign, "lately": sign + 0.001}


def test_half_of_what_is_left_may_be_used():
    assert used_up(0.0, 0.49) == {}
    assert used_up(0.0, 0.5) == {"share_spent": 0.5, "share_allowed": 0.5}
    assert used_up(0.6, 0.79) == {}
    assert used_up(0.6, 0.8)


def test_budgets_of_either_kind():
    assert Budget(None, 40.0).share(10.0, 1e9) == 0.25
    assert Budget(20.0, None).share(1e9, 5.0) == 0.25
    assert Budget(20.0, None).seconds_left(5.0) == 15.0
    assert Budget(None, 40.0).seconds_left(5.0) is None
