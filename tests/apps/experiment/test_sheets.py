import numpy as np
import pytest
from PIL import Image

from apps.experiment import plots, sheets


@pytest.mark.parametrize("shape", [(24000, 64, 3), (64, 24000, 3), (3000, 2600, 1), (2500, 3, 8)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_is_shown_is_bounded(shape, dtype):
    white = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    part = sheets.shown(np.full(shape, white // 2 if white > 1 else 0.5, dtype))
    assert part.dtype == np.float32
    assert part.shape[2] == 3
    assert max(part.shape) <= sheets.LARGEST
    assert max(part.shape[:2]) <= sheets.LONGEST * min(part.shape[:2]) + 1
    np.testing.assert_allclose(part, 0.5, atol=0.01)


def test_the_middle_and_the_means_are_shown():
    long = np.zeros((100, 10, 3), np.uint8)
    long[40:60] = 255
    np.testing.assert_array_equal(sheets.shown(long), np.ones((20, 10, 3)))
    large = np.random.default_rng(0).random((2400, 2400, 1)).astype("float32")
    wanted = large.reshape(1200, 2, 1200, 2).mean((1, 3))
    np.testing.assert_allclose(sheets.shown(large)[..., 0], wanted, atol=1e-6)
    small = np.random.default_rng(0).random((7, 9, 3))
    np.testing.assert_allclose(sheets.shown(small), small, atol=1e-6)


def test_the_psnr_is_of_whole_pictures():
    clean = np.zeros((100, 10, 3), "float32")
    noisy = clean.copy()
    noisy[:10] = 1.0  # not shown
    row = sheets.sheet_row({"clean": clean, "noisy": noisy})
    assert list(row) == ["clean", "noisy, 10.00 dB"]
    assert np.all(row["noisy, 10.00 dB"] == 0.0)


def test_a_sheet_of_tall_pictures_is_small(tmp_path):
    tall = np.zeros((24000, 64, 3), np.uint8)
    plots.save_sheet([{"input": tall, "restored": tall}] * 2, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert max(sheet.size) < 3000
