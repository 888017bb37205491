"""Marks of "unknown" in a loss: read wherever it asks for them, or said to be unreadable."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops

import keras_ms
from keras_ms.gradients.loss_law import loss_law
from keras_ms.gradients.loss_marks import Marks, marks_in

SIDE, COUNT = 16, 8
MARK = tf.Variable(-9999.0, trainable=False)
MARK_OF_KERAS = keras.Variable(-9999.0, trainable=False)
TABLE = [1.0] * 251 + [0.0, 1.0]
VARIABLE_TABLE = tf.Variable(TABLE, trainable=False)
TENSOR = tf.constant([250.0, 251.0])


def data(y=None):
    rng = np.random.default_rng(1)
    x = rng.random((COUNT, SIDE, SIDE, 1)).astype("float32")
    y = (rng.random(x.shape) < 0.2).astype("float32") if y is None else y
    return keras_ms.MultiscaleDataset((x, y), levels=(2, 4), steps_per_epoch=1)


def law(loss, y=None, cls=keras_ms.MultiscaleModel, channels=1):
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(inputs)
    model = cls(inputs, outputs)
    model.compile("sgd", loss)
    return loss_law(model, data(y))


def leaving_out(is_unknown):
    """The mean over known pixels, whatever is asked of the target to know them."""

    def masked(y, p):
        known = 1.0 - ops.cast(is_unknown(y), "float32")
        each = ops.where(ops.cast(known, "bool"), (y - p) ** 2, 0.0)
        return ops.sum(each) / (ops.sum(known) + 1e-7)

    return masked


@tf.function
def in_a_function(y):
    return tf.equal(y, -9999.0)


@tf.function(jit_compile=True)
def compiled_by_xla(y):
    return in_a_function(y)


def in_a_loop(y):
    unknown = tf.zeros_like(y, tf.bool)
    step = lambda k, found: (k + 1, tf.logical_or(found, tf.equal(y, -9999.0)))  # noqa: E731
    return tf.while_loop(lambda k, found: k < 2, step, (0, unknown))[1]


def sample_by_sample(y):
    return tf.map_fn(lambda each: tf.equal(each, -9999.0), y, fn_output_signature=tf.bool)


READ = {
    "a function": in_a_function,
    "a function in a function": lambda y: tf.function(in_a_function)(y),
    "XLA": compiled_by_xla,
    "a branch": lambda y: ops.cond(
        ops.mean(y) < 1e9, lambda: ops.equal(y, -9999), lambda: ops.equal(y, -1)
    ),
    "a loop": in_a_loop,
    "a map": sample_by_sample,
    "a variable": lambda y: tf.equal(y, MARK),
    "a variable of Keras": lambda y: ops.equal(y, MARK_OF_KERAS),
    "several": lambda y: ops.any(ops.equal(y[..., None], [250, 251]), axis=-1),
    "a tensor": lambda y: tf.reduce_any(tf.equal(y[..., None], TENSOR), axis=-1),
    "a threshold on signs": lambda y: ops.less(ops.where(y < 0, y, 0.0), -9000.0),
    "rounded": lambda y: ops.equal(ops.cast(ops.round(y), "int32"), -9999),
    "infinity": lambda y: ops.isinf(y),
    "a sign": lambda y: ops.sign(y + 9999.0) == 0,
    "no truth": lambda y: ops.logical_not(ops.cast(y + 9999.0, "bool")),
    "another unit": lambda y: ops.less(2.0 * y / 4.0 + 1.0, 1.0 - 0.5 * 9998.0),
    "a difference": lambda y: ops.equal(-9999.0 - y, 0.0),
    "a table": lambda y: 1.0 - tf.gather(TABLE, tf.cast(y, tf.int32)),
    "a table of a variable": lambda y: 1.0 - tf.gather(VARIABLE_TABLE, tf.cast(y, tf.int32)),
    "computed numbers": lambda y: tf.equal(y, tf.constant(-99.0) - tf.constant(9900.0)),
}
WANTED = {
    **dict.fromkeys(("several", "a tensor", "a table", "a table of a variable"), 251.0),
    "infinity": np.inf,
}
UNREAD = {
    "closeness": lambda y: tf.experimental.numpy.isclose(y, -9999.0),
    "distance": lambda y: ops.abs(y + 9999.0) < 0.5,
    "NumPy": lambda y: tf.numpy_function(lambda a: a == -9999.0, [y], tf.bool),
    "a long list": lambda y: ops.any(ops.equal(y[..., None], np.arange(300.0, 400.0)), axis=-1),
    "bounds": lambda y: ops.not_equal(y, ops.maximum(y, -9998.0)),
    "a random number": lambda y: ops.less(y, keras.random.uniform((), -9999.0, -9998.0, seed=1)),
    "a remainder": lambda y: ops.equal(ops.mod(y, 1000.0), 1.0),
}


def marks_of(is_unknown):
    loss, shape = leaving_out(is_unknown), (4, 6, 6, 1)
    function = tf.function(loss, autograph=False).get_concrete_function(
        tf.zeros(shape), tf.ones(shape)
    )
    y, y_pred = (tensor.name for tensor in function.inputs[:2])
    return marks_in(function, {y: "y", y_pred: "y_pred"})


@pytest.mark.parametrize("kind", READ)
def test_marks_are_read_wherever_the_loss_asks_for_them(kind):
    found = marks_of(READ[kind])
    wanted = WANTED.get(kind, -9999.0)
    assert not found.unread
    assert wanted in found.y or (kind == "a threshold on signs" and -9001.0 in found.y)


@pytest.mark.parametrize("kind", UNREAD)
def test_it_is_known_what_cannot_be_read_or_what_to_try_in_place(kind):
    found = marks_of(UNREAD[kind])
    assert found.unread != (kind == "bounds" and -9999.0 in found.y)
    assert -9999.0 in found.y or kind not in ("closeness", "distance")


def test_no_trial_example_needs_to_have_a_mark():
    """All in one network, which is tried once."""
    kinds = ("a function", "a map", "a variable", "several", "infinity")
    masked = [leaving_out(READ[kind]) for kind in kinds]
    inputs = keras.Input((None, None, 1))
    made = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    outputs = {f"o{k}": 1.0 * made for k in range(len(kinds))}
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", dict(zip(outputs, masked, strict=True)))
    x = np.random.default_rng(1).random((COUNT, SIDE, SIDE, 1)).astype("float32")
    pairs = tf.data.Dataset.from_tensor_slices(x).map(lambda x: (x, dict.fromkeys(outputs, x)))
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1)
    why = loss_law(model, dataset).why
    assert "couple the samples" in why
    assert [kind for k, kind in enumerate(kinds) if f"output o{k}" not in why] == []


@pytest.mark.parametrize("classes", [lambda: tf.range(150.0), lambda: np.float32(range(150))])
def test_a_list_of_all_classes_is_no_list_of_marks(classes):
    found = marks_of(lambda y: tf.reduce_all(tf.not_equal(y, classes()), -1, keepdims=True))
    assert not found.unread
    assert {0.0, 149.0} <= set(found.y) <= {0.0, 1.0, 149.0}


def test_it_is_said_why_a_loss_is_not_taken_for_a_mean():
    why = law(leaving_out(UNREAD["a random number"])).why
    assert "could not be found out (it compares its target with what cannot be read" in why


def from_classes(y, p):
    each = losses.sparse_categorical_crossentropy(y, p)
    return ops.mean(ops.where(ops.equal(y[..., 0], 2), 3.0 * each, each))


def only_where_there_is_something(y, p):
    inside = ops.sum(ops.cast(ops.equal(y, 1), "float32"), axis=(1, 2, 3)) > 0
    each = losses.dice(y, p, axis=(1, 2, 3))
    return ops.mean(ops.where(inside, each, 0.5 * ops.mean(p, axis=(1, 2, 3))))


def a_quantile(y, p):
    return ops.mean(ops.where(y > p, 0.9 * (y - p), 0.1 * (p - y)))


def robust(y, p):
    distance = ops.abs(y - p)
    return ops.mean(ops.where(distance < MARK * -1e-5, distance**2, distance))


def asserted(y, p):
    tf.debugging.assert_less_equal(y, 1e9)
    tf.debugging.assert_equal(tf.shape(y), tf.shape(p))
    return ops.mean((y - p) ** 2)


@tf.function
def by_hand_in_a_function(y, p):
    y, p = tf.clip_by_value(y, 0.0, 1.0), tf.clip_by_value(p, 1e-3, 1 - 1e-3)
    return -tf.reduce_mean(tf.where(y > 0.5, tf.math.log(p), tf.math.log(1.0 - p)))


@pytest.mark.parametrize(
    "loss", [only_where_there_is_something, a_quantile, robust, asserted, by_hand_in_a_function]
)
def test_no_false_alarm_for_means_that_compare(loss):
    assert law(loss) == (True, "", "")


def test_nor_for_classes():
    y = np.random.default_rng(0).integers(0, 3, (COUNT, SIDE, SIDE, 1))
    assert law(from_classes, y.astype("int32"), channels=3).is_mean


class OfInputs(keras_ms.MultiscaleModel):
    """Leaves out pixels that its input marks as unknown."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        known = ops.cast(ops.not_equal(x, -7.0), "float32")
        return ops.sum(known * (y - y_pred) ** 2) / (ops.sum(known) + 1e-7)


def test_marks_in_inputs_count_too():
    assert "couples the samples" in law("mse", cls=OfInputs).why


def test_what_is_read_of_a_graph():
    def compared(y, p):
        return tf.reduce_sum(p) * tf.cast(tf.equal(y, 5.0), tf.float32) + tf.where(y < 2.0, p, y)

    function = tf.function(compared).get_concrete_function(tf.zeros((2, 3)), tf.ones((2, 3)))
    y, y_pred = (tensor.name for tensor in function.inputs)
    found = marks_in(function, {y: "y", y_pred: "y_pred"})
    assert found == Marks(y=(5.0, 2.0, 1.0, 3.0))
