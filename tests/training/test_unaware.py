"""Which callbacks `fit` warns of where stages change: every one of Keras's, and of one's own."""

import inspect
import types
import warnings

import keras
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.training.unaware import complaint

callbacks = keras.callbacks
PATH = "best.keras"

RIGHT = {
    "BackupAndRestore": lambda: callbacks.BackupAndRestore("folder"),
    "CSVLogger": lambda: callbacks.CSVLogger("log.csv"),
    "Callback": callbacks.Callback,
    "CallbackList": callbacks.CallbackList,
    "History": callbacks.History,
    "LambdaCallback": lambda: callbacks.LambdaCallback(on_epoch_end=print),
    "ProgbarLogger": callbacks.ProgbarLogger,
    "RemoteMonitor": callbacks.RemoteMonitor,
    "SwapEMAWeights": callbacks.SwapEMAWeights,
    "TensorBoard": lambda: callbacks.TensorBoard("logs"),
    "TerminateOnNaN": callbacks.TerminateOnNaN,
}
WRONG = {
    "EarlyStopping": lambda: callbacks.EarlyStopping("loss"),
    "LearningRateScheduler": lambda: callbacks.LearningRateScheduler(lambda epoch: 0.1),
    "ModelCheckpoint": lambda: callbacks.ModelCheckpoint(PATH, monitor="loss", save_best_only=True),
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau("loss"),
}
ELSEWHERE = {"OrbaxCheckpoint"}  # needs another package; it is like ModelCheckpoint


def always(first):
    return True


def test_every_callback_of_keras_is_judged():
    found = {
        name
        for name, value in vars(callbacks).items()
        if inspect.isclass(value) and issubclass(value, callbacks.Callback)
    }
    assert found - ELSEWHERE == {*RIGHT, *WRONG}


@pytest.mark.parametrize("name", RIGHT)
def test_what_monitors_nothing_is_right(name):
    assert complaint(RIGHT[name](), always) == ""


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_know_of_stages_is_named_with_its_mend(name):
    text = complaint(WRONG[name](), always)
    assert text.startswith(name)
    assert f"keras_ms.callbacks.PerStage({name}(...))" in text
    assert complaint(keras_ms.callbacks.PerStage(WRONG[name]()), always) == ""
    assert complaint(WRONG[name](), lambda first: False) == ""


class OwnBest(callbacks.Callback):
    def __init__(self, monitor):
        super().__init__()
        self.monitor = monitor


class OwnPatience(OwnBest):
    patience = 3


@pytest.mark.parametrize(
    ("callback", "right"),
    [
        # One mesh throughout: what is best is best.
        (callbacks.ModelCheckpoint(PATH, monitor="val_loss", save_best_only=True), True),
        (callbacks.ModelCheckpoint(PATH, monitor="mae", save_best_only=True), False),
        (callbacks.ModelCheckpoint(PATH, monitor="loss"), True),
        # A plateau of a coarse stage is none of the run, on whatever mesh it is seen.
        (callbacks.EarlyStopping("val_loss"), False),
        (callbacks.ReduceLROnPlateau("val_loss"), False),
        (callbacks.EarlyStopping("loss_level_0"), True),
        (callbacks.EarlyStopping("loss_level_1"), False),
        (OwnBest("loss"), False),
        (OwnBest("val_psnr"), True),
        (OwnBest("loss_level_2"), True),
        (OwnBest("work_units"), True),
        (OwnBest(None), True),
        (OwnPatience("val_psnr"), False),
    ],
)
def test_validation_and_training_are_told_apart(callback, right):
    assert (complaint(callback, always) == "") == right


def test_what_waits_for_the_finest_stage_is_right():
    from_the_fifth = callbacks.EarlyStopping("val_loss", start_from_epoch=4)
    assert complaint(from_the_fifth, lambda first: first < 4) == ""
    assert complaint(from_the_fifth, lambda first: first < 5) != ""


def test_who_says_that_it_knows_is_believed():
    scheduler = WRONG["LearningRateScheduler"]()
    scheduler.knows_stages = True
    assert complaint(scheduler, always) == ""
    assert complaint(types.SimpleNamespace(monitor="loss", knows_stages=True), always) == ""


@pytest.fixture(scope="module")
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    return made


def warnings_of(model, *given, iterations=(1, 2)):
    data = pair_dataset((2, 4), 1, telescoping=False)
    schedule = [keras_ms.FullMultiscaleSchedule(iterations, 1)] if iterations else []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        listed = [*given, *schedule]
        model.fit(data, epochs=3, callbacks=listed, verbose=0, rehearse=False)
    return [str(w.message) for w in caught if "does not know of stages" in str(w.message)]


@pytest.mark.smoke
def test_fit_warns_once_where_stages_change_and_not_elsewhere(model):
    stop = callbacks.EarlyStopping("loss", patience=9)
    (found,) = warnings_of(model, stop)
    assert "EarlyStopping(monitor='loss')" in found
    assert warnings_of(model, keras_ms.callbacks.PerStage(stop)) == []
    assert warnings_of(model, stop, iterations=()) == []
