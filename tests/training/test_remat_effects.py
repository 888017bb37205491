"""What layers set in their forward pass ends as without rematerialization, weights too."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset

import keras_ms
from keras_ms.keras_internals.graphs import graph_nodes
from keras_ms.training.remat_effects import effects_of
from keras_ms.training.remat_plan import Doings, pieces

layers = keras.layers


class Shrinking(layers.Layer):
    """Sets its trainable weight, then uses it."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        self.scale.assign(self.scale * 0.9)
        return x * self.scale


class Setter(layers.Layer):
    """Sets a variable that is not its own, and that nobody finds among its variables."""

    def __init__(self, variable, **kwargs):
        super().__init__(**kwargs)
        object.__setattr__(self, "others", variable)

    def call(self, x):
        self.others.assign(self.others + 1.0)
        return x + 0.1 * self.others


class Counter(layers.Layer):
    """Counts in a variable of TensorFlow's, and adds the count."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = tf.Variable(0.0)

    def call(self, x):
        return x + 0.1 * self.count.assign_add(1.0)


class Unseeded(layers.Layer):
    """Draws by Keras's own seed."""

    def call(self, x):
        return x + 0.1 * keras.random.normal(keras.ops.shape(x))


class Drawing(layers.Layer):
    """Draws by TensorFlow's state, within a function."""

    def call(self, x):
        return tf.function(lambda x: x + tf.random.normal(tf.shape(x)), autograph=False)(x)


class Measuring(layers.Layer):
    """Keeps a metric, and reads it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.mean = keras.metrics.Mean()

    def call(self, x):
        self.mean.update_state(keras.ops.mean(x))
        return x + 0.1 * self.mean.result()


def conv():
    return layers.Conv2D(3, 3, padding="same", activation="tanh")


def network(*middle):
    """Layers among convolutions, so that pieces hold more than one call."""
    inputs = hidden = keras.Input((None, None, 3))
    for layer in middle:
        for step in (conv(), conv(), layer, conv(), conv()):
            hidden = step(hidden)
    return inputs, conv()(hidden)


def nested(*middle):
    return keras.Model(*network(*middle))


def shared():
    """A kernel that is used as it was before, and as it is after it was set."""
    plain = conv()
    return plain, layers.SpectralNormalization(plain)


def states():
    variable = keras.Variable(0.0, trainable=False)
    return Setter(variable), Setter(variable), Counter(), Unseeded(), Measuring()


def trained(make, remat, levels):
    keras.utils.set_random_seed(3)
    middle = make()
    model = keras_ms.MultiscaleModel(*network(*middle))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    assert sum(piece.again for piece in pieces(model)) >= 2
    model.fit(pair_dataset(levels), remat=remat, verbose=0)
    others = [layer.others.numpy() for layer in middle if isinstance(layer, Setter)]
    counts = [layer.count.numpy() for layer in middle if isinstance(layer, Counter)]
    return [*model.get_weights(), *(v.numpy() for v in model.variables), *others, *counts]


@pytest.mark.parametrize(
    ("make", "levels"),
    [
        (lambda: (layers.SpectralNormalization(conv()), Shrinking()), (2, 4)),
        (lambda: (*shared(), nested(layers.SpectralNormalization(conv()))), (2,)),
        (states, (2,)),
    ],
)
def test_what_layers_set_ends_as_without(make, levels):
    with_it, without = (trained(make, remat, levels) for remat in (True, False))
    for mine, theirs in zip(with_it, without, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "alone"),
    [
        (lambda: [layers.SpectralNormalization(conv())], True),
        (lambda: [Shrinking()], True),
        (lambda: [Counter()], True),
        (lambda: [Drawing()], True),
        (lambda: [layers.BatchNormalization()], False),
        (lambda: [layers.Dropout(0.5)], False),
        (lambda: [Unseeded()], False),
        (lambda: [Measuring()], False),
        (lambda: [Setter(keras.Variable(0.0, trainable=False))], False),
        (lambda: [keras.Sequential([conv(), conv()])], False),
    ],
)
def test_only_what_cannot_be_done_twice_is_done_once(make, alone):
    middle = make()
    model = keras_ms.MultiscaleModel(*network(*middle))
    doings = Doings(model, [model])
    found = {node.operation for node in graph_nodes(model) if doings.alone(node)}
    assert found == (set(middle) if alone else set())
    again = [piece for piece in pieces(model, doings) if piece.again]
    assert sum(len(piece.nodes) for piece in again) >= 2


class Odd(layers.Layer):
    """Cannot be traced in training."""

    def call(self, x, training=False):
        if training:
            raise RuntimeError
        return x


def test_of_what_cannot_be_traced_and_what_follows_nobody_knows():
    model = keras_ms.MultiscaleModel(*network(layers.ReLU(), Odd()))
    doings, effects = Doings(model, [model]), effects_of(model)
    before, after = graph_nodes(model)[:7], graph_nodes(model)[7:]
    assert [id(node) in effects for node in before] == [True] * 7
    assert [doings.alone(node) for node in before] == [False] * 7
    assert [doings.alone(node) for node in after] == [True] * 4
