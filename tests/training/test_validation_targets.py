"""Targets of validation data are looked at as those of the training data are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.training.validation_targets import LOOKED_AT, ValidationTargets

RNG = np.random.default_rng(0)
COUNT = LOOKED_AT + 8
X = RNG.random((COUNT, 16, 16, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (COUNT, 16, 16)).astype("uint8")
SPARSE = keras.losses.SparseCategoricalCrossentropy


def model(loss, *outputs):
    inputs = keras.Input((None, None, 3))
    heads = [keras.layers.Conv2D(n, 1, name=f"head{n}")(inputs) for n in outputs]
    made = keras_ms.MultiscaleModel(inputs, heads[0] if len(heads) == 1 else heads)
    made.compile("sgd", loss, run_eagerly=True)
    return made


SEGMENTS = model(SPARSE(from_logits=True), 3)


def wrong(at, number=7):
    y = MAPS.copy()
    y[at, 3, 3] = number
    return y


def checked(data, by=SEGMENTS):
    return ValidationTargets(by).checked(data)


def as_dataset(y, size=8):
    return tf.data.Dataset.from_tensor_slices((X, y)).batch(size)


@pytest.mark.smoke
@pytest.mark.parametrize("data", [(X, wrong(35)), [X, tf.constant(wrong(35)), np.ones(COUNT)]])
def test_arrays_are_looked_at_to_their_end(data):
    named = r"Classes are numbers from 0 .*y of validation_data .* 7 in example 35\. Use"
    with pytest.raises(ValueError, match=named):
        checked(data)


def test_the_first_batches_of_a_dataset_are_looked_at_before_training():
    with pytest.raises(ValueError, match=r"7 in example 1 of batch 3\. Use"):
        checked(as_dataset(wrong(25)))


def test_the_others_are_looked_at_as_they_come():
    targets = ValidationTargets(SEGMENTS)
    given = as_dataset(wrong(39))
    passed = targets.checked(given)
    assert passed.element_spec == given.element_spec
    assert len(passed) == len(given)
    with pytest.raises(ValueError, match=r"7 in example 7 of batch 4\. Use"), targets.own_errors():
        list(passed)
    for mine, theirs in zip(checked(as_dataset(MAPS)), as_dataset(MAPS), strict=True):
        np.testing.assert_array_equal(mine[1], theirs[1])


def test_a_dataset_that_is_cached_is_read_through():
    with pytest.raises(ValueError, match=r"example 7 of batch 4"):
        checked(as_dataset(wrong(39)).cache().prefetch(1))


def test_other_errors_stay_what_they_are():
    with pytest.raises(tf.errors.NotFoundError), ValidationTargets(SEGMENTS).own_errors():
        raise tf.errors.NotFoundError(None, None, "no such file")


MASKS = (MAPS > 1).astype("float32")[..., np.newaxis]


@pytest.mark.parametrize(
    ("by", "data", "named"),
    [
        (model("binary_crossentropy", 1), (X, 255 * MASKS), "between 0 and 1"),
        (model(SPARSE(), 3), (X, MAPS / 2.0), "which are whole"),
        (model(["mse", SPARSE()], 1, 3), (X, [MASKS, wrong(2)]), "y/1 of validation_data"),
        (
            model({"head1": "mse", "head3": SPARSE()}, 1, 3),
            (X, {"head1": MASKS, "head3": wrong(2)}),
            "y/head3 of validation_data",
        ),
        (model(SPARSE(ignore_class=9), 3), (X, wrong(2)), "7 in example 2"),
    ],
)
def test_other_losses_and_other_structures(by, data, named):
    with pytest.raises(ValueError, match=named):
        checked(data, by)


@pytest.mark.parametrize(
    ("by", "data"),
    [
        (SEGMENTS, (X, MAPS)),
        (SEGMENTS, None),
        (SEGMENTS, (X,)),
        (model(SPARSE(ignore_class=7), 3), (X, wrong(2))),
        (model("mse", 1), as_dataset(255 * MASKS)),
        (model(lambda y, p: keras.ops.mean(p), 3), (X, wrong(2))),
        (model(None, 3), as_dataset(wrong(2))),
        (SEGMENTS, iter([(X, MAPS)])),
    ],
)
def test_what_fits_or_is_not_known_is_left_to_keras(by, data):
    assert checked(data, by) is data


@pytest.mark.parametrize("at", [0, 39])
def test_fit_says_so_itself(at):
    train = keras_ms.MultiscaleDataset((X, MAPS), levels=(2,), steps_per_epoch=1)
    epochs = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(ValueError, match="y of validation_data"):
        SEGMENTS.fit(
            train, epochs=2, validation_data=as_dataset(wrong(at)), callbacks=[note], verbose=0
        )
    assert epochs == ([] if at == 0 else [0])
