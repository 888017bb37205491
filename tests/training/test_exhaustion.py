"""When memory runs out, the error keeps its type and says where, and what helps."""

import keras
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.training.exhaustion import naming_mends

OOM = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9]")
MENDS = r"batch size.*image_size.*remat=True.*mixed precision"


class Hungry(keras.layers.Layer):
    """Runs out of memory on images of a size, in training or not."""

    def __init__(self, error, side, in_training=True):
        super().__init__()
        self.error, self.side, self.in_training = error, side, in_training

    def call(self, x, training=None):
        if not tf.executing_eagerly():  # while shapes are inferred
            return x
        if x.shape[1] == self.side and bool(training) == self.in_training:
            raise self.error
        return x


def fitted(error, side, in_training=True, **options):
    inputs, outputs = small_net()
    model = keras_ms.MultiscaleModel(inputs, Hungry(error, side, in_training)(outputs))
    model.compile("sgd", "mse", run_eagerly=True)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2))
    data = pair_dataset((2, 4), telescoping=False)
    model.fit(data, epochs=2, callbacks=[schedule], verbose=0, **options)


@pytest.mark.parametrize(
    ("error", "caught"),
    [
        (OOM, tf.errors.ResourceExhaustedError),
        (MemoryError("Unable to allocate 3 GiB"), MemoryError),
        (tf.errors.InternalError(None, None, "CUDA: out of memory"), tf.errors.OpError),
    ],
)
def test_a_rehearsal_names_stage_and_mends(error, caught):
    where = r"in the rehearsal of stage 2 of 2 \(level 0, 32x32 px, batches of 2\)"
    with pytest.raises(caught, match=rf"(?s){where}.*{MENDS}") as got:
        fitted(error, 32)
    assert got.value.__cause__ is not None


def test_the_hint_of_tensorflow_is_not_taken_for_what_was_said():
    hint = "Hint: to see a list of allocated tensors when OOM happens, add such an option."
    text = f"{hint}\nMemoryError: Unable to allocate 3 GiB\n\n{hint}"
    error = tf.errors.ResourceExhaustedError(None, None, text)
    with (
        pytest.raises(tf.errors.ResourceExhaustedError, match="Received: MemoryError: Unable to"),
        naming_mends(lambda: "here"),
    ):
        raise error


def test_a_step_names_its_stage_and_epoch():
    where = r"on stage 1 of 2 \(level 1, 16x16 px, batches of 4\), in epoch 1"
    with pytest.raises(tf.errors.ResourceExhaustedError, match=where) as got:
        fitted(OOM, 16)
    assert "OOM when allocating tensor with shape[9]" in str(got.value)
    with pytest.raises(tf.errors.ResourceExhaustedError, match=r"on stage 2 of 2.* in epoch 2"):
        fitted(OOM, 32, rehearse=False)


def test_validation_is_told_from_training():
    x = small_images(2)
    with pytest.raises(tf.errors.ResourceExhaustedError, match="in validation after stage 1"):
        fitted(OOM, 32, in_training=False, validation_data=(x, x))


@pytest.mark.parametrize(
    "error", [ValueError("OOM"), RuntimeError("no"), tf.errors.InternalError(None, None, "no")]
)
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as got, naming_mends(lambda: "here"):
        raise error
    assert got.value is error
