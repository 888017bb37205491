"""`fit` warns of what saves statistics of a coarse mesh: of callbacks of Keras, and of exports."""

import warnings

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net
from test_statistics import model

import keras_ms
from keras_ms.gradients.moving_statistics import coarse_share, warn_of_coarse
from keras_ms.training.coarse_saves import complaints

SAVE = keras.callbacks.ModelCheckpoint("a.keras", monitor="val_loss", save_best_only=True)
BY_STEPS = keras.callbacks.ModelCheckpoint("a.keras", save_freq=10)
REFRESH = keras_ms.RefreshStatistics()
EVERY = keras_ms.RefreshStatistics(every_epoch=True)
STOP = keras.callbacks.TerminateOnNaN()


@pytest.mark.parametrize(
    ("callbacks", "validates", "mend"),
    [
        ([SAVE, STOP], True, "Put keras_ms.RefreshStatistics() before it"),
        ([STOP, keras_ms.callbacks.PerStage(SAVE)], True, "Put keras_ms.RefreshStatistics() "),
        ([REFRESH, SAVE], True, ""),
        ([SAVE, REFRESH], True, ""),  # validation comes before both
        ([SAVE], False, r"RefreshStatistics\(every_epoch=True\) before it"),
        ([REFRESH, SAVE], False, r"RefreshStatistics\(every_epoch=True\) before it"),
        ([SAVE, EVERY], False, r"RefreshStatistics\(every_epoch=True\) before it"),
        ([EVERY, SAVE], False, ""),
        ([EVERY, BY_STEPS], True, r"Save by epochs, .*refresh_statistics\(model, dataset\)"),
        ([STOP, keras.callbacks.BackupAndRestore("folder")], False, ""),
        ([keras_ms.callbacks.Checkpoint("folder")], False, ""),
    ],
)
def test_what_saves_is_named_with_the_mend_that_helps(callbacks, validates, mend):
    found = complaints(callbacks, validates)
    assert len(found) == bool(mend)
    for text in found:
        assert text.startswith("ModelCheckpoint saves BatchNormalization")
        assert mend.replace("\\", "").partition(".*")[0] in text


def test_who_says_that_it_knows_is_believed():
    class Knows(keras.callbacks.ModelCheckpoint):
        knows_stages = True

    assert complaints([Knows("a.keras")], True) == []


def warnings_of(made, stages, *callbacks, validate=True):
    data = pair_dataset((2, 4), telescoping=False)
    schedule = keras_ms.FullMultiscaleSchedule(stages, steps_per_epoch=2)
    x = np.zeros((1, 32, 32, 3))
    options = {"validation_data": (x, x)} if validate else {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        given = [schedule, *callbacks]
        made.fit(
            data, epochs=schedule.epochs, callbacks=given, rehearse=False, verbose=0, **options
        )
    return [str(w.message) for w in caught if "BatchNormalization" in str(w.message)]


@pytest.fixture
def save(tmp_path):
    return keras.callbacks.ModelCheckpoint(tmp_path / "a.keras")


@pytest.mark.smoke
def test_fit_warns_once_where_coarse_levels_are_trained(save):
    assert len(warnings_of(model(), (2, 4), save)) == 1
    assert len(warnings_of(model(), (0, 2), save)) == 1  # one stage alone, a coarse one
    assert warnings_of(model(), (2, 0), save) == []
    assert warnings_of(model(), (2, 2), keras_ms.RefreshStatistics(1), save) == []
    plain = keras_ms.MultiscaleModel(*small_net())
    plain.compile("sgd", "mse", run_eagerly=True)
    assert warnings_of(plain, (2, 2), save) == []


def test_a_coarse_fit_before_counts_as_well(save):
    made = model()
    warnings_of(made, (0, 2))
    assert len(warnings_of(made, (2, 0), save)) == 1


class Unbuilt(keras_ms.MultiscaleModel):
    """A model whose layers its first step builds."""

    def __init__(self):
        super().__init__()
        self.normal, self.last = keras.layers.BatchNormalization(), keras.layers.Conv2D(3, 1)

    def call(self, x, training=None):
        float(keras.ops.sum(x))  # which symbols have not
        return self.last(self.normal(x, training=training))


def test_a_model_that_its_first_step_builds(save):
    made = Unbuilt()
    made.compile("sgd", "mse", run_eagerly=True)
    assert len(warnings_of(made, (2, 2), save, validate=False)) == 1


def test_what_is_exported_within_a_coarse_stage_is_warned_of():
    made = model(momentum=0.9)
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: warn_of_coarse(made))
    found = warnings_of(made, (2, 2), look, validate=False)
    assert all("refresh_statistics(model, dataset) before" in text for text in found)
    assert len(found) == 2  # on the coarse level, and after two steps on the fine one
    assert coarse_share(made) == 0.0  # `fit` has refreshed them
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_coarse(made)


def test_export_looks_at_them(tmp_path, monkeypatch):
    def enough(model):
        raise InterruptedError

    monkeypatch.setattr("keras_ms.inference.exporting.receptive_field", enough)
    made = model(momentum=0.9)
    warnings_of(made, (0, 2))
    with (
        pytest.warns(UserWarning, match=r"statistics of a coarser mesh.*0 steps of level 0"),
        pytest.raises(InterruptedError),
    ):
        keras_ms.inference.export(made, tmp_path / "exported")
