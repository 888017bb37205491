"""Pictures of pairs as they are read: depth, bands, sides, and how they lie."""

import keras
import numpy as np
import pytest
import tifffile
from pair_folders import photographs_and_masks, save, shaded
from PIL import Image

import keras_ms
from keras_ms.data import FolderPairs
from keras_ms.gradients.model_fits import check_model_fits


@pytest.mark.parametrize(
    ("array", "options", "values", "wanted"),
    [
        (shaded(32768, 8, 8, dtype="uint16"), {}, (0.0, 65535.0), 32768 / 65535),
        (shaded(1024, 8, 8, dtype="uint16"), {"value_range": (0, 4096)}, (0.0, 4096.0), 0.25),
        (shaded(0.75, 8, 8, 32, dtype="float32"), {}, None, 0.75),
        (shaded(30, 8, 8, dtype="float32"), {"value_range": (20, 40)}, (20.0, 40.0), 0.5),
    ],
)
def test_depth_and_bands_survive(tmp_path, array, options, values, wanted):
    save(tmp_path / "x/a.tif", array)
    save(tmp_path / "y/a.png", shaded(128, 8, 8))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", target_range=(0, 255), **options)
    examples = pairs.examples()
    assert examples.spec[0].dtype == array.dtype
    assert pairs.input_bands == examples.spec[0].shape[-1] == (32 if array.ndim == 3 else 1)
    assert examples.ranges.get("x") == values
    ((x, y),) = pairs
    np.testing.assert_allclose(x, wanted, rtol=1e-6)
    np.testing.assert_allclose(y, 128 / 255, rtol=1e-6)


def test_grey_among_colours_and_bytes_among_deeper_ones(tmp_path):
    save(tmp_path / "x/a.png", shaded(100, 8, 8))
    save(tmp_path / "x/b.png", shaded(100, 9, 8, 3))
    save(tmp_path / "x/c.tif", shaded(100 * 257, 8, 8, dtype="uint16"))
    for name in "abc":
        save(tmp_path / f"y/{name}.png", shaded(0, 9 if name == "b" else 8, 8))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    assert tuple(pairs.examples().spec[0].shape) == (None, 8, 3)
    for x, _ in pairs:
        np.testing.assert_allclose(x, np.full((*x.shape[:2], 3), 100 / 255), rtol=1e-6)


def test_pairs_whose_sizes_do_not_fit_are_named(tmp_path):
    folders = photographs_and_masks(tmp_path)
    save(folders[0] / "a/0.jpg", shaded(0, 17, 24, 3))
    errors = [one for _, one in FolderPairs(*folders, classes=3).examples().passes()]
    assert "17x24 and" in str(errors[0])
    assert not isinstance(errors[1], ValueError)


def lying(path, pixels):
    """A picture as phones store it that are held upright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("turned", [6, 3])
def test_photographs_that_lie_are_known_by_their_upright_sides(tmp_path, suffix, turned):
    rng = np.random.default_rng(0)
    for number in range(6):
        pixels = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
        for folder in "xy":
            write = lying if number < turned else save
            upright = pixels if write is lying else np.rot90(pixels, -1)
            if write is save and suffix == ".tif":
                path = tmp_path / folder / f"{number}{suffix}"
                tifffile.imwrite(path, upright, photometric="rgb")
            else:
                write(tmp_path / folder / f"{number}{suffix}", np.ascontiguousarray(upright))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    made = keras_ms.MultiscaleDataset(pairs, levels=(1, 2))
    assert made.image_size == (24, 16)
    assert made.pairs.reading.count == 6


def test_deep_scans_that_lie_are_known_by_their_upright_sides(tmp_path):
    for number in range(3):
        path = tmp_path / f"x/{number}.tif"
        path.parent.mkdir(exist_ok=True)
        tags = [(274, "H", 1, 6, True)]
        tifffile.imwrite(path, shaded(number, 16, 24, dtype="uint16"), extratags=tags)
        save(tmp_path / f"y/{number}.png", shaded(number, 24, 16))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=3)
    assert [tuple(leaf.shape) for leaf in pairs.examples().spec] == [(24, 16, 1), (24, 16)]
    assert next(iter(pairs))[0].shape == (24, 16, 1)


def test_a_side_without_a_readable_file_is_refused_once(tmp_path):
    folders = photographs_and_masks(tmp_path)
    for path in folders[0].rglob("*.jpg"):
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"^None of 6 files can be read") as refusal:
        list(FolderPairs(*folders, classes=3))
    assert str(refusal.value).count("None of") == 1
    assert str(refusal.value).count("Received") == 1
    assert str(refusal.value).endswith(
        "Use files that open as pictures; copy or download damaged ones again."
    )


def test_bands_of_inputs_are_said_so_that_grey_photographs_fit_networks_of_colours(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.png", shaded(51, 8, 8))
        save(tmp_path / f"y/{number}.png", shaded(1, 8, 8))
    grey, coloured = (FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=b) for b in (None, 3))
    assert (grey.input_bands, coloured.input_bands) == (1, 3)
    x, _ = next(iter(coloured))
    np.testing.assert_allclose(x, np.full((8, 8, 3), 0.2), atol=1e-6)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    dataset = keras_ms.MultiscaleDataset(grey, levels=(1,), steps_per_epoch=1)
    with pytest.raises(ValueError, match=r"3 channels, the examples have 1.*FolderPairs\(bands=3"):
        check_model_fits(model, dataset)
    check_model_fits(model, keras_ms.MultiscaleDataset(coloured, levels=(1,), steps_per_epoch=1))
    with pytest.raises(ValueError, match="bands"):
        FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=0)


def test_bands_that_would_lose_colours_are_refused(tmp_path):
    save(tmp_path / "x/0.png", np.arange(192, dtype="uint8").reshape(8, 8, 3))
    save(tmp_path / "y/0.png", shaded(1, 8, 8))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2, bands=1).examples().passes()
    assert "it has 3 bands, the others have 1" in str(error)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_mask_that_is_not_turned_as_its_photograph_is_told_from_any_other(tmp_path, scale):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "x").mkdir()
    Image.fromarray(shaded(9, 8, 12, 3)).save(tmp_path / "x/0.jpg", exif=exif)
    save(tmp_path / "y/0.png", shaded(1, 8 * scale, 12 * scale))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2).examples().passes()
    assert "EXIF orientation" in str(error)
    assert "0.jpg is turned" in str(error)
    save(tmp_path / "y/0.png", shaded(1, 9, 12))
    ((_, error),) = FolderPairs(tmp_path / "x", tmp_path / "y", 2).examples().passes()
    assert "EXIF" not in str(error)
