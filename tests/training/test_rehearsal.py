"""The finest stage is tried before the first coarse step, and leaves nothing behind."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images, small_net

import keras_ms

layers = keras.layers


@keras.saving.register_keras_serializable(package="tests")
class Counting(layers.Layer):
    """Holds a variable of TensorFlow's own, and counts its calls in it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = tf.Variable(0.0, trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x


def net():
    inputs = keras.Input((None, None, 3))
    hidden = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    hidden = Counting()(layers.Dropout(0.3, seed=1)(hidden))
    return inputs, layers.Conv2D(3, 3, padding="same")(hidden)


class Traced(keras_ms.MultiscaleModel):
    """Notes the finest level of every trace, or of every step if it runs eagerly."""

    levels = ()

    def train_step(self, data):
        self.levels = (*self.levels, data.finest)
        return super().train_step(data)


def progressive():
    return pair_dataset((2, 4), telescoping=False)


def two_stages():
    return keras_ms.FullMultiscaleSchedule((2, 2))


def trained(rehearse, data=None, schedule=None, epochs=None, **options):
    keras.utils.set_random_seed(3)
    callbacks = options.pop("callbacks", [])
    verbose = options.pop("verbose", 0)
    model = Traced(*options.pop("net", net)())
    model.compile(options.pop("optimizer", "adam"), "mse", metrics=["mae"], **options)
    schedule = schedule or two_stages()
    history = model.fit(
        data or progressive(),
        epochs=epochs or schedule.epochs,
        callbacks=[schedule, *callbacks],
        verbose=verbose,
        rehearse=rehearse,
    ).history
    return model, history


def state(model):
    values = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return [*values, model.layers[4].calls.numpy()]


def assert_same(one, two):
    for mine, theirs in zip(state(one[0]), state(two[0]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert one[1] == two[1]


@pytest.mark.smoke
@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}, {"steps_per_execution": 2}])
def test_the_run_is_the_same_with_and_without(options):
    one, two = (trained(rehearse, **options) for rehearse in (True, False))
    assert_same(one, two)
    if "run_eagerly" in options:
        assert one[0].levels == (0, *two[0].levels) == (0, 1, 1, 0, 0)
    else:
        assert sorted(one[0].levels) == sorted(two[0].levels) == [0, 1]  # no trace more
        assert one[0].levels[0] == 0


def test_telescoping_steps_and_an_adaptive_schedule():
    for data, schedule in (
        (pair_dataset((2, 4)), two_stages),
        (progressive(), lambda: keras_ms.AdaptiveSchedule(work_units=10.0)),
    ):
        one, two = (
            trained(r, data, schedule(), run_eagerly=True, optimizer="sgd") for r in (True, False)
        )
        assert_same(one, two)
        # Without a rehearsal, a step of one's own is tried on the symbols of a sum instead.
        rehearsed = () if data.telescoping else (0,)
        assert one[0].levels == (*rehearsed, *two[0].levels)


def test_the_traces_of_shared_steps_are_reused():
    calls, step = [], keras_ms.MultiscaleModel.train_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            keras_ms.MultiscaleModel,
            "train_step",
            lambda self, data: (calls.append(1), step(self, data))[1],
        )
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile("sgd", "mse")
        model.fit(progressive(), epochs=2, callbacks=[two_stages()], verbose=0)
    assert len(calls) == 1


def test_a_line_says_what_it_took_unless_silent(capsys):
    trained(True, run_eagerly=True, verbose=2)
    out = capsys.readouterr().out
    assert "Rehearsal of stage 2 of 2 (level 0, 32x32 px, batches of 2): peak memory" in out
    assert "GiB of the process (resident set)" in out or "GiB of the GPU" in out
    trained(True, run_eagerly=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("schedule", "epochs"),
    [
        (keras_ms.FullMultiscaleSchedule((2, 0)), 1),  # starts at the finest
        (keras_ms.FullMultiscaleSchedule((0, 2)), 1),  # stays on the coarse level
    ],
)
def test_there_is_nothing_to_do_where_no_finer_stage_is_ahead(schedule, epochs):
    model, _ = trained(True, schedule=schedule, epochs=epochs, run_eagerly=True)
    assert len(model.levels) == 2


@pytest.mark.filterwarnings("ignore:.fit. stops before the schedule ends")
def test_only_epochs_that_the_run_has_count():
    model, _ = trained(True, epochs=1, run_eagerly=True)
    assert model.levels == (1, 1)


class OnTheWay(keras.callbacks.Callback):
    """A schedule that does not know what comes."""

    def on_train_begin(self, logs=None):
        run, self.known = self.model.fit_run, []
        run.follow(lambda epoch: run.stage_from(self.known[epoch]))

    def on_epoch_begin(self, epoch, logs=None):
        self.known.append(1 - epoch)


def test_a_schedule_that_decides_on_the_way_is_not_rehearsed():
    model = Traced(*small_net())
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(progressive(), epochs=2, callbacks=[OnTheWay()], verbose=0)
    assert model.levels == (1, 1, 0, 0)


def test_it_reads_no_examples():
    images, read = small_images(16), []

    def examples():
        for index in range(16):
            read.append(index)
            yield images[index], images[index]

    spec = tf.TensorSpec((32, 32, 3))
    pairs = tf.data.Dataset.from_generator(examples, output_signature=(spec, spec))
    counts = []
    for rehearse in (True, False):
        data = keras_ms.MultiscaleDataset(
            pairs, levels=(2, 4), steps_per_epoch=2, telescoping=False, prefetch=0
        )
        read.clear()
        model = Traced(*small_net())
        model.compile("sgd", "mse", run_eagerly=True)
        model.fit(data, epochs=2, callbacks=[two_stages()], verbose=0, rehearse=rehearse)
        counts.append(len(read))
    assert counts[0] <= counts[1] + 1  # how far a stream has read ahead is not exact


class NotOnFineMeshes(layers.Layer):
    def call(self, x):
        tf.debugging.assert_less(tf.shape(x)[1], 32, message="too fine for me")
        return x


def refusing():
    inputs = keras.Input((None, None, 3))
    made = NotOnFineMeshes()(layers.Conv2D(3, 3, padding="same")(inputs))
    model = Traced(inputs, made)
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def test_what_its_layers_refuse_on_the_finest_mesh_shows_at_once():
    model = refusing()
    before = model.get_weights()
    with pytest.raises(tf.errors.InvalidArgumentError, match="too fine for me"):
        model.fit(progressive(), epochs=2, callbacks=[two_stages()], verbose=0)
    assert model.levels == (0,)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert model.fit_run is None


class NanOnNoise(layers.Layer):
    """Bad numbers for the rehearsal's made-up batch alone, which is the first that it sees."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = 0

    def call(self, x, training=None):
        self.seen += bool(training)
        return x * (np.nan if self.seen == 1 else 1.0)


def test_bad_numbers_of_the_rehearsal_do_not_leak():
    inputs = keras.Input((None, None, 3))
    hidden = layers.BatchNormalization()(NanOnNoise()(inputs))
    model = Traced(inputs, layers.Conv2D(3, 3, padding="same")(hidden))
    model.compile("adam", "mse", run_eagerly=True)
    model.layers[1].seen = 0
    history = model.fit(
        progressive(),
        epochs=2,
        callbacks=[two_stages(), keras.callbacks.TerminateOnNaN()],
        verbose=0,
    ).history
    assert model.levels == (0, 1, 1, 0, 0)
    assert np.all(np.isfinite(history["loss"]))
    assert all(np.all(np.isfinite(weight)) for weight in model.get_weights())


class Killed(Exception):  # noqa: N818
    pass


class KillIn(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise Killed


def test_a_resumed_run_is_rehearsed_again_and_ends_alike(tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    def schedule():
        return keras_ms.FullMultiscaleSchedule((2, 4), steps_per_epoch=2)

    # Without dropout, whose seeds Keras does not back up.
    options = {"run_eagerly": True, "optimizer": "sgd", "net": small_net}
    with pytest.raises(Killed):
        trained(True, schedule=schedule(), callbacks=[backup(), KillIn()], **options)
    resumed = trained(True, schedule=schedule(), callbacks=[backup()], **options)
    assert resumed[0].levels == (0, 1, 1, 0, 0)
    whole = trained(False, schedule=schedule(), **options)
    for mine, theirs in zip(resumed[0].get_weights(), whole[0].get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
