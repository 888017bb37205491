"""Keras's BackupAndRestore in a `fit` on levels: what it forgets by itself is kept beside it."""

import json
import os
import shutil

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms

STEPS, EPOCHS = 4, 4


class KilledError(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends a run when its optimizer has done so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.steps:
            raise KilledError


def fitted(*callbacks, dropout=True):
    keras.utils.set_random_seed(3)
    inputs, hidden = small_net()
    if dropout:
        hidden = keras.layers.Dropout(0.5)(hidden)
    outputs = keras.layers.Conv2D(3, 1)(hidden)
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("adam", "mse")
    schedule = keras_ms.FullMultiscaleSchedule((8, 8), STEPS)
    data = pair_dataset((2, 4), STEPS)
    options = {"epochs": EPOCHS, "verbose": 0, "rehearse": False}
    model.fit(data, callbacks=[schedule, *callbacks], **options)
    return model


def backup(folder, frequency="epoch", **options):
    return keras.callbacks.BackupAndRestore(folder, frequency, **options)


@pytest.fixture(scope="module")
def whole():
    return {dropout: fitted(dropout=dropout).get_weights() for dropout in (False, True)}


def assert_like(model, want):
    assert int(model.optimizer.iterations) == STEPS * EPOCHS
    for mine, theirs in zip(model.get_weights(), want, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.smoke
@pytest.mark.parametrize(("frequency", "steps"), [("epoch", 6), (3, 8), (STEPS, 10), (1, 6)])
def test_dropout_and_backups_within_epochs_go_on_to_the_bit(tmp_path, frequency, steps, whole):
    folder = tmp_path / "backup"
    with pytest.raises(KilledError):
        fitted(backup(folder, frequency), Kill(steps))
    assert_like(fitted(backup(folder, frequency)), whole[True])
    assert not folder.exists()  # as ever, when a run has ended


def broken(folder, how):
    weights, metadata = folder / "latest.weights.h5", folder / "training_metadata.json"
    if how == "weights cut short":
        os.truncate(weights, weights.stat().st_size // 2)
    elif how == "no metadata":
        metadata.unlink()
    elif how == "metadata cut short":
        metadata.write_text('{"epo')
    elif how == "older metadata":
        metadata.write_text(json.dumps({"epoch": 0, "batch": 0}))


HOWS = ["weights cut short", "no metadata", "metadata cut short", "older metadata"]


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    """A backup within the third epoch, after nine steps."""
    folder = tmp_path_factory.mktemp("backed_up") / "backup"
    with pytest.raises(KilledError):
        fitted(backup(folder, 3), Kill(9), dropout=False)
    return folder


@pytest.mark.parametrize("how", HOWS)
def test_what_keras_wrote_may_be_damaged(tmp_path, backed_up, how, whole):
    folder = shutil.copytree(backed_up, tmp_path / "backup")
    broken(folder, how)
    assert_like(fitted(backup(folder), dropout=False), whole[False])


@pytest.mark.parametrize("how", ["nothing", *HOWS[1:]])
def test_a_backup_of_keras_alone_goes_on_where_its_optimizer_is(tmp_path, backed_up, how, whole):
    folder = shutil.copytree(backed_up, tmp_path / "backup")
    shutil.rmtree(folder / "keras_ms")
    broken(folder, how)
    with pytest.warns(UserWarning, match=r"has done 9 steps of 4 an epoch.*epoch 2, step 1"):
        assert_like(fitted(backup(folder), dropout=False), whole[False])


def test_a_backup_that_cannot_be_read_says_so(tmp_path, backed_up):
    folder = shutil.copytree(backed_up, tmp_path / "backup")
    shutil.rmtree(folder / "keras_ms")
    broken(folder, "weights cut short")
    with pytest.raises(ValueError, match=r"The backup cannot be read. Received: backup_dir="):
        fitted(backup(folder), dropout=False)


def test_metadata_without_weights_are_refused(tmp_path, backed_up):
    folder = shutil.copytree(backed_up, tmp_path / "backup")
    shutil.rmtree(folder / "keras_ms")
    (folder / "latest.weights.h5").unlink()
    with pytest.raises(ValueError, match=r"epoch 2 comes next, but its optimizer has done no"):
        fitted(backup(folder), dropout=False)


def test_a_kill_between_the_two_files_of_keras(tmp_path, monkeypatch, whole):
    save = keras.Model.save_weights

    def killed(self, *args, **kwargs):
        save(self, *args, **kwargs)
        if int(self.optimizer.iterations) == 2 * STEPS:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", killed)
        with pytest.raises(KilledError):
            fitted(backup(tmp_path / "backup"))
    assert_like(fitted(backup(tmp_path / "backup")), whole[True])


def test_callbacks_are_given_back_as_they_were(tmp_path):
    mine = backup(tmp_path / "backup")
    fitted(mine)
    assert not {"_save_model", "on_train_begin", "on_epoch_end"} & set(vars(mine))
