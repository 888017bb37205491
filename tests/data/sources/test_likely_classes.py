import numpy as np
import pytest
from PIL import Image

from keras_ms.data.sources.likely_classes import classes_for, likely_classes


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0, 1], "classes=2"),
        ([0, 2, 10], "classes=11"),
        ([0, 255], "classes={0: 0, 255: 1}"),
        ([0, 65535], "classes={0: 0, 65535: 1}"),
        ([0, 127, 255], "classes={0: 0, 127: 1, 255: 2}"),
        ([0, 85, 170, 255], "classes={0: 0, 85: 1, 170: 2, 255: 3}"),
        ([0, 1, 2, 255], "classes=3, void=255"),
        ([1, 255], "classes=2, void=255"),
    ],
)
def test_values_tell_what_classes_they_are(values, wanted):
    assert classes_for(values) == wanted


def files(folder, arrays, suffix="png", palette=None):
    paths = []
    for number, array in enumerate(arrays):
        image = Image.fromarray(array)
        if palette is not None:
            image.putpalette(palette)
        paths.append(folder / f"{number}.{suffix}")
        image.save(paths[-1])
    return paths


COLOURS = np.array([[0, 0, 0], [128, 0, 0], [0, 200, 10]], "uint8")


@pytest.mark.parametrize("kind", ["grey", "palette", "equal bands", "colours"])
def test_masks_are_known_by_few_values_or_colours_of_all_files_together(tmp_path, kind):
    masks = [np.tile(np.array([0, last], "uint8"), (40, 20)) for last in (1, 2)]
    if kind == "equal bands":
        masks = [np.repeat(mask[..., np.newaxis], 3, axis=-1) for mask in masks]
    if kind == "colours":
        masks = [COLOURS[mask] for mask in masks]
    paths = files(tmp_path, masks, palette=[9, 8, 7] * 3 if kind == "palette" else None)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    wanted = "classes=3"
    if kind == "colours":
        wanted = "classes=[(0, 0, 0), (0, 200, 10), (128, 0, 0)]"
    assert likely_classes([tmp_path / "broken.png", *paths]) == wanted


def test_photographs_lossy_and_plain_pictures_are_no_masks(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype("uint8")
    assert likely_classes(files(tmp_path, [noise])) == ""
    assert likely_classes(files(tmp_path, [noise[..., 0]])) == ""
    assert likely_classes(files(tmp_path, [np.zeros((8, 8), "uint8")])) == ""
    binary = np.diag([1, 1, 1, 1]).astype("uint8")
    assert likely_classes(files(tmp_path, [binary])) == "classes=2"
    assert likely_classes(files(tmp_path, [binary], "jpg")) == ""
