"""The loss of every active level in the logs, against hand computations."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import multiscale_batch, pair_dataset, relative_error, small_net

import keras_ms
from keras_ms.gradients import terms
from keras_ms.gradients.level_losses import LevelLosses, note, noting

STEPS = 2


def fitted(data, epochs=1, schedule=None, **options):
    """A fit whose weights stay where they are, so that every step can be repeated by hand."""
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(0.0), "mse", **options)
    callbacks = [schedule] if schedule else []
    history = model.fit(data, epochs=epochs, callbacks=callbacks, verbose=0, rehearse=False)
    return model, history.history


def by_hand(model, data, level, finest=0, start=0, every=1):
    """The mean over an epoch's steps of the loss on the fine side of a level's term."""
    batches = list(data.stage(finest, start).take(STEPS))[::every]
    losses = []
    for batch in batches:
        x, y = batch.fine[level]
        losses.append(np.mean((model(x).numpy() - y.numpy()) ** 2))
    return np.mean(losses)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "options", [{}, {"run_eagerly": True}, {"jit_compile": True, "steps_per_execution": 2}]
)
def test_every_active_level_has_the_mean_loss_of_its_batches(options):
    data = pair_dataset((1, 2), STEPS)
    model, history = fitted(data, epochs=2, **options)
    for level in (0, 1):
        wanted = [by_hand(model, data, level, start=start) for start in (0, STEPS)]
        np.testing.assert_allclose(history[f"loss_level_{level}"], wanted, rtol=1e-4)
    assert history["loss_level_0"] == history["loss"]


@pytest.mark.smoke
def test_only_active_levels_are_logged_and_a_trace_serves_the_next_fit():
    data = pair_dataset((1, 2, 3), STEPS)
    schedule = keras_ms.FullMultiscaleSchedule((STEPS,) * 3, STEPS)
    model, history = fitted(data, epochs=3, schedule=schedule)
    lengths = {name: len(history[name]) for name in history if name.startswith("loss_level")}
    assert lengths == {"loss_level_0": 1, "loss_level_1": 2, "loss_level_2": 3}
    wanted = by_hand(model, data, 2, finest=1, start=STEPS)
    np.testing.assert_allclose(history["loss_level_2"][1], wanted, rtol=1e-4)
    again = model.fit(data, epochs=3, callbacks=[schedule], verbose=0, rehearse=False).history
    for name in lengths:
        np.testing.assert_allclose(again[name], history[name], rtol=1e-6)


def test_steps_that_keep_a_term_do_not_count_its_loss():
    data = pair_dataset((1, 2, 3), STEPS, refresh=(2, 2, 1))
    model, history = fitted(data, run_eagerly=True)
    whole = pair_dataset((1, 2, 3), STEPS)
    for level, every in enumerate((2, 2, 1)):
        wanted = by_hand(model, whole, level, every=every)
        np.testing.assert_allclose(history[f"loss_level_{level}"], [wanted], rtol=1e-4)


def test_plain_batches_have_the_loss_of_their_level():
    data = pair_dataset((1, 2), STEPS, telescoping=False)
    schedule = keras_ms.FullMultiscaleSchedule((STEPS, STEPS), STEPS)
    _, history = fitted(data, epochs=2, schedule=schedule, run_eagerly=True)
    assert history["loss_level_1"] + history["loss_level_0"] == history["loss"]


def test_a_loss_is_that_of_the_fine_side_whatever_the_scale():
    model = keras_ms.MultiscaleModel(*small_net())
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), 8.0)
    model.compile(optimizer, "mse", run_eagerly=True)
    batch = multiscale_batch((2, 3))
    x, y = batch.fine[1]
    model.optimizer.build(model.trainable_variables)
    made = terms.Terms(model)
    gradients, loss = made.side_and_loss(batch.fine[1], batch.coarse[0])
    np.testing.assert_allclose(loss, np.mean((model(x).numpy() - y.numpy()) ** 2), rtol=1e-5)
    assert relative_error(gradients, made.side(batch.fine[1], batch.coarse[0])) == 0.0
    _, alone = made.lone_and_loss(batch.fine[1])
    np.testing.assert_allclose(alone, loss, rtol=1e-6)


def test_replicas_add_up_their_shares():
    strategy = tf.distribute.MirroredStrategy(["cpu:0"])
    losses = LevelLosses(strategy)
    losses.prepare(3)
    for value in (1.0, 4.0):
        strategy.run(lambda loss: losses.add(1, loss), args=(tf.constant(value),))
    assert losses.results((0, 1, 2)) == {"loss_level_1": 2.5}
    losses.reset()
    assert losses.results((0, 1, 2)) == {}


def test_notes_go_to_the_innermost_listener_and_elsewhere_to_nobody():
    note(1.0)
    with noting() as outer:
        with noting() as inner:
            note(2.0)
        note(3.0)
    assert (outer, inner) == ([3.0], [2.0])


def test_a_model_of_ones_own_step_has_those_that_it_computes():
    class Own(keras_ms.MultiscaleModel):
        def train_step(self, data):
            x, y = data.fine[data.finest]
            loss = self.compute_loss(x=x, y=y, y_pred=self(x))
            self.optimizer.iterations.assign_add(1)
            return {"loss": loss}

    model = Own(*small_net())
    model.compile("sgd", "mse", run_eagerly=True)
    history = model.fit(pair_dataset((1, 2), STEPS), verbose=0).history
    assert "loss_level_0" in history
    assert "loss_level_1" not in history
