"""Integers that say neither black nor white, and values that are far from 0 to 1."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_ms.data import FolderPairs
from keras_ms.data.inputs import examples_of


@pytest.fixture
def folders(tmp_path):
    """Writes pairs of which the targets are given."""

    def write(arrays):
        for name in ("x", "y"):
            (tmp_path / name).mkdir(exist_ok=True)
        for number, array in enumerate(arrays):
            Image.new("L", array.shape[1::-1], 51).save(tmp_path / f"x/{number}.png")
            tifffile.imwrite(tmp_path / f"y/{number}.tif", array)
        return tmp_path / "x", tmp_path / "y"

    return write


def ramp(dtype, low, high):
    return np.linspace(low, high, 24).reshape(4, 6).astype(dtype)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "int64", "uint64"])
def test_signed_and_wide_integers_demand_their_range(folders, dtype):
    pairs = FolderPairs(*folders([ramp(dtype, 0, 100)] * 2))
    for use in (pairs.examples, pairs.batches, lambda: list(pairs)):
        with pytest.raises(ValueError, match=r"^Signed .*Received: target_range=None, 2 of"):
            use()
    of_inputs = FolderPairs(*reversed(folders([ramp(dtype, 0, 100)] * 2)))
    with pytest.raises(ValueError, match=r"Received: value_range=None.*--value_range"):
        of_inputs.examples()


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int8", -100, 100),
        ("int16", -32000, 32000),
        ("int32", 2**31 - 1000, 2**31 - 1),
        ("uint32", 2**32 - 1000, 2**32 - 1),
        ("float64", 1e9, 1e9 + 1),
    ],
)
def test_values_are_scaled_before_they_are_rounded(folders, dtype, low, high):
    array = ramp(dtype, low, high)
    pairs = FolderPairs(*folders([array]), value_range=(0, 255), target_range=(low, high))
    ((x, y),) = pairs
    wanted = (array.astype("float64") - low) / (high - low)
    np.testing.assert_allclose(y[..., 0], wanted, atol=1e-6)
    np.testing.assert_allclose(x, 0.2, rtol=1e-6)
    examples = pairs.examples()
    ((_, (_, stored)),) = examples.passes()
    least, greatest = examples.ranges.get("y", (0.0, 1.0))
    np.testing.assert_allclose((stored[..., 0] - least) / (greatest - least), wanted, atol=1e-6)


def test_bytes_among_signed_integers_keep_their_values(folders):
    arrays = [ramp("int16", -10, 200), ramp("uint8", 0, 200)]
    x, y = folders(arrays)
    found = [y[..., 0] for _, y in FolderPairs(x, y, target_range=(0, 100))]
    np.testing.assert_allclose(found, np.array(arrays) / 100, atol=1e-6)
    inputs = [array for _, (array, _) in examples_of((sorted(y.iterdir()), [0, 0])).passes()]
    np.testing.assert_array_equal(np.stack(inputs)[..., 0], arrays)


def test_masks_of_signed_integers_need_no_range(folders):
    x, y = folders([ramp("int32", 0, 2)])
    ((_, mask),) = FolderPairs(x, y, classes=3)
    assert {*np.unique(mask)} == {0, 1, 2}
    with pytest.raises(ValueError, match="targets that are pictures, not for masks"):
        FolderPairs(x, y, classes=3, target_range=(0, 2))


def test_targets_far_from_0_to_1_are_refused_where_that_is_asked_for(folders):
    x, y = folders([ramp("float32", 0, 100)] * 2)
    assert max(target.max() for _, target in FolderPairs(x, y)) == 100
    for options in ({}, {"target_range": (0, 10)}):
        pairs = FolderPairs(x, y, bounded_targets=True, **options)
        with pytest.raises(ValueError, match=r"its values lie in \[0, 10.*--target_range"):
            list(pairs)
    sick = folders([np.full((8, 8), np.nan, "float32")] * 2)
    with pytest.raises(ValueError, match="it has values that are NaN or Inf; replace"):
        list(FolderPairs(*sick, bounded_targets=True))
    x, y = folders([ramp("float32", 0, 100)] * 2)
    pairs = FolderPairs(x, y, bounded_targets=True, target_range=(0, 100))
    assert max(target.max() for _, target in pairs) == 1
    beyond = folders([ramp("float32", -0.1, 1.1)] * 2)  # as enlarging makes them
    assert len(list(FolderPairs(*beyond, bounded_targets=True))) == 2
