"""Models that are not of keras_ms leave and restore, or are refused with what to do instead."""

import resource
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ms import inference
from keras_ms.inference import export, exporting

ANY = (None, None, 1)


def conv(filters, **options):
    return layers.Conv2D(filters, 3, padding="same", **options)


def stock(filters=1, **options):
    """A U-Net of stock layers, of two meshes."""
    image = keras.Input(ANY)
    fine = conv(4, activation="relu", **options)(image)
    coarse = conv(4, activation="relu", **options)(layers.MaxPooling2D()(fine))
    both = layers.Concatenate()([layers.UpSampling2D()(coarse), fine])
    return keras.Model(image, conv(filters, **options)(both))


def images(*sides):
    return np.random.default_rng(0).random((*sides, 1)).astype("float32")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model, path = stock(), tmp_path_factory.mktemp("stock") / "model.v1"
    return model, export(model, path, mean=0.2, std=0.4)["saved_model"]


def test_a_stock_model_leaves_and_its_tiles_equal_the_whole(exported):
    model, path = exported
    restorer = inference.load(path)
    assert (restorer.channels, restorer.scale, restorer.receptive_field) == (1, 1, 5)
    image = images(200, 230)
    whole = inference.restore(restorer, image)
    by_hand = np.clip(0.4 * model((image[np.newaxis] - 0.2) / 0.4) + 0.2, 0.0, 1.0)[0]
    np.testing.assert_allclose(whole, by_hand, atol=1e-5)
    np.testing.assert_allclose(inference.restore(restorer, image, tile=96), whole, atol=1e-5)


def test_types_come_back(exported):
    restorer = inference.load(exported[1])
    for dtype in ("uint8", "float16", "float32", "float64"):
        image = (255 * images(8, 6)).astype(dtype) if dtype == "uint8" else images(8, 6)
        assert inference.restore(restorer, image.astype(dtype)).dtype == dtype


def test_signatures_are_those_of_before(exported):
    loaded = tf.saved_model.load(str(exported[1]))
    assert {"serving_default", "serving_uint8"} <= set(loaded.signatures)
    got = loaded.signatures["serving_default"](pictures=tf.constant(images(1, 8, 6)))
    np.testing.assert_allclose(next(iter(got.values())), loaded(images(1, 8, 6)), atol=1e-6)


def test_logits_are_left_as_they_are(tmp_path):
    model = stock(filters=5)
    export(model, tmp_path / "segmenter", mean=0.0, std=1.0, output="raw")
    restorer = inference.load(tmp_path / "segmenter")
    image = (255 * images(130, 64)).astype("uint8")
    got = inference.restore(restorer, image, tile=96)
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, model(image[np.newaxis] / np.float32(255.0))[0], atol=1e-5)
    assert got.min() < 0.0  # neither clipped


def test_sequential_models_and_other_numbers_of_axes_leave(tmp_path):
    parts = [keras.Input((None, 2)), layers.Conv1D(2, 3, padding="same")]
    model = keras.Sequential(parts)
    export(model, tmp_path / "signal", mean=(0.4, 0.5), std=(0.1, 0.2))
    restorer = inference.load(tmp_path / "signal")
    assert (restorer.spatial_dims, restorer.channels) == (1, 2)
    signal = np.random.default_rng(0).random((3000, 2))
    tiled = inference.restore(restorer, signal, tile=100)
    np.testing.assert_allclose(tiled, inference.restore(restorer, signal, tile=3000), atol=1e-6)


class Subclass(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.convolution = conv(1)

    def call(self, image):
        return self.convolution(image)


def test_a_subclassed_model_is_refused_with_what_to_do(tmp_path):
    model = Subclass()
    model(images(1, 8, 8))
    with pytest.raises(ValueError, match=r"keras.Model\(inputs, model\(inputs\)\)"):
        export(model, tmp_path / "model")
    inputs = keras.Input(ANY)
    export(keras.Model(inputs, model(inputs)), tmp_path / "model", mean=0.0, std=1.0)
    image = images(7, 9)
    got = inference.restore(inference.load(tmp_path / "model"), image)
    np.testing.assert_allclose(got, np.clip(model(image[np.newaxis])[0], 0.0, 1.0), atol=1e-5)


def of(taken, returned):
    return lambda: keras.Model(taken, returned)


SIZED, OPEN = keras.Input((64, 64, 1)), keras.Input(ANY)
REFUSED = {
    "fixed size": (of(SIZED, SIZED * 2.0), {}, r"Received: .* \(None, 64, 64, 1\)"),
    "classes": (of(OPEN, layers.GlobalAveragePooling2D()(OPEN)), {}, "at every pixel"),
    "smaller": (of(OPEN, layers.MaxPooling2D(4)(OPEN)), {}, r"makes \(1, 8, 8, 1\)"),
    "two inputs": (of([OPEN, SIZED], OPEN * 2.0), {}, "takes one image"),
    "two outputs": (of(OPEN, [OPEN * 2.0, OPEN * 3.0]), {}, "a model of 2"),
    "not built": (lambda: keras.Sequential([conv(1)]), {}, "a Sequential one with an Input"),
    "no model": (lambda: 3, {}, "Received: 3"),
    "channels": (stock, {"mean": (0.1, 0.2)}, "one per channel"),
    "colours": (lambda: stock(3), {"std": (1.0, 1.0, 1.0)}, "output='raw'"),
    "no spread": (stock, {"std": 0.0}, "`std` must be positive"),
    "kind": (stock, {"output": "logits"}, "no such kind of output"),
    "format": (stock, {"formats": ("tensorrt",)}, "no such format"),
    "a word": (stock, {"formats": "onnx"}, "`formats` is a tuple"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_leave_is_refused_and_nothing_is_written(case, tmp_path):
    make, options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        export(make(), tmp_path / "folder" / "model", **options)
    assert not list(tmp_path.iterdir())


def test_only_saved_models_are_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    (tmp_path / "file").touch()
    for name in ("thesis", "file"):
        with pytest.raises(ValueError, match="no SavedModel, and would be replaced"):
            export(stock(), tmp_path / name)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    for filters in (1, 2):
        export(stock(filters), tmp_path / "model", output="raw")
    image = images(8, 8)
    assert inference.restore(inference.load(tmp_path / "model"), image).shape == (8, 8, 2)


def test_a_format_that_fails_leaves_what_was_there(exported):
    before = sorted(exported[1].rglob("*"))
    with pytest.raises(ValueError, match=r"cannot be written so. Received: formats='litert'"):
        export(stock(), exported[1], formats=("saved_model", "litert"))  # UpSampling2D
    assert sorted(exported[1].rglob("*")) == before
    assert [path.name for path in exported[1].parent.iterdir()] == ["model.v1"]


def test_files_of_others_in_a_folder_of_a_model_are_not_lost(exported, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(exported[1], folder)
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "model.onnx").mkdir()
    for formats in (("saved_model",), ("onnx",)):
        with pytest.raises(ValueError, match="would be replaced"):
            export(exported[0], folder, formats=formats)
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_model_that_diverged_is_not_exported_and_restores_nothing(tmp_path):
    model = stock()
    model.layers[-1].bias.assign([np.nan])
    with pytest.raises(ValueError, match=r"diverged is not exported. Received: weights .*bias"):
        export(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())
    restorer = inference.prepare(model)
    for dtype in ("uint8", "uint16", "float32"):
        with pytest.raises(
            ValueError, match="values that are not finite, NaN or Inf, of a picture"
        ):
            inference.restore(restorer, np.ones((40, 40, 1), dtype))


def test_a_full_disk_names_the_model_and_leaves_the_one_that_was_there(exported):
    before = {path: path.is_file() and path.read_bytes() for path in exported[1].rglob("*")}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(ValueError, match=r"what was there is as it was. Received: .*model\.v1"):
            export(exported[0], exported[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    after = {path: path.is_file() and path.read_bytes() for path in exported[1].rglob("*")}
    assert after == before
    assert [path.name for path in exported[1].parent.iterdir()] == ["model.v1"]


def test_there_is_always_a_complete_model(exported, tmp_path, monkeypatch):
    shutil.copytree(exported[1], tmp_path / "model")
    (tmp_path / "linked").symlink_to(tmp_path / "model")

    def stored(whole, told, place):
        shutil.copytree(exported[1], place)
        assert inference.load(tmp_path / "model").channels == 1

    monkeypatch.setattr(exporting, "_write_saved_model", stored)
    for name in ("model", "linked"):
        export(exported[0], tmp_path / name)
        inference.load(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linked", "model"]
    assert not (tmp_path / "linked").is_symlink()
