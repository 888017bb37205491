"""Losses that are no means over samples, taken in chunks of the finest batch: by hand, and how."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import GradientRecorder, relative_error

import keras_ms
from keras_ms.gradients import terms
from keras_ms.gradients.chunks import Chunks, check_chunks, loss_in_chunks
from keras_ms.levels import Stage

SPEC = (tf.TensorSpec((None, None, None, 1), tf.float32),) * 2


def masks_batch(sizes=(2, 4, 6), side=16, seed=0):
    """A batch of unrelated images and masks, some of them empty."""
    rng = np.random.default_rng(seed)

    def pair(size, level):
        shape = (size, side >> level, side >> level, 1)
        empty = rng.random((size, 1, 1, 1)) < 0.5
        y = np.where(empty, 0.0, rng.random(shape) < 0.3)
        return tf.constant(rng.random(shape), tf.float32), tf.constant(y, tf.float32)

    last = len(sizes) - 1
    fine = tuple(pair(n, level) for level, n in enumerate(sizes))
    coarse = tuple(pair(n, level + 1) if level < last else () for level, n in enumerate(sizes))
    return keras_ms.MultiscaleBatch(fine, coarse)


def mask_net(regularizer=None):
    inputs = keras.Input((None, None, 1))
    hidden = keras.layers.Conv2D(
        2, 3, padding="same", activation="tanh", kernel_regularizer=regularizer
    )(inputs)
    return inputs, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(hidden)


def compiled(regularizer=None, cls=keras_ms.MultiscaleModel, **options):
    made = cls(*mask_net(regularizer))
    made.compile(GradientRecorder(0.1), **{"loss": keras.losses.Dice(), **options})
    return made


def by_hand(model, pair, chunk):
    """Mean gradient of the Dice loss of each chunk."""
    found = []
    variables = [v.value for v in model.trainable_variables]
    for start in range(0, len(pair[0]), chunk):
        x, y = (tensor[start : start + chunk] for tensor in pair)
        with tf.GradientTape() as tape:
            made = model(x)
            loss = 1.0 - (2.0 * tf.reduce_sum(y * made) + 1e-7) / (
                tf.reduce_sum(y) + tf.reduce_sum(made) + 1e-7
            )
        found.append(tape.gradient(loss, variables))
    return [np.mean(gradients, axis=0) for gradients in zip(*found, strict=True)]


def sum_by_hand(model, batch, chunk):
    total = by_hand(model, batch.fine[0], chunk)
    for level in batch.active_levels[1:]:
        fine = by_hand(model, batch.fine[level], chunk)
        coarse = by_hand(model, batch.coarse[level - 1], chunk)
        total = [t + f - c for t, f, c in zip(total, fine, coarse, strict=True)]
    return total


def got_by(made, batch):
    gradients, _ = made.finest(batch.fine[0])
    for level in batch.active_levels[1:]:
        side = made.side(batch.fine[level], batch.coarse[level - 1])
        gradients = terms.added(gradients, side)
    return gradients


@pytest.mark.parametrize("chunk", [1, 2])
@pytest.mark.parametrize("shared", [False, True])
def test_the_telescoped_gradient_is_that_of_the_chunks_written_out(chunk, shared):
    model, batch = compiled(), masks_batch()
    made = terms.SharedTerms(model, SPEC, chunk) if shared else terms.Terms(model, chunk)
    wanted = sum_by_hand(model, batch, chunk)
    assert relative_error(got_by(made, batch), wanted) < 1e-5
    whole = got_by(terms.Terms(model), batch)
    assert relative_error(whole, wanted) > 0.05


def test_compiled_by_xla_it_is_the_same():
    model, batch = compiled(), masks_batch((2, 6))
    made = terms.Terms(model, 2)
    side = tf.function(made.side, jit_compile=True)
    got = side(batch.fine[1], batch.coarse[0])
    assert relative_error(got, made.side(batch.fine[1], batch.coarse[0])) < 1e-5


def loss_of(model, pair, chunk, weight=None):
    x, y = pair
    return float(loss_in_chunks(model, (x, y, weight), model(x, training=True), chunk))


def test_losses_of_layers_and_regularizers_count_once():
    model, pair = compiled(keras.regularizers.L2(0.1)), masks_batch().fine[2]
    parts = [tuple(t[k : k + 2] for t in pair) for k in (0, 2, 4)]
    plain = [float(keras.losses.Dice()(y, model(x))) for x, y in parts]
    penalty = float(sum(model.losses))
    assert penalty > 1e-3
    assert loss_of(model, pair, 2) == pytest.approx(np.mean(plain) + penalty, rel=1e-5)


def test_one_chunk_is_the_batch_itself():
    model, pair = compiled(), masks_batch().fine[2]
    assert loss_of(model, pair, 6) == loss_of(model, pair, None)


def test_sample_weights_go_with_their_samples():
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    model, (x, y) = compiled(loss=loss), masks_batch().fine[2]
    weight = tf.constant(np.random.default_rng(1).random((6, 4, 4)), tf.float32)
    wanted = [float(loss(y[k : k + 2], model(x[k : k + 2]), weight[k : k + 2])) for k in (0, 2, 4)]
    assert loss_of(model, (x, y), 2, weight) == pytest.approx(np.mean(wanted), rel=1e-5)


def masked_mse(model, x):
    keep = tf.cast(x != 0.0, tf.float32)
    return tf.reduce_sum(keep * (model(x) - 1.0) ** 2) / tf.reduce_sum(keep)


def test_masks_of_layers_go_with_their_samples():
    inputs = keras.Input((None, 1))
    hidden = keras.layers.Masking(0.0)(inputs)
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Dense(1)(hidden))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((8, 8, 1)).astype("float32")
    x[0, 2:] = x[3, 5:] = x[6, 1:] = 0.0  # steps that are not there
    fine, coarse = tf.constant(x[:4]), tf.constant(x[4:])
    with tf.GradientTape() as tape:
        of_fine, of_coarse = (
            masked_mse(model, p[:2]) + masked_mse(model, p[2:]) for p in (fine, coarse)
        )
        difference = 0.5 * (of_fine - of_coarse)
    wanted = tape.gradient(difference, [v.value for v in model.trainable_variables])
    y = tf.ones((4, 8, 1))
    got = terms.side_gradients(model, (fine, y), (coarse, y), chunk=2)
    assert relative_error(got, wanted) < 1e-5


def test_sizes_that_chunks_do_not_divide_are_refused_with_sizes_that_would_do():
    chunks = Chunks(4, "dice couples the samples of a batch")
    stages = [Stage(0, (4, 8)), Stage(1, (8,))]
    check_chunks(chunks, stages)
    with pytest.raises(ValueError, match=r"Received: batch_sizes=\(4, 6\), and dice.*\(4, 8\)"):
        check_chunks(chunks, [Stage(0, (4, 6)), *stages[1:]])
    check_chunks(Chunks(), [Stage(0, (3, 7))])
