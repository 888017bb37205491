"""Shapes of validation data are looked at before the first step, as far as they are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_ms
from keras_ms.keras_internals.models import build
from keras_ms.training.validation_shapes import check_shapes

RNG = np.random.default_rng(0)
X = RNG.random((6, 16, 16, 3)).astype("float32")
GREY = X[..., :1]
MAPS = RNG.integers(0, 3, (6, 16, 16)).astype("uint8")
LABELS = np.arange(6) % 3
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def model(loss="mse", outputs=3, channels=3, sides=(None, None), kind=keras_ms.MultiscaleModel):
    inputs = keras.Input((*sides, channels))
    made = kind(inputs, layers.Conv2D(outputs, 1)(inputs))
    made.compile("sgd", loss)
    return made


def check(data, by=None, y=X):
    by = by or model()
    x = tf.TensorSpec((2, *((s or 16) for s in by.inputs[0].shape[1:])), tf.float32)
    spec = x, tf.TensorSpec((2, *y.shape[1:]), y.dtype)
    build(by, spec)
    check_shapes(by, data, spec)


def as_dataset(*parts, size=2, free=False):
    made = tf.data.Dataset.from_tensor_slices(parts)
    made = made.batch(size) if size else made
    if not free:
        return made
    specs = [tf.TensorSpec((None, None, None, *s.shape[3:]), s.dtype) for s in made.element_spec]
    return tf.data.Dataset.from_generator(lambda: iter(made), output_signature=tuple(specs))


INPUTS = [
    ((GREY, GREY), r"of shape \(6, 16, 16, 1\) for keras.Input.*np.repeat\(x, 3, -1\)"),
    ([tf.constant(GREY), GREY], r"np.repeat\(x, 3, -1\)"),
    ((X[..., :2], X), "examples of 3 channels, as"),
    ((X[..., 0], X), r"np.repeat\(x\[..., np.newaxis\], 3, -1\)"),
    ((X[0], X[0]), r"x\[np.newaxis\] for a single example"),
    ((X[0, 0], X[0, 0]), "examples like those"),
    (as_dataset(GREY, GREY), r"np.repeat\(x, 3, -1\)"),
    (as_dataset(GREY, GREY, free=True), r"shape \(None, None, None, 1\).*np.repeat\(x, 3, -1\)"),
    (as_dataset(X, X, size=0), r"Use validation_data.batch\(8\)"),
    (tf.data.Dataset.from_tensors({"photo": X}), "examples like those .*Missing data for input"),
    ((GREY,), r"np.repeat\(x, 3, -1\)"),
]


@pytest.mark.parametrize(("data", "message"), INPUTS)
def test_inputs_that_the_network_does_not_take_are_refused(data, message):
    with pytest.raises(ValueError, match=f"does not take the inputs of validation_data.*{message}"):
        check(data)


COUNTS = [(X, X[:5]), (X, X, np.ones(5)), (X[:0], X[:0])]


@pytest.mark.parametrize("data", COUNTS)
def test_arrays_have_one_entry_an_example(data):
    with pytest.raises(ValueError, match=r"as many examples as each other, .* in x of validation"):
        check(data)


def own(y, p):
    return keras.ops.mean((y - p) ** 2, axis=(1, 2, 3))


TARGETS = [
    (model(), (X, X[..., :2]), X, r"y of validation_data of shape \(None, 16, 16, 2\)"),
    (model(own), (X, X[..., :2]), X, r"training has targets of shape \(2, 16, 16, 3\)"),
    (model(), (X, X[:, ::2]), X, r"of shape \(None, 8, 16, 3\), an output of shape"),
    (model(), as_dataset(X, X[:, ::2]), X, "Use targets of the output's sides"),
    (model(), as_dataset(X, X[..., :2], free=True), X, "does not go with the network's output"),
    (model(), (X, X[..., 0]), X, "y of validation_data .*no axis of channels"),
    (model(SPARSE), (X, MAPS[:, :8]), MAPS, r"of shape \(None, 8, 16\)"),
    (model(SPARSE), (X, X), MAPS, "y of validation_data .*3 values a pixel"),
    (model(SPARSE), (X, LABELS), MAPS, "y of validation_data of shape"),
    (model(), (X, [X, X]), X, r"2 targets \(y/0, y/1\) of validation_data"),
]


@pytest.mark.parametrize(("by", "data", "y", "message"), TARGETS)
def test_targets_that_their_losses_do_not_take_are_refused(by, data, y, message):
    with pytest.raises(ValueError, match=message):
        check(data, by, y)


def test_sides_that_the_strides_do_not_divide_are_refused():
    inputs = keras.Input((None, None, 3))
    up = layers.UpSampling2D()(layers.Conv2D(3, 3, 2, padding="same")(inputs))
    by = keras_ms.MultiscaleModel(inputs, layers.Conv2D(3, 1)(layers.Concatenate()([up, inputs])))
    by.compile("sgd", "mse")
    check((X, X), by)
    with pytest.raises(ValueError, match=r"Received: an input of shape \(None, 15, 16, 3\)\. Use"):
        check((X[:, 1:], X[:, 1:]), by)
    with pytest.raises(ValueError, match=r"3\) for keras.Input\(\(8, 8, 3\)\)"):
        check((X, X), model(sides=(8, 8)), X[:, :8, :8])


class OwnStep(keras_ms.MultiscaleModel):
    def test_step(self, data):
        return super().test_step((data[0][..., :3], data[1]))


class OwnLoss(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(y_pred)


FITS = [
    (model(), None, X),
    (model(), (X, X), X),
    (model(), (X, X, np.ones(6)), X),
    (model(), (X, X, None), X),
    (model(), (X[:, :8, :12], X[:, :8, :12]), X),
    (model(), (X, GREY), X),  # Keras compares it with every channel
    (model(outputs=1), (X, GREY[..., 0]), GREY),
    (model(channels=1), (GREY[..., 0], X), X),
    (model(), as_dataset(X, X, free=True), X),
    (model(), as_dataset(X, X[:, ::2], free=True), X),  # nobody knows yet
    (model(SPARSE), (X, MAPS), MAPS),
    (model(SPARSE), (X, MAPS[..., np.newaxis].astype("int64")), MAPS),
    (model("categorical_crossentropy"), (X, np.eye(3)[MAPS]), X),
    (model(lambda y, p: keras.ops.mean(p)), (X, LABELS), LABELS),
    (model(own), (X, X > 0.5), X),
    (model(kind=OwnLoss), (X, LABELS), X),
    (model(kind=OwnStep), (np.repeat(X, 2, -1), X), X),
    (model(), iter([(GREY, GREY)]), X),
    (model(), ([[1.0]], [[2.0]]), X),
]


@pytest.mark.parametrize(("by", "data", "y"), FITS)
def test_what_fits_or_is_not_known_is_left_to_keras(by, data, y):
    check(data, by, y)


def two_heads(loss):
    image, level = keras.Input((None, None, 3), name="image"), keras.Input((1,), name="level")
    hidden = layers.Conv2D(4, 1)(image) + layers.Reshape((1, 1, 1))(level)
    heads = {"photo": layers.Conv2D(3, 1, name="photo"), "map": layers.Conv2D(3, 1, name="map")}
    made = keras_ms.MultiscaleModel([image, level], {k: head(hidden) for k, head in heads.items()})
    made.compile("sgd", loss)
    return made


HEADS = {"photo": "mse", "map": SPARSE}
INPUT = {"image": X, "level": np.ones((6, 1), "float32")}
OUTPUT = {"photo": X, "map": MAPS}


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (INPUT, OUTPUT, None),
        (INPUT | {"image": X[:, :8]}, {"photo": X[:, :8], "map": MAPS[:, :8]}, None),
        (INPUT | {"image": GREY}, OUTPUT, r"np.repeat\(x, 3, -1\)"),
        (INPUT | {"level": np.ones((6, 2))}, OUTPUT, r"of shape \(6, 2\) for keras.Input"),
        (INPUT, OUTPUT | {"photo": X[..., :2]}, "y/photo of validation_data of shape"),
        (INPUT, OUTPUT | {"map": LABELS}, "y/map of validation_data of shape"),
        (INPUT, {"photo": X}, r"1 targets \(y/photo\) of validation_data"),
        ({"image": X}, OUTPUT, "does not take the inputs of validation_data"),
    ],
)
def test_several_inputs_and_outputs(x, y, message):
    train = keras_ms.MultiscaleDataset((INPUT, OUTPUT), levels=(2,), steps_per_epoch=1)
    begun = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    options = {"validation_data": (x, y), "callbacks": [note], "verbose": 0}
    if message is None:
        two_heads(HEADS).fit(train, **options)
        return
    with pytest.raises(ValueError, match=message):
        two_heads(HEADS).fit(train, **options)
    assert begun == []


@pytest.mark.smoke
def test_fit_says_so_before_its_first_epoch():
    train = keras_ms.MultiscaleDataset((X, X), levels=(2, 4), steps_per_epoch=1)
    by, begun = model(), []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    for data in ((GREY, GREY), (X, X[..., :2])):
        with pytest.raises(ValueError, match="validation_data"):
            by.fit(train, validation_data=data, callbacks=[note], verbose=0)
    assert begun == []
    by.fit(train, validation_data=(X[:, :8], X[:, :8]), callbacks=[note], verbose=0)
    assert begun == [0]
