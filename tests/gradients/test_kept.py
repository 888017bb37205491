"""Terms that are kept for several steps: the steps are those of a hand computation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, pair_dataset, small_images

import keras_ms
from keras_ms.gradients.kept import KeptTerms
from keras_ms.gradients.terms import Terms
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun

RATE, STEPS = 0.5, 4


def linear(seed=1, regularizer=None):
    """A 1x1 convolution without bias: three numbers in, three out."""
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(3, 1, use_bias=False, kernel_regularizer=regularizer)
    model = keras_ms.MultiscaleModel(inputs, layer(inputs))
    model.set_weights([np.random.default_rng(seed).normal(size=(1, 1, 3, 3))])
    return model


def fitted(data, model=None, epochs=1, optimizer=None, compiled=(), **options):
    model = model or linear()
    model.compile(optimizer or keras.optimizers.SGD(RATE), "mse", **dict(compiled))
    return model, model.fit(data, epochs=epochs, verbose=0, **options).history


def gradient(kernel, pair, decay=0.0):
    """Of the mean of (x K - y)^2 + decay |K|^2, by hand."""
    x, y = (np.asarray(part, np.float64).reshape(-1, 3) for part in pair[:2])
    return 2.0 * x.T @ (x @ kernel - y) / y.size + 2.0 * decay * kernel


def by_hand(data, kernel, refresh, weights=(1.0, 1.0, 1.0), steps=STEPS, decay=0.0):
    """Weights after each step: a term that is not renewed is what it last was."""
    last, kept, seen = len(refresh) - 1, {}, []
    batches = data.stage(refresh=()).take(steps)
    for step, batch in enumerate(batches):
        for level, every in enumerate(refresh):
            if step % every == 0:
                kept[level] = weights[level] * gradient(kernel, batch.fine[level], decay)
                if level < last:
                    coarse = gradient(kernel, batch.coarse[level], decay)
                    kept[level] = kept[level] - weights[level + 1] * coarse
        kernel = kernel - RATE * sum(kept.values())
        seen.append(kernel)
    return seen


class Kernels(keras.callbacks.Callback):
    """The kernel after every step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.get_weights()[0][0, 0])


def kernel_of(model):
    return np.float64(model.get_weights()[0][0, 0])


@pytest.mark.parametrize(
    ("refresh", "options"),
    [
        ((2, 1), {}),
        ((2, 1), {"run_eagerly": True}),
        ((2, 1), {"jit_compile": True}),
        ((4, 2, 1), {}),
    ],
)
def test_every_step_is_that_of_a_hand_computation(refresh, options):
    data = pair_dataset((1, 2, 3)[: len(refresh)], STEPS, refresh=refresh)
    start, kernels = kernel_of(linear()), Kernels()
    fitted(data, compiled=options, callbacks=[kernels])
    wanted = by_hand(data, start, refresh)
    np.testing.assert_allclose(kernels.seen, wanted, rtol=1e-5, atol=1e-6)
    always = by_hand(data, start, (1,) * len(refresh))
    assert np.abs(wanted[1] - always[1]).max() > 1e-4  # keeping makes a difference


@pytest.mark.parametrize("chunk", [None, 1])
def test_computed_terms_add_up_to_the_sum_and_stay_until_the_next_time(chunk):
    data = pair_dataset((1, 2, 3), STEPS, control_weights=(0.5, 0.8))
    first, second = data.stage().take(2)
    model = linear()
    model.compile("sgd", "mse", run_eagerly=True)
    terms = Terms(model, chunk)
    kept = KeptTerms(model, terms, [0])
    wanted, logs = terms.sum(first)
    got, kept_logs = kept.sum(first._replace(fresh=(tf.constant(True), (), ())))
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(kept_logs["loss"], logs["loss"], rtol=1e-6)
    later, later_logs = kept.sum(second._replace(fresh=(tf.constant(False), (), ())))
    kernel = kernel_of(model)
    change = 0.5 * (gradient(kernel, second.fine[1]) - gradient(kernel, first.fine[1]))
    change -= 0.4 * (gradient(kernel, second.coarse[1]) - gradient(kernel, first.coarse[1]))
    change += 0.4 * (gradient(kernel, second.fine[2]) - gradient(kernel, first.fine[2]))
    moved = np.float64(later[0] - got[0])[0, 0]
    np.testing.assert_allclose(moved, change, rtol=1e-4, atol=1e-6)
    assert later_logs["loss"] == kept_logs["loss"]


def test_control_weights_and_regularizers_count_as_in_the_sum():
    data = pair_dataset((1, 2, 3), STEPS, refresh=(2, 2, 1), control_weights=(0.5, 0.8))
    model = linear(regularizer=keras.regularizers.L2(0.1))
    start = kernel_of(model)
    fitted(data, model)
    wanted = by_hand(data, start, (2, 2, 1), (1.0, 0.5, 0.4), decay=0.1)
    np.testing.assert_allclose(kernel_of(model), wanted[-1], rtol=1e-5, atol=1e-6)


@pytest.mark.smoke
def test_several_steps_in_one_execution_keep_terms_alike(monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    data = pair_dataset((1, 2), STEPS, refresh=(2, 1))
    grouped, single = (
        fitted(data, epochs=3, group_steps=group)[0].get_weights() for group in (True, False)
    )
    np.testing.assert_array_equal(grouped, single)


@pytest.mark.smoke
def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    class KilledError(Exception):
        pass

    def kill(epoch, logs=None):
        if epoch == 1:
            raise KilledError

    data = pair_dataset((1, 2), STEPS, refresh=(4, 1))
    whole, _ = fitted(data, epochs=3, optimizer="adam")
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    end = keras.callbacks.LambdaCallback(on_epoch_begin=kill)
    with pytest.raises(KilledError):
        fitted(data, epochs=3, optimizer="adam", callbacks=[backup, end])
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    again, history = fitted(data, linear(9), epochs=3, optimizer="adam", callbacks=[backup])
    assert len(history["loss"]) == 2
    np.testing.assert_array_equal(again.get_weights(), whole.get_weights())


def test_work_units_are_those_of_terms_that_are_computed():
    data = pair_dataset((1, 2, 4), STEPS, refresh=(4, 2, 1))
    # 1 (1 + 1/4) once, 2 (1/4 + 1/16) twice, 4/16 four times
    assert data.work_units() * STEPS == 1.25 + 2 * 0.625 + 4 * 0.25
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["work_units"])
    )
    _, history = fitted(data, epochs=2, callbacks=[note])
    assert seen[:4] == [2.125, 2.375, 3.25, 3.5]
    assert history["work_units"] == [3.5, 7.0]


def test_stages_keep_the_terms_of_their_own_levels():
    data = pair_dataset((1, 2, 4), STEPS, refresh=(4, 2, 1))
    assert data.stages[1] == Stage(1, (2, 4), (), (2, 1))
    assert data.stages[2] == Stage(2, (4,))
    schedule = keras_ms.FullMultiscaleSchedule((STEPS, STEPS, STEPS), STEPS)
    model, history = fitted(data, epochs=3, callbacks=[schedule])
    assert history["work_units"] == [1.0, 1.0 + 2 * 0.625 + 1.0, 3.25 + 3.5]
    assert np.isfinite(model.get_weights()[0]).all()


@pytest.mark.parametrize("task", [None, Blur()])
def test_batches_of_terms_that_are_kept_are_not_made(task):
    options = {"levels": (1, 2), "steps_per_epoch": STEPS}
    if task is None:
        data = pair_dataset((1, 2), STEPS, refresh=(2, 1))
    else:
        data = keras_ms.MultiscaleDataset(
            small_images(), task, image_size=16, refresh=(2, 1), **options
        )
    batches = list(zip(data.stage().take(3), data.stage(refresh=()).take(3), strict=True))
    for step, (batch, whole) in enumerate(batches):
        assert whole.fresh == ()
        assert (bool(batch.fresh[0]), batch.fresh[1]) == (step != 1, ())
        got, wanted = ([b.fine[0], b.coarse[0], b.fine[1]] for b in (batch, whole))
        if step == 1:
            wanted[:2] = keras.tree.map_structure(np.zeros_like, wanted[:2])
        for mine, theirs in zip(keras.tree.flatten(got), keras.tree.flatten(wanted), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"refresh": (2,)}, r"refresh=\(2,\) for 2 levels"),
        ({"refresh": (2, 2)}, "of which the last is 1"),
        ({"refresh": (0, 1)}, "positive integers"),
        ({"refresh": (3, 1)}, r"refresh=\(3, 1\), steps_per_epoch=4"),
        ({"refresh": (2, 1), "telescoping": False}, "telescoping=False"),
    ],
)
def test_what_cannot_be_kept_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        pair_dataset((1, 2), STEPS, **options)


def test_models_that_cannot_keep_terms_are_refused():
    data = pair_dataset((1, 2), STEPS, refresh=(2, 1))
    with pytest.raises(ValueError, match="steps_per_epoch=3"):
        data.replaced(3)
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.BatchNormalization(name="norm")(inputs)
    normal = keras_ms.MultiscaleModel(inputs, outputs)
    normal.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"apart, by norm. Received: refresh=\(2, 1\)"):
        FitRun(normal, data)
    model = linear()
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "mse")
    with pytest.raises(ValueError, match="mixed_bfloat16"):
        FitRun(model, data)
    with pytest.raises(ValueError, match="within `fit`"):
        model.train_step(next(iter(data.stage())))
