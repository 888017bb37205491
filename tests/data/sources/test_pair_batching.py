"""Batches to validate on: one pair of another kind does not stop a run that has begun."""

import numpy as np
import pytest
from PIL import Image

from keras_ms.data import FolderPairs

COUNT, SIDE = 6, 32


def folders(where, odd):
    for part in range(2):
        (where / "xy"[part]).mkdir()
        for number in range(COUNT):
            side = odd.get(number, (SIDE, SIDE))[part]
            array = np.full((side, side, 3)[: 3 - part], number % 3, "uint8")
            Image.fromarray(array).save(where / "xy"[part] / f"{number}.png")
    return FolderPairs(where / "x", where / "y", classes=3)


@pytest.mark.parametrize("number", [0, 3, 5])
@pytest.mark.parametrize("sides", [(SIDE, SIDE // 2), (SIDE // 2, SIDE), (SIDE, 2 * SIDE)])
@pytest.mark.parametrize("cache_bytes", [0, 2**20])
def test_a_target_of_another_size_is_passed_over_and_named(number, sides, cache_bytes, tmp_path):
    pairs = folders(tmp_path, {number: sides})
    expected = rf"Skipped 1 of 6 pairs: .*{number}\.png \(its target has .* expected is"
    with pytest.warns(UserWarning, match=expected):
        batches = pairs.batches(2, multiple_of=8, cache_bytes=cache_bytes)
    shapes = [(x.shape[1:3], y.shape[1:3]) for x, y in batches]
    assert sum(len(x) for x, _ in batches) == COUNT - 1
    assert set(shapes) == {((SIDE, SIDE), (SIDE, SIDE))}


def test_targets_that_are_all_smaller_are_taken_and_mixtures_are_refused(tmp_path):
    pairs = folders(tmp_path, dict.fromkeys(range(COUNT), (SIDE, SIDE // 2)))
    assert {y.shape[1:] for _, y in pairs.batches(4)} == {(SIDE // 2, SIDE // 2)}
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    with pytest.raises(ValueError, match=r"3 of 6 pairs.*sides \(16, 16\), expected is \(32, 32\)"):
        folders(mixed, dict.fromkeys(range(3), (SIDE, SIDE // 2))).batches(4)
