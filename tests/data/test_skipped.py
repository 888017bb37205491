import warnings

import pytest

from keras_ms.data.skipped import Skipped


def counted(good, bad, max_fraction=0.25):
    skipped = Skipped(max_fraction, "pairs")
    for _ in range(good):
        skipped.admitted()
    for number in range(bad):
        skipped.add(f"{number}.png", "too small")
    return skipped


def test_nothing_is_said_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counted(3, 0).finish()
        counted(0, 0).finish()


def test_few_are_named_once_with_their_reasons():
    skipped = counted(21, 7)
    with pytest.warns(UserWarning, match=r"Skipped 7 of 28 pairs: 0.png \(too small\), 1") as said:
        skipped.finish()
    assert len(said) == 1
    assert "4.png (too small), ..." in str(said[0].message)
    assert "5.png" not in str(said[0].message)
    assert said[0].filename == __file__


@pytest.mark.parametrize(("good", "bad", "most"), [(20, 7, 0.25), (9, 1, 0.0), (0, 2, 1.0)])
def test_many_are_refused_and_named(good, bad, most):
    with pytest.raises(ValueError, match=rf"{bad} of {good + bad} pairs.*0.png.*--max_bad_frac"):
        counted(good, bad, most).finish()


@pytest.mark.parametrize("fraction", [-0.1, 1.5, float("nan"), True])
def test_the_fraction_is_one(fraction):
    with pytest.raises(ValueError, match="Received: max_bad_fraction="):
        Skipped(fraction)
