import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from keras_ms import MultiscaleDataset
from keras_ms.data import FolderImages
from keras_ms.tasks import Denoising

DEEP = np.random.default_rng(0).integers(0, 65536, (6, 7, 4)).astype(np.uint16)
BYTES = (DEEP // 257).astype(np.uint8)


def written(folder, *kinds):
    for number, kind in enumerate(kinds):
        path = folder / f"{number:02}"
        if kind == "grey16":
            tifffile.imwrite(path.with_suffix(".tif"), DEEP[..., 0])
        elif kind == "rgb16":
            path.with_suffix(".png").write_bytes(tf.io.encode_png(DEEP[..., :3]).numpy())
        elif kind == "bands":
            tifffile.imwrite(
                path.with_suffix(".tif"), DEEP, photometric="minisblack", planarconfig="contig"
            )
        elif kind == "float":
            tifffile.imwrite(path.with_suffix(".tif"), (DEEP[..., 0] / 65535).astype("float32"))
        else:
            pixels = BYTES[..., 0] if kind == "grey8" else BYTES[..., :3]
            Image.fromarray(pixels).save(path.with_suffix(".png"))
    return FolderImages(folder)


@pytest.mark.parametrize(
    ("kinds", "bands", "dtype"),
    [
        (["grey8", "rgb8"], 3, "uint8"),
        (["grey8"] * 3, 3, "uint8"),
        (["grey16"] * 3, 1, "uint16"),
        (["grey16", "grey16", "grey8"], 1, "uint16"),
        (["grey16", "rgb8"], 3, "uint16"),
        (["rgb8", "rgb8", "rgb16"], 3, "uint16"),
        (["bands"] * 2, 4, "uint16"),
        (["float"] * 2, 1, "float32"),
        (["float", "float", "grey8"], 1, "float32"),
    ],
)
def test_a_folder_has_one_kind_of_images_and_loses_none(tmp_path, kinds, bands, dtype):
    images = list(written(tmp_path, *kinds))
    assert [(image.shape[-1], image.dtype) for image in images] == [(bands, dtype)] * len(kinds)
    white = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    for image in images:
        np.testing.assert_allclose(image[..., 0] / white, DEEP[..., 0] / 65535, atol=1 / 255)


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (["rgb8", "rgb8", "bands"], r"02\.tif \(it has 4 bands, the others have 3"),
        (["grey16"] * 4 + ["rgb8"], r"04\.png \(it has 3 bands, the others have 1"),
        (["rgb8", "rgb8", "float"], r"02\.tif \(it has 1 bands|02\.tif \(its pixels are float32"),
    ],
)
def test_what_cannot_be_converted_is_skipped_by_name(tmp_path, kinds, reason):
    with pytest.warns(UserWarning, match=reason):
        assert len(list(written(tmp_path, *kinds))) == len(kinds) - 1


def test_both_splits_are_of_one_kind(tmp_path):
    written(tmp_path, "grey16", "grey16", "grey16", "grey8")
    (image,) = FolderImages(tmp_path, "validation")
    assert (image.shape, image.dtype) == ((6, 7, 1), np.uint16)


def test_bands_and_values_may_be_said(tmp_path):
    written(tmp_path, "grey8")
    (image,) = FolderImages(tmp_path, bands=1)
    assert image.shape == (6, 7, 1)
    (image,) = FolderImages(tmp_path, bands=1, value_range=(-255, 255))
    np.testing.assert_allclose(image[..., 0], (BYTES[..., 0] / 255 + 1) / 2, atol=1e-6)
    for wrong in ((1, 0), (0, 1, 2), "0", (0, float("nan"))):
        with pytest.raises(ValueError, match="Received: value_range="):
            FolderImages(tmp_path, value_range=wrong)


def test_small_pictures_of_a_folder_are_named_and_skipped(tmp_path):
    written(tmp_path, *["rgb8"] * 4)
    Image.fromarray(BYTES[:3, :3, :3]).save(tmp_path / "icon.png")
    task = Denoising()
    with pytest.warns(UserWarning, match=r"Skipped 1 of 5 images: .*icon\.png \(of size \(3, 3\)"):
        MultiscaleDataset(FolderImages(tmp_path), task, (2,), 4)
    with pytest.raises(ValueError, match=r"icon\.png.*max_bad_fraction=0\.1.*--max_bad_fraction"):
        MultiscaleDataset(FolderImages(tmp_path), task, (2,), 4, max_bad_fraction=0.1)


def test_deep_images_are_trained_on_in_their_range(tmp_path):
    images = written(tmp_path, "grey16", "grey16")
    dataset = MultiscaleDataset(images, Denoising(t_range=(0.9, 0.9)), (2,), 4)
    x, y = next(iter(dataset.stage())).fine[0]
    assert x.shape == (2, 4, 4, 1)
    shades = (DEEP[..., 0] / 65535 * 2 - 1).ravel()
    off = np.abs(np.ravel(y)[:, np.newaxis] - shades).min(axis=1)
    assert off.max() < 1e-6
