"""What a user's own source raises comes as it was raised, whoever goes through the batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.data.own_errors import own_errors

SIDE = 16


def broken(at, error=RuntimeError):
    def generate():
        for number in range(40):
            if number == at:
                raise error("the disk is gone")
            image = np.full((SIDE, SIDE, 1), number / 40.0, "float32")
            yield image, image

    return generate


def dataset(at, levels=(1,), **options):
    return keras_ms.MultiscaleDataset(
        broken(at, **options), levels=levels, steps_per_epoch=30, prefetch=0
    )


def model(loss="mse", layer=keras.layers.Conv2D):
    inputs = keras.Input((None, None, 1))
    made = keras_ms.MultiscaleModel(inputs, layer(1, 1)(inputs))
    made.compile("sgd", loss)
    return made


SAID = r"element 20: RuntimeError: the disk is gone\. Mend"


def test_fit_ends_with_the_error_of_the_source_and_so_does_the_next():
    data, net = dataset(at=20), model()
    for _ in range(2):  # what was read by then is not all there is
        with pytest.raises(ValueError, match=SAID) as raised:
            net.fit(data, verbose=0)
        assert isinstance(raised.value.__cause__, RuntimeError)
        assert not isinstance(raised.value, tf.errors.OpError)


def test_the_trial_of_a_loss_takes_no_blame_for_it():
    data = dataset(at=2, levels=(3, 4))
    with pytest.raises(ValueError, match="element 2: RuntimeError"):
        model(lambda y, p: keras.ops.mean((y - p) ** 2)).fit(data, verbose=0)


@pytest.mark.parametrize(
    "use",
    [
        lambda data: keras_ms.diagnose(model(), data, samples=8),
        lambda data: keras_ms.refresh_statistics(normalised(), data, steps=30),
        lambda data: data.describe().picture,
    ],
)
def test_whoever_else_goes_through_batches(use):
    with pytest.raises(ValueError, match="element 2: RuntimeError"):
        use(dataset(at=2, levels=(2, 4)))


def normalised():
    return keras.Sequential([keras.Input((None, None, 1)), keras.layers.BatchNormalization()])


def test_memory_that_ran_out_in_the_source_stays_that():
    with pytest.raises(MemoryError, match="Memory ran out on stage 1"):
        model().fit(dataset(at=5, error=MemoryError), verbose=0)


class Refusing(keras.layers.Conv2D):
    def call(self, inputs):
        tf.debugging.assert_less(tf.reduce_max(inputs), 0.2, message="too bright")
        return super().call(inputs)


def test_an_error_that_comes_before_that_of_the_source_is_told_from_it():
    data = dataset(at=2)
    with pytest.raises(ValueError, match="element 2"), own_errors(data):
        list(data.stage())
    with pytest.raises(tf.errors.InvalidArgumentError, match="too bright"), own_errors(data):
        raise tf.errors.InvalidArgumentError(None, None, "too bright")


def test_errors_of_the_model_are_its_own():
    with pytest.raises(tf.errors.InvalidArgumentError, match="too bright"):
        model(layer=Refusing).fit(dataset(at=39), verbose=0, rehearse=False)
