import numpy as np
import pytest

from keras_ms.gradients.finite import check_finite
from keras_ms.gradients.moments import TermMoments

GOOD = TermMoments(np.ones(4, np.float32), 8, 1.0, 0.5, 0.4, 2.0)
NAN = float("nan")


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (GOOD._replace(loss=NAN), "a loss of nan on level 2"),
        (
            GOOD._replace(mean=np.array([1.0, NAN, np.inf, 0.0], np.float32)),
            "gradients of which 50% are NaN or infinite on level 2",
        ),
        (GOOD._replace(fine=NAN), "a variance of nan on level 2"),
        (GOOD._replace(covariance=np.inf), "a variance of 1.0 on level 2"),
    ],
)
def test_what_is_not_finite_is_named_with_its_level(bad, named):
    with pytest.raises(ValueError, match=f"^levels='auto' measured .* Received: {named}"):
        check_finite([(GOOD, GOOD), (GOOD, bad)], "levels='auto'", finest=1)


def test_finite_moments_pass():
    check_finite([(GOOD, GOOD)] * 2, "`diagnose`")
