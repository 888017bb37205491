import math

import pytest

from apps.reproduce.analysis import wording
from apps.reproduce.analysis.power_law import of_seeds, power_law


def test_a_power_is_found_without_error():
    found = power_law((1, 2, 4, 8), [3.0 * h**1.5 for h in (1, 2, 4, 8)])
    assert found.slope == pytest.approx(1.5)
    assert found.error == pytest.approx(0.0, abs=1e-6)
    assert found.factor == pytest.approx(3.0)


def test_the_error_is_that_of_a_straight_line_in_logarithms():
    # Logarithms to base 2: 0, 1, 2 against 0, 2, 2, so slope 1 and residuals -1/3, 2/3, -1/3.
    found = power_law((1, 2, 4), (1, 4, 4))
    assert found.slope == pytest.approx(1.0)
    assert found.error == pytest.approx(math.sqrt(6 / 9 / 1 / 2))
    assert str(found) == "1.00 ± 0.58"


def test_what_is_not_positive_is_left_out():
    assert power_law((1, 2, 4), (1.0, 0.0, 16.0)).slope == pytest.approx(2.0)
    assert math.isnan(power_law((1, 2, 4), (1.0, 0.0, 16.0)).error)
    assert str(power_law((1, 2), (math.nan, 1.0))) == "?"


def test_slopes_of_seeds_are_averaged():
    laws = [power_law((1, 2, 4), [h**slope for h in (1, 2, 4)]) for slope in (1.0, 2.0)]
    assert of_seeds(laws) == "1.5 ± 0.7"
    assert of_seeds(laws[:1]) == "1.00 ± 0.00"


def test_seeds_in_words():
    assert wording.of_seeds([0.12345]) == "0.123"
    assert wording.of_seeds([1.0, 3.0]) == "2 ± 1.4"
    assert wording.of_seeds([None, math.nan]) == "-"
    assert wording.holds("a", "b", False) == "Does not hold: a. Measured: b."


def test_large_numbers_are_written_out():
    assert wording.of_seeds([1121.4]) == "1120"
    assert wording.counts_of_seeds([1121]) == "1121"
    assert wording.counts_of_seeds([10, None]) == "10"
    assert wording.of_seeds([0.0]) == "0"
