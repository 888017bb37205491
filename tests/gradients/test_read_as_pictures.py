"""Masks that are read as pictures, under losses that take classes, are refused or warned of."""

import warnings

import keras
import numpy as np
import pytest
from conftest import small_images
from keras import ops
from PIL import Image

import keras_ms
from keras_ms.gradients.target_roles import suited

COUNT, SIDE = 6, 16
RNG = np.random.default_rng(0)
MAPS = RNG.integers(0, 3, (COUNT, SIDE, SIDE)).astype("uint8")
PHOTOS = (255 * small_images(COUNT, SIDE)).astype("uint8")
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def own(y, p):
    return keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True)


def squares(y, p):
    return ops.mean((y - p) ** 2)


def folders(where, masks, suffix=".png", **options):
    for part, arrays, end in (("x", PHOTOS, ".png"), ("y", masks, suffix)):
        (where / part).mkdir()
        for number, array in enumerate(arrays):
            Image.fromarray(array).save(where / part / f"{number}{end}")
    return keras_ms.data.FolderPairs(where / "x", where / "y", **options)


def judged(examples, loss, outputs=3, **options):
    inputs = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(outputs, 1)(inputs))
    model.compile("sgd", loss)
    return suited(model, keras_ms.MultiscaleDataset(examples, levels=(1, 2), **options))


MASKS = {
    "indices": (MAPS, "classes=3"),
    "shades": (255 * (MAPS > 1).astype("uint8"), r"classes=\{0: 0, 255: 1\}"),
    "void": (np.where(MAPS == 2, 255, MAPS).astype("uint8"), r"classes=\{0: 0, 1: 1, 255: 2\}"),
    "colours": (PHOTOS, r"classes=\[\(0, 0, 0\), \(255, 0, 0\), \.\.\.\]"),
    "16 bits": (MAPS.astype("uint16"), "classes=3"),
    "floats": (MAPS.astype("float32"), "classes=3"),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("loss", [SPARSE, "sparse_categorical_crossentropy", own])
def test_masks_without_classes_are_refused_and_the_mend_works(name, loss, tmp_path):
    if name == "colours" and loss is own:
        return  # three bands, which the loss does not take
    masks, mend = MASKS[name]
    pairs = folders(tmp_path, masks, ".tif" if name == "floats" else ".png")
    with pytest.raises(ValueError, match=rf"takes classes.*Received: y of .* values 0, .*{mend}"):
        judged(pairs, loss)


def test_with_classes_masks_are_what_the_loss_takes(tmp_path):
    pairs = folders(tmp_path, MAPS, classes=3)
    for loss in (SPARSE, own):
        assert judged(pairs, loss).describe().roles["y"] == "class_map"


def test_roles_do_not_undo_the_scaling_of_pictures(tmp_path):
    pairs = folders(tmp_path, MAPS)
    with pytest.raises(ValueError, match=r"whole numbers.*Received: y"):
        judged(pairs, SPARSE, roles={"y": "class_map"})
    unscaled = keras_ms.data.FolderPairs(tmp_path / "x", tmp_path / "y", target_range=(0, 1))
    assert judged(unscaled, SPARSE, roles={"y": "class_map"}).describe().roles["y"] == "class_map"


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [(keras.losses.Dice(), 1), ("binary_crossentropy", 1), (keras.losses.Tversky(), 1)],
)
@pytest.mark.parametrize("masks", [MAPS, (MAPS > 1).astype("uint8")])
def test_indices_are_no_shares(masks, loss, outputs, tmp_path):
    with pytest.raises(ValueError, match=r"looks like indices.*Received: y.*classes=[23].*_range"):
        judged(folders(tmp_path, masks), loss, outputs)
    scaled = keras_ms.data.FolderPairs(tmp_path / "x", tmp_path / "y", target_range=(0, 2))
    assert judged(scaled, loss, outputs).describe().roles["y"] == "image"


@pytest.mark.parametrize("loss", ["mse", squares])
def test_indices_as_values_are_warned_of(loss, tmp_path):
    with pytest.warns(UserWarning, match=r"looks like indices.*classes=3.*target_range"):
        judged(folders(tmp_path, MAPS), loss, 1)


@pytest.mark.parametrize(
    ("masks", "loss", "outputs"),
    [
        (PHOTOS, "mse", 3),
        (PHOTOS[..., 0], squares, 1),
        (255 * (MAPS > 1).astype("uint8"), "binary_crossentropy", 1),
        (255 * (MAPS > 1).astype("uint8"), keras.losses.Dice(), 1),
        (PHOTOS[..., 0], keras.losses.Dice(), 1),
        (np.zeros_like(MAPS), "binary_crossentropy", 1),
    ],
)
def test_pictures_under_losses_of_values_are_taken_without_a_word(masks, loss, outputs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judged(folders(tmp_path, masks), loss, outputs).describe().roles["y"] == "image"


@pytest.mark.parametrize("loss", [SPARSE, own])
@pytest.mark.parametrize("by", [2.0, 255.0])
@pytest.mark.parametrize("channels", [False, True])
def test_fractions_are_no_classes(loss, by, channels):
    maps = (MAPS / by).astype("float32")
    with pytest.raises(ValueError, match=r"whole.*Received: y of float32.*example 0"):
        judged((PHOTOS, maps[..., None] if channels else maps), loss)
    with pytest.raises(ValueError, match="which are whole"):
        judged((PHOTOS, maps), SPARSE, roles={"y": "class_map"})


def test_labels_are_whole_numbers_as_well():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(inputs))
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", SPARSE)
    dataset = keras_ms.MultiscaleDataset((PHOTOS, np.arange(COUNT) % 3 / 2.0), levels=(1, 2))
    with pytest.raises(ValueError, match=r"which are whole.*from 0 to 1"):
        suited(model, dataset)


def test_floats_of_whole_numbers_and_fractions_under_losses_of_values_are_taken():
    floats = MAPS.astype("float32")
    assert judged((PHOTOS, floats), SPARSE).describe().roles["y"] == "class_map"
    assert judged((PHOTOS, floats[..., None] / 2), squares, 1).describe().roles["y"] == "image"
    assert judged((PHOTOS, floats / 2), own, roles={"y": "image"}).describe().roles["y"] == "image"


def test_classes_are_not_averaged_because_somebody_says_so():
    with pytest.raises(ValueError, match=r"roles=\{'y': 'image'\} under .*Say 'class_map'"):
        judged((PHOTOS, MAPS), SPARSE, roles={"y": "image"})
    assert judged((PHOTOS, MAPS), SPARSE, roles={"y": "class_map"}) is not None
