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
    expected = r"Skipped 7 of 28 pairs: 0.png \(too small\) and 6 more alike: 1.png, 2.png"
    with pytest.warns(UserWarning, match=expected) as said:
        skipped.finish()
    assert len(said) == 1
    assert str(said[0].message).endswith("5.png, ...")
    assert "6.png" not in str(said[0].message)
    assert said[0].filename == __file__


@pytest.mark.parametrize(("good", "bad", "most"), [(20, 7, 0.25), (9, 1, 0.0), (0, 2, 1.0)])
def test_many_are_refused_and_named(good, bad, most):
    with pytest.raises(ValueError, match=rf"{bad} of {good + bad} pairs.*0.png.*--max_bad_frac"):
        counted(good, bad, most).finish()


@pytest.mark.parametrize("fraction", [-0.1, 1.5, float("nan"), True])
def test_the_fraction_is_one(fraction):
    with pytest.raises(ValueError, match="Received: max_bad_fraction="):
        Skipped(fraction)


def test_reasons_are_told_once_whatever_names_and_numbers_are_in_them():
    skipped = Skipped(1.0, "pairs")
    skipped.admitted()
    for number in range(7, 10):
        name = f"/all my photos/x/im {number}.png"
        skipped.add(name, f"{name} of 32x{number} and /all my photos/y/im {number}.png of 16x16.")
        skipped.add(name, f"no class: {number}.5 in 'im {number}.png'")
    with pytest.warns(UserWarning, match="Skipped 6 of 7 pairs") as said:
        skipped.finish()
    text = str(said[0].message)
    assert (text.count("of 16x16"), text.count("no class")) == (1, 1)
    assert "of 16x16) and 2 more alike: im 8.png, im 9.png; /all" in text
    assert len(text) < 300


def test_many_reasons_are_cut():
    skipped = Skipped(1.0)
    skipped.admitted()
    for letter in "abcdefg":
        skipped.add("1", f"is {letter}")
    with pytest.warns(UserWarning, match=r"1 \(is a\); 1 \(is b\); .*1 \(is e\); \.\.\.$"):
        skipped.finish()
