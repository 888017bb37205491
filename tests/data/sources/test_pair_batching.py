"""Batches to validate on: what they hold, and what is passed over."""

import numpy as np
import pytest
from pair_folders import save
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


def test_batches_are_whole_or_middles_and_fit_networks(tmp_path):
    sizes = [(40, 70), (40, 70), (33, 64)]
    for number, (height, width) in enumerate(sizes):
        ramp = np.arange(height * width).reshape(height, width) % 251
        save(tmp_path / f"x/{number}.png", ramp.astype("uint8"))
        save(tmp_path / f"y/{number}.png", (ramp % 3).astype("uint8"))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=3)
    whole = list(pairs.batches(2, cache_bytes=5000))  # only one is kept, others read again
    assert len(pairs.batches(2)) == 2
    assert [x.shape for x, _ in whole] == [(2, 32, 64, 1), (1, 32, 64, 1)]
    for x, y in whole:
        np.testing.assert_array_equal(np.round(x[..., 0] * 255) % 3, y)
    small = [x.shape for x, _ in pairs.batches(3, image_size=(16, 20), multiple_of=8)]
    assert small == [(3, 16, 16, 1)]
    untouched = [x.shape for x, _ in pairs.batches(1, multiple_of=1)]
    assert untouched == [(1, *size, 1) for size in sizes]


def test_batches_of_targets_of_another_size_are_cut_alike(tmp_path):
    fine = np.kron(np.arange(36).reshape(6, 6), np.ones((8, 8))).astype("uint8")
    save(tmp_path / "x/a.png", fine)
    save(tmp_path / "y/a.png", np.arange(36, dtype="uint8").reshape(6, 6))
    for one, other in (("x", "y"), ("y", "x")):
        pairs = FolderPairs(tmp_path / one, tmp_path / other)
        ((x, y),) = pairs.batches(1, image_size=32 if one == "x" else 4, multiple_of=2)
        small, large = sorted((x.numpy(), y.numpy()), key=lambda part: part.size)
        assert large.shape == (1, 32, 32, 1)
        np.testing.assert_array_equal(large[0, ::8, ::8], small[0])
