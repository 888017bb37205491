"""A `fit` whose loss couples the samples of a batch: what it says, refuses, and does at stages."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import GradientRecorder, relative_error
from keras import losses, ops

import keras_ms
from keras_ms.gradients.chunks import Chunks, chunks_for
from keras_ms.levels import Stage
from keras_ms.training.adaptive.gauge import LevelGauge

SIDE = 32


def pairs(count=28, seed=0):
    rng = np.random.default_rng(seed)
    empty = rng.random((count, 1, 1, 1)) < 0.6
    y = np.where(empty, 0.0, rng.random((count, SIDE, SIDE, 1)) < 0.3).astype("float32")
    x = rng.random((count, SIDE, SIDE, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, y))


def data(levels=(2, 4, 8), steps=1, **options):
    return keras_ms.MultiscaleDataset(pairs(), levels=levels, steps_per_epoch=steps, **options)


def compiled(loss=None, optimizer="sgd", cls=keras_ms.MultiscaleModel, **options):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    model = cls(inputs, outputs)
    model.compile(optimizer, loss or losses.Dice(), **options)
    return model


def plain_gradient(model, pair, chunk):
    loss, found = losses.Dice(), []
    for start in range(0, len(pair[0]), chunk):
        x, y = (tensor[start : start + chunk] for tensor in pair)
        with tf.GradientTape() as tape:
            value = loss(y, model(x))
        found.append(tape.gradient(value, [v.value for v in model.trainable_variables]))
    return [np.mean(gradients, axis=0) for gradients in zip(*found, strict=True)]


def test_what_is_done_is_said_once(capsys):
    model, dataset = compiled(), data()
    model.fit(dataset, epochs=2, verbose=2)
    said = capsys.readouterr().out
    line = "loss: dice couples the samples of a batch; taken in chunks of 2, the batch size of"
    assert said.count(line) == 1
    model.fit(dataset, verbose=0)
    model.compile("sgd", "mse")
    model.fit(dataset, verbose=2)
    assert "loss: " not in capsys.readouterr().out.replace("- loss: ", "")


REFUSED = [
    (losses.Dice(), (2, 4, 7), r"chunks of 2 .*batch_sizes=\(2, 4, 7\), and dice .*\(2, 4, 8\)"),
    (lambda y, p: ops.sum((y - p) ** 2), (2, 4, 8), "grows with the number of samples"),
    (losses.MeanSquaredError(reduction="none"), (2, 4, 8), "must be a number.*reduction='none'"),
]


@pytest.mark.parametrize(("loss", "levels", "message"), REFUSED)
def test_refused_before_the_first_step(loss, levels, message):
    model, dataset = compiled(loss), data(levels)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(dataset, verbose=0)
    with pytest.raises(ValueError, match=message):
        keras_ms.diagnose(model, dataset, samples=8)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_stream_of_batches_with_such_a_loss_is_refused():
    with pytest.raises(ValueError, match=r"dice couples .*Fit the MultiscaleDataset itself"):
        compiled().fit(data().stage(0), steps_per_epoch=1, verbose=0)
    compiled("mse").fit(data().stage(0), steps_per_epoch=1, verbose=0)


class Coarsest(keras.callbacks.Callback):
    """Keeps to the coarsest level."""

    def on_train_begin(self, logs=None):
        self.model.fit_run.follow(lambda epoch: self.model.fit_run.stage_from(2))


@pytest.mark.parametrize("telescoping", [True, False])
def test_a_plain_stage_has_the_objective_of_the_others_unless_all_are_plain(telescoping):
    model = compiled(optimizer=GradientRecorder(), run_eagerly=True)
    dataset = data(telescoping=telescoping)
    pair = next(iter(dataset.stage(2))).fine[2]
    wanted = plain_gradient(model, pair, 2 if telescoping else 8)
    model.fit(dataset, callbacks=[Coarsest()], verbose=0)
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5


@pytest.mark.parametrize("execution", [{"run_eagerly": True}, {"jit_compile": True}])
def test_all_ways_of_execution_train_alike(execution):
    schedule = {"iterations": (2, 2), "steps_per_epoch": 2, "verbose": False}
    found = []
    for options in ({}, execution):
        model = compiled(optimizer=keras.optimizers.SGD(0.5), **options)
        callback = keras_ms.FullMultiscaleSchedule(**schedule)
        model.fit(data((2, 4), 2), epochs=2, callbacks=[callback], verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def two_outputs(**options):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 1))
    made = keras.layers.Conv2D(2, 3, padding="same", activation="sigmoid")(inputs)
    model = keras_ms.MultiscaleModel(inputs, {"a": made[..., :1], "b": made[..., 1:]})
    model.compile("sgd", {"a": losses.Dice(), "b": "mse"}, metrics={"a": "mae"}, **options)
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_losses_of_single_outputs_are_reported_as_means_over_chunks(run_eagerly):
    model = two_outputs(run_eagerly=run_eagerly, loss_weights={"a": 0.5, "b": 2.0})
    both = pairs().map(lambda x, y: (x, {"a": y, "b": x}))
    dataset = keras_ms.MultiscaleDataset(both, levels=(2, 4, 8), steps_per_epoch=1)
    x, y = next(iter(dataset.stage(2))).fine[2]
    parts = [slice(k, k + 2) for k in range(0, 8, 2)]
    made = model(x)
    dice = np.mean([float(losses.Dice()(y["a"][p], made["a"][p])) for p in parts])
    mse = np.mean((y["b"] - made["b"]) ** 2)
    logs = model.fit(dataset, callbacks=[Coarsest()], verbose=0).history
    assert logs["a_loss"][0] == pytest.approx(dice, rel=1e-4)
    assert logs["b_loss"][0] == pytest.approx(mse, rel=1e-4)
    assert logs["loss"][0] == pytest.approx(0.5 * dice + 2.0 * mse, rel=1e-4)
    assert logs["a_mae"][0] == pytest.approx(np.mean(np.abs(y["a"] - made["a"])), rel=1e-4)


def test_measured_levels_have_sizes_that_chunks_divide():
    model = compiled()
    many = data("auto")
    sizes = []

    class Sizes(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            run = self.model.fit_run
            sizes.extend(n for stage in run.stages for n in stage.batch_sizes)
            assert run.chunks.size == 4

    model.fit(many, verbose=0, callbacks=[Sizes()])
    assert all(size % 4 == 0 for size in sizes)


@pytest.mark.parametrize(
    ("sizes", "chunk"), [(((8, 12), (20,)), 4), (((8, 16), (24,)), 8), (((4, 8), (8,)), 4)]
)
def test_measured_sizes_keep_to_the_chunks_they_are_multiples_of(sizes, chunk):
    stages = [Stage(level, of_stage) for level, of_stage in enumerate(sizes)]
    assert chunks_for(compiled(), data((4, 8)).replaced(stages=stages)).size == chunk


def test_what_an_adaptive_run_measures_and_decides_is_in_chunks():
    chunks = Chunks(3, "dice couples the samples of a batch")
    gauge = LevelGauge(compiled(), data((3, 6)), chunks=chunks)
    measured, _ = gauge.measure(1, 4, 1.0)
    assert measured["samples"] == 4 * 2 * 3  # two chunks in each group
    assert all(size % 3 == 0 for size in gauge.allocation(0).batch_sizes)


def test_an_adaptive_run_refuses_sizes_that_chunks_do_not_divide():
    stages = [Stage(0, (3,)), Stage(1, (6,))]
    schedule = keras_ms.AdaptiveSchedule(work_units=60.0)
    with pytest.raises(ValueError, match=r"chunks of 3 .*batch_sizes=\(2,\)"):
        compiled().fit(data((2, 4)).replaced(stages=stages), callbacks=[schedule], verbose=0)


def test_mixed_precision_scales_the_loss_of_chunks():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled(optimizer=keras.optimizers.SGD(0.1))
        logs = model.fit(data(steps=2), epochs=2, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.all(np.isfinite(logs["loss"]))
