"""Callbacks that start anew with every stage, each of Keras's, in runs of one traced model."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.callbacks import PerStage

RATE = 0.01
COARSE, FINE = 4, 4
"""Epochs that the two stages are planned to have, of a step each."""


@pytest.fixture(scope="module")
def traced():
    """A model, its data and its first weights: what is traced in one fit serves all."""
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(RATE), "mse")
    return model, pair_dataset((2, 4), 1, telescoping=False), model.get_weights()


class Script(keras.callbacks.Callback):
    """Says what the losses of the epochs are, and notes rates and weights."""

    def __init__(self, *losses):
        super().__init__()
        self.losses = losses

    def on_train_begin(self, logs=None):
        self.rates, self.begins, self.ends = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.begins.append(self.model.get_weights()[0])

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(self.model.get_weights()[0])
        if self.losses:
            logs["loss"] = float(self.losses[epoch])


@pytest.fixture
def fit(traced):
    model, data, weights = traced

    def fitted(*callbacks, losses=(), epochs=COARSE + FINE, before=(), schedule=None):
        model.set_weights(weights)
        model.optimizer.learning_rate = RATE
        script = Script(*losses)
        schedule = schedule or keras_ms.FullMultiscaleSchedule((FINE, COARSE), 1)
        listed = [*before, schedule, script, *callbacks]
        history = model.fit(
            data, epochs=epochs, callbacks=listed, verbose=0, rehearse=False
        ).history
        return history, script

    return fitted


@pytest.mark.smoke
def test_early_stopping_ends_the_stage_and_on_the_last_one_the_run(fit):
    stop = PerStage(keras.callbacks.EarlyStopping("loss", patience=1))
    history, _ = fit(stop, losses=(5, 4, 4, 9, 8, 8, 7, 7))
    assert history["stage"] == [1, 1, 1, 2, 2, 2]
    assert history["work_units"] == [1.0, 2.0, 3.0, 5.0, 7.0, 9.0]


def test_a_run_whose_stage_ended_early_has_no_more_fine_epochs_than_planned(fit):
    stop = PerStage(keras.callbacks.EarlyStopping("loss", patience=1))
    history, _ = fit(stop, losses=(4, 4, 9, 8, 7, 6, 5, 4))
    assert history["stage"] == [1, 1, 2, 2, 2, 2]


def test_the_order_of_callbacks_makes_no_difference(fit):
    stop = PerStage(keras.callbacks.EarlyStopping("loss", patience=2))
    first = PerStage(keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 + epoch))
    history, script = fit(stop, losses=(1, 2, 3, 9, 8, 7, 6, 5), before=[first])
    assert history["stage"] == [1, 1, 1, 2, 2, 2, 2]
    np.testing.assert_allclose(script.rates, [0.1, 1.1, 2.1, 0.1, 1.1, 2.1, 3.1], rtol=1e-5)


def test_best_weights_of_a_stage_are_what_the_next_one_starts_from(fit):
    keep = keras.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    _, script = fit(PerStage(keep), losses=(2, 1, 5, 5, 9, 9, 9, 3))
    np.testing.assert_array_equal(script.begins[COARSE], script.ends[1])
    assert not np.array_equal(script.ends[1], script.ends[3])
    assert keep.best == 3.0


def test_the_first_epochs_of_every_stage_may_be_left_out(fit):
    stop = keras.callbacks.EarlyStopping("loss", patience=1, start_from_epoch=2)
    history, _ = fit(PerStage(stop), losses=(1, 2, 3, 4, 1, 2, 3, 4))
    assert history["stage"] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert stop.start_from_epoch == 2


@pytest.mark.smoke
def test_a_checkpoint_keeps_the_best_of_the_last_stage(fit, traced, tmp_path):
    path = tmp_path / "best.weights.h5"
    save = keras.callbacks.ModelCheckpoint(
        path, monitor="loss", save_best_only=True, save_weights_only=True
    )
    _, script = fit(PerStage(save), losses=(0.1, 0.2, 0.3, 0.4, 0.9, 0.5, 0.6, 0.7))
    model = traced[0]
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], script.ends[5])
    assert save.best == 0.5


def test_a_threshold_holds_in_every_stage(fit, tmp_path):
    save = keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.weights.h5",
        monitor="loss",
        save_best_only=True,
        save_weights_only=True,
        initial_value_threshold=0.5,
    )
    fit(PerStage(save), losses=(0.6, 0.4, 0.3, 0.6, 0.6, 0.6, 0.45, 0.6))
    assert sorted(p.name.partition(".")[0] for p in tmp_path.iterdir()) == ["2", "3", "7"]


@pytest.mark.smoke
def test_a_lowered_rate_is_put_back_when_a_stage_begins(fit):
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.0)
    _, script = fit(PerStage(reduce), losses=(1, 1, 1, 1, 9, 8, 8, 7))
    wanted = [RATE, RATE, RATE / 2, RATE / 4, RATE, RATE, RATE, RATE / 2]
    np.testing.assert_allclose(script.rates, wanted, rtol=1e-5)


def test_a_rate_that_somebody_else_has_set_stays(fit):
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.0)

    def set_rate(epoch, logs):
        if epoch == COARSE - 1:
            script.model.optimizer.learning_rate = 0.5

    script = keras.callbacks.LambdaCallback(on_epoch_end=set_rate)
    _, noted = fit(PerStage(reduce), script, losses=(1, 1, 1, 1, 4, 3, 2, 1))
    np.testing.assert_allclose(noted.rates[COARSE:], 0.5)


def test_a_callback_of_ones_own_is_what_it_was_when_training_began(fit):
    class Own(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.monitor, self.wait, self.seen = "loss", 0, []

        def on_epoch_end(self, epoch, logs=None):
            self.last = logs["loss"]
            self.seen.append(epoch)
            self.wait += 1

        def on_train_end(self, logs=None):
            ends.append((self.wait, tuple(self.seen)))

    ends = []
    fit(PerStage(Own()), losses=range(8))
    assert ends == [(4, (0, 1, 2, 3)), (4, (4, 5, 6, 7))]


def test_what_stops_within_an_epoch_ends_the_stage_with_it(fit):
    class Within(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = self.model.fit_run.stage(self.epoch).finest == 1

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    history, _ = fit(PerStage(Within()))
    assert history["stage"] == [1, 2, 2, 2, 2]


def test_an_adaptive_schedule_goes_on_to_the_next_level(fit):
    stop = PerStage(keras.callbacks.EarlyStopping("loss", patience=1))
    schedule = keras_ms.AdaptiveSchedule(work_units=100.0)
    history, _ = fit(stop, losses=(1, 1, 3, 2, 2), epochs=schedule.epochs, schedule=schedule)
    assert [decision.reason for decision in schedule.decisions] == [
        "start on the coarsest level",
        "a callback ended the stage",
    ]
    assert history["stage"] == [1, 1, 2, 2, 2]


def test_on_other_data_it_is_the_callback_itself():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.zeros((2, 8, 8, 3), np.float32)
    stop = keras.callbacks.EarlyStopping("loss", patience=1)
    script = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: logs.update(loss=1.0))
    history = model.fit(x, x, epochs=5, callbacks=[script, PerStage(stop)], verbose=0).history
    assert len(history["loss"]) == 2


REFUSED = {
    "BackupAndRestore": ("folder",),
    "CSVLogger": ("log.csv",),
    "History": (),
    "ProgbarLogger": (),
    "RemoteMonitor": (),
    "SwapEMAWeights": (),
    "TensorBoard": ("logs",),
    "TerminateOnNaN": (),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_belongs_to_the_whole_run_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} belongs to the whole run.*without PerStage"):
        PerStage(getattr(keras.callbacks, name)(*REFUSED[name]))


@pytest.mark.parametrize(
    "callback", [keras_ms.FullMultiscaleSchedule(), PerStage(keras.callbacks.EarlyStopping())]
)
def test_so_is_what_knows_of_stages(callback):
    with pytest.raises(ValueError, match="belongs to the whole run"):
        PerStage(callback)


def test_something_else_is_refused():
    with pytest.raises(ValueError, match="callback='loss'"):
        PerStage("loss")


def test_steps_go_together_unless_the_callback_looks_at_each():
    assert PerStage(keras.callbacks.EarlyStopping()).several_steps_safe
    assert PerStage(keras.callbacks.ModelCheckpoint("a.keras")).several_steps_safe
    assert not PerStage(keras.callbacks.ModelCheckpoint("a.keras", save_freq=3)).several_steps_safe
