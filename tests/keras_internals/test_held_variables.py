"""What losses and optimizers of one's own hold, which Keras does not list."""

import functools

import keras
import pytest
import tensorflow as tf

from keras_ms.keras_internals.held_variables import held_by

SEED = keras.random.SeedGenerator(1)
KERAS, PLAIN = keras.Variable(1.0), tf.Variable(2.0)
DRAWS = tf.random.Generator.from_seed(3)


class Own(keras.losses.Loss):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def call(self, y_true, y_pred):
        return keras.ops.mean(y_true - y_pred, axis=-1)


def enclosing(part):
    def loss(y_true, y_pred):
        return part

    return loss


HOLDERS = [
    Own,
    enclosing,
    lambda part: Own([{"a": part}]),
    lambda part: [enclosing(part), "mse", None],
    lambda part: functools.partial(enclosing(None), part),
    lambda part: Own(part).call,
    lambda part: Own(part).__call__,
    lambda part: {"out": Own(part)},
]


@pytest.mark.parametrize("holder", HOLDERS)
def test_it_is_found_wherever_it_is_held(holder):
    for part, variable in ((SEED, SEED.state), (KERAS, KERAS), (PLAIN, PLAIN)):
        (found,) = held_by(holder(part))
        assert found is variable
    (state,) = held_by(holder(DRAWS))
    assert state is DRAWS.state


def test_of_layers_it_is_the_seeds_and_not_the_weights():
    dropout = keras.layers.Dropout(0.5, seed=4)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), dropout])
    found = held_by(Own(network))
    assert [id(v) for v in found] == [id(dropout.seed_generator.state)]


@pytest.mark.parametrize("loss", ["mse", None, keras.losses.MeanSquaredError(), len, print, 3])
def test_what_holds_nothing_has_none(loss):
    assert held_by(loss) == []


def test_circles_end():
    own = Own(PLAIN)
    own.itself = own
    assert len(held_by(own)) == 1
