"""Models that do more than compute are refused, or loaded with a warning if they are trusted."""

import json
import warnings
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from apps import restore
from keras_ms import inference
from keras_ms.inference.archives import effects_of_config
from keras_ms.inference.graph_effects import Effect
from keras_ms.inference.trust import check_trusted


@keras.saving.register_keras_serializable("test_trust")
class WritesAFile(layers.Layer):
    def __init__(self, path, **options):
        super().__init__(**options)
        self.file = path

    def call(self, x):
        tf.io.write_file(self.file, "written")
        return x

    def get_config(self):
        return {**super().get_config(), "path": self.file}


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """An exported model, and the file that it writes whenever it runs."""
    folder = tmp_path_factory.mktemp("writer")
    image = keras.Input((None, None, 3))
    hidden = layers.Conv2D(3, 1)(WritesAFile(str(folder / "written"))(image))
    model = inference.export(keras.Model(image, hidden), folder / "model")["saved_model"]
    return model, folder / "written"


def test_it_is_refused_before_anything_runs(writer):
    model, written = writer
    written.unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"'WriteFile', which writes files .* Use trust=True"):
        inference.load(model)
    assert not written.exists()


def test_it_is_loaded_with_a_warning_if_it_is_trusted(writer):
    model, written = writer
    with pytest.warns(UserWarning, match="'WriteFile', which writes files"):
        restorer = inference.load(model, trust=True)
    written.unlink()
    inference.restore(restorer, np.zeros((4, 4, 3), np.uint8))
    assert written.exists()


def test_the_app_refuses_it_and_takes_it_with_trust(writer, tmp_path):
    model, written = writer
    written.unlink(missing_ok=True)
    Image.fromarray(np.zeros((5, 4, 3), np.uint8)).save(tmp_path / "a.png")
    places = {"input": str(tmp_path / "a.png"), "output": str(tmp_path / "out")}
    with pytest.raises(ValueError, match=r"writes files .*--trust"):
        restore.run(restore.RestoreSettings(model=str(model), **places))
    assert not written.exists()
    assert not (tmp_path / "out").exists()
    with pytest.warns(UserWarning, match="'WriteFile', which writes files"):
        (result,) = restore.run(restore.RestoreSettings(model=str(model), trust=True, **places))
    assert (tmp_path / "out" / result.name).is_file()


def test_exports_of_layers_with_states_pass_without_a_warning(tmp_path):
    image = keras.Input((None, None, 3))
    hidden = layers.BatchNormalization()(layers.GaussianNoise(0.1)(image))
    hidden = layers.Dropout(0.5)(layers.Conv2D(4, 3, padding="same", activation="gelu")(hidden))
    outputs = layers.Conv2D(3, 1)(layers.UpSampling2D(2)(hidden))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        path = inference.export(keras.Model(image, outputs), tmp_path / "m")["saved_model"]
        inference.load(path)
    assert inference.effects(path) == ()


@pytest.mark.parametrize("name", inference.names())
def test_models_that_come_with_the_library_only_compute(name):
    assert inference.effects(f"saved_models/{name}") == ()


def test_what_a_file_says_is_shown_harmlessly_and_not_endlessly(monkeypatch):
    many = tuple(Effect(f"\x1b[2J{n}\n", "writes files", "x" * 1000) for n in range(30))
    monkeypatch.setattr("keras_ms.inference.trust.effects", lambda _: many)
    with pytest.raises(ValueError, match="and 20 more") as error:
        check_trusted("model", trust=False)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 4000


def function(module, name):
    return {"class_name": "function", "module": module, "config": name}


OF_CONFIGS = [
    ({"class_name": "__lambda__", "config": {"code": "..."}}, "__lambda__", "runs Python"),
    ({"class_name": "TFSMLayer", "config": {"filepath": "x"}}, "TFSMLayer", "loads a SavedModel"),
    ({"class_name": "TorchModuleWrapper", "config": {}}, "TorchModuleWrapper", "unpickles"),
    (
        {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        "StringLookup",
        "reads a file",
    ),
    (function("keras.utils", "get_file"), "keras.utils.get_file", "calls a function"),
    (function("keras.models", "load_model"), "keras.models.load_model", "calls a function"),
    (
        {"class_name": "get_file", "module": "keras.utils", "config": {}},
        "keras.utils.get_file",
        "calls a function",
    ),
]


@pytest.mark.parametrize(("part", "name", "does"), OF_CONFIGS)
def test_what_safe_mode_is_there_for_is_found_in_archives(part, name, does, tmp_path):
    config = {"class_name": "Functional", "config": {"layers": [{"config": {"function": part}}]}}
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    (effect,) = inference.effects(tmp_path / "m.keras")
    assert effect.name == name
    assert effect.does.startswith(does)


def test_archives_of_layers_only_have_no_effects(tmp_path):
    network = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 3)])
    network.compile("adam", "mse", metrics=["mae"])
    network.save(tmp_path / "m.keras")
    assert inference.effects(tmp_path / "m.keras") == ()
    assert effects_of_config({"class_name": "StringLookup", "config": {"vocabulary": ["a"]}}) == ()


@pytest.mark.parametrize("kind", ["STORED", "DEFLATED", "BZIP2", "LZMA"])
def test_a_damaged_archive_is_refused_wherever_it_is_damaged(kind, tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", getattr(zipfile, f"ZIP_{kind}")) as archive:
        archive.writestr("config.json", json.dumps({"config": list(range(300))}))
    whole, said = path.read_bytes(), []
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            inference.effects(path)
        except ValueError as error:
            said.append(str(error))
    assert len(said) > 10  # some bytes do not count
    assert all("no archive of Keras" in text for text in said)


def test_what_is_neither_is_refused(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"no archive")
    for path in (tmp_path / "m.keras", tmp_path / "none"):
        with pytest.raises(ValueError, match="no archive of Keras"):
            inference.effects(path)
    with pytest.raises(ValueError, match="The model is damaged"):
        inference.effects(tmp_path)
