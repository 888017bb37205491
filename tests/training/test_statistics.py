"""Statistics of BatchNormalization are those of the finest mesh, if asked for or needed."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset

import keras_ms

layers = keras.layers


def model(make=None, **options):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 3))
    hidden = make(inputs) if make else layers.BatchNormalization(**options)(inputs)
    made = keras_ms.MultiscaleModel(inputs, layers.Conv2D(3, 3, padding="same")(hidden))
    made.compile("sgd", "mse", run_eagerly=True)
    return made


def statistics(made):
    return [v.numpy() for v in made.non_trainable_variables if "moving" in v.name]


def fine_inputs(data, steps):
    return [batch.fine[0][0].numpy() for batch in data.stage(0, 0, (2,)).take(steps)]


def wanted(batches):
    """The mean over batches of their means and variances."""
    axes = (0, 1, 2)
    return [np.mean([f(x, axis=axes) for x in batches], axis=0) for f in (np.mean, np.var)]


@pytest.mark.smoke
@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999])
def test_they_are_the_mean_over_fine_batches_whatever_came_before(momentum):
    data, made = pair_dataset((2, 4)), model(momentum=momentum)
    made.layers[1].moving_variance.assign([50.0, 50.0, 50.0])
    before = made.get_weights()[:2]
    assert keras_ms.refresh_statistics(made, data, steps=3) == 1
    for mine, theirs in zip(statistics(made), wanted(fine_inputs(data, 3)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4)
    for mine, theirs in zip(made.get_weights()[:2], before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_layer_that_is_called_twice_has_the_mean_of_both_calls():
    def twice(x):
        normal = layers.BatchNormalization(momentum=0.5, center=False, scale=False)
        return layers.Add()([normal(x), normal(layers.Rescaling(3.0)(x))])

    data, made = pair_dataset((2, 4)), model(twice)
    keras_ms.refresh_statistics(made, data, steps=1)
    (x,) = fine_inputs(data, 1)
    first, second = wanted([x])[0], wanted([3.0 * x])[0]
    # A moving mean of momentum 0.5 that goes on so holds a third of the first call.
    np.testing.assert_allclose(statistics(made)[0], (first + 2.0 * second) / 3.0, rtol=1e-4)


class Inference(layers.Layer):
    """Calls its normalization as in inference, also in training."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normal = layers.BatchNormalization()

    def call(self, x):
        return self.normal(x, training=False)


def frozen(x):
    normal = layers.BatchNormalization()
    normal.trainable = False
    return normal(x)


def in_a_frozen_model(x):
    part = keras.Input((None, None, 3))
    nested = keras.Model(part, layers.BatchNormalization()(part))
    nested.trainable = False
    return nested(x)


@pytest.mark.parametrize(
    "make", [frozen, in_a_frozen_model, Inference(), layers.GroupNormalization(1), layers.ReLU()]
)
def test_what_training_does_not_move_stays(make):
    made = model(make)
    before = [v.numpy() for v in made.variables]
    assert keras_ms.refresh_statistics(made, pair_dataset((2, 4)), steps=1) == 0
    for mine, theirs in zip(made.variables, before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_nested_models_dropout_and_synchronized_statistics():
    def nested(x):
        part = keras.Input((None, None, 3))
        inside = layers.BatchNormalization(synchronized=True)(layers.Dropout(0.5, seed=1)(part))
        return keras.Model(part, inside)(x)

    made = model(nested)
    seeds = [v.numpy() for v in made.variables if "seed" in v.name]
    assert keras_ms.refresh_statistics(made, pair_dataset((2, 4)), steps=2) == 1
    assert not np.any(statistics(made)[1] == 1.0)
    for mine, theirs in zip([v for v in made.variables if "seed" in v.name], seeds, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_senseless_steps(steps):
    with pytest.raises(ValueError, match="Received: steps="):
        keras_ms.RefreshStatistics(steps)
    with pytest.raises(ValueError, match="Received: every_epoch="):
        keras_ms.RefreshStatistics(every_epoch=steps)


def test_other_data_is_refused():
    with pytest.raises(ValueError, match="A MultiscaleDataset is needed"):
        keras_ms.refresh_statistics(model(), np.zeros(3))
    made, x = model(), np.zeros((2, 8, 8, 3))
    with pytest.raises(ValueError, match="fitted on other data"):
        made.fit(x, x, callbacks=[keras_ms.RefreshStatistics()], verbose=0)


class Watch(keras.callbacks.Callback):
    """Notes the statistics that validation and epoch ends see."""

    def __init__(self):
        super().__init__()
        self.validated, self.ended = [], []

    def on_test_end(self, logs=None):
        self.validated.append(statistics(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(statistics(self.model))


def fitted(callbacks=(), stages=(2, 2), validate=False, **options):
    data, made = pair_dataset((2, 4), telescoping=False), model(momentum=0.9)
    schedule = keras_ms.FullMultiscaleSchedule(stages, steps_per_epoch=2)
    x = np.zeros((1, 32, 32, 3))
    options = {"validation_data": (x, x) if validate else None, "verbose": 0, **options}
    made.fit(data, epochs=schedule.epochs, callbacks=[schedule, *callbacks], **options)
    return made, data


def test_the_callback_refreshes_before_validation_and_where_a_stage_ends():
    for validate in (True, False):
        watch = Watch()
        made, data = fitted([keras_ms.RefreshStatistics(2), watch], (2, 4), validate)
        fine = wanted(fine_inputs(data, 2))
        seen = watch.validated if validate else [watch.ended[1], statistics(made)]
        assert len(seen) == (3 if validate else 2)
        for mine in seen:
            np.testing.assert_allclose(mine, fine, rtol=1e-4)


def test_weights_are_the_same_with_and_without():
    with_it, without = (fitted(callbacks)[0] for callbacks in ([keras_ms.RefreshStatistics()], []))
    for mine, theirs in zip(with_it.trainable_variables, without.trainable_variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_callback_takes_the_end_over():
    made, data = fitted([keras_ms.RefreshStatistics(1)])
    np.testing.assert_allclose(statistics(made), wanted(fine_inputs(data, 1)), rtol=1e-4)


def test_every_epoch_if_asked_for_so_that_what_is_saved_is_right(tmp_path):
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss")
    refresh = keras_ms.RefreshStatistics(2, every_epoch=True)
    _, data = fitted([refresh, save], (2, 4))
    fine = wanted(fine_inputs(data, 2))
    for epoch in (1, 2, 3):
        saved = keras.saving.load_model(tmp_path / f"{epoch}.keras")
        np.testing.assert_allclose(statistics(saved)[0], fine[0], rtol=1e-4)
