"""Sizes that a network does not take are found before the first step; those it takes, taken."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.gradients import made_shapes as module
from keras_ms.gradients.made_shapes import made_shapes
from keras_ms.gradients.model_fits import check_model_fits

layers, ops = keras.layers, keras.ops
CONV = {"padding": "same"}


class Beside(layers.Layer):
    """Puts tensors beside each other, of whatever sides as far as it says."""

    def call(self, tensors):
        return tf.concat(tensors, axis=-1)

    def compute_output_shape(self, shapes):
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


class Aside(keras.Model):
    """A model with a `call` of its own that runs eagerly alone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(1, 1)

    def call(self, x):
        return self.conv(x) * float(np.mean(x.numpy()) < 2.0)


def model(inputs, outputs, **options):
    made = keras_ms.MultiscaleModel(inputs, outputs)
    made.compile("sgd", "mse", **options)
    return made


def unet(join):
    """Skips of a U-Net, joined on two levels."""
    inputs = keras.Input((None, None, 1))
    first = layers.Conv2D(2, 1)(inputs)
    second = layers.MaxPooling2D()(first)
    hidden = layers.UpSampling2D()(layers.MaxPooling2D()(second))
    hidden = layers.UpSampling2D()(join(second, hidden))
    return model(inputs, layers.Conv2D(1, 1)(join(first, hidden)))


def nested(join):
    return lambda *tensors: _inner(join, *tensors)(list(tensors))


def _inner(join, *tensors):
    parts = [keras.Input((None, None, tensor.shape[-1])) for tensor in tensors]
    return keras.Model(parts, join(*parts))


def repeated():
    inputs = keras.Input((None, None, 1))
    mean = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    joined = layers.Concatenate()([inputs, layers.UpSampling2D(40)(mean)])
    return model(inputs, layers.Conv2D(1, 1)(joined))


def data(side=40, levels=(2, 4, 8), of=(), **options):
    x = np.random.default_rng(0).random((14, *of, side, side, 1)).astype("float32")
    if options:
        levels = keras_ms.Levels(levels, **options)
    return keras_ms.MultiscaleDataset((x, x), levels=levels, steps_per_epoch=1)


def cat(a, b):
    return layers.Concatenate()([a, b])


def joined_by_lambda(a, b):
    shape = (None, None, a.shape[-1] + b.shape[-1])
    return layers.Lambda(lambda tensors: tf.concat(tensors, -1), output_shape=shape)([a, b])


@pytest.mark.parametrize(
    "join",
    [
        cat,
        lambda a, b: layers.Concatenate()([b, a]),
        lambda a, b: layers.Add()([a, b]),
        lambda a, b: Beside()([a, b]),
        lambda a, b: ops.concatenate([a, b], axis=-1),
        joined_by_lambda,
        nested(cat),
    ],
)
def test_skips_of_another_size_are_found_on_their_level(join):
    with pytest.raises(ValueError, match=r"(on|of) level 2"):
        check_model_fits(unet(join), data())
    check_model_fits(unet(join), data(32))


def test_errors_of_a_trace_are_cut_to_what_they_say():
    with pytest.raises(ValueError, match="images of level 2") as caught:
        check_model_fits(unet(lambda a, b: Beside()([a, b])), data())
    said = str(caught.value)
    assert "[8,5,5] and [8,4,4]" in said
    assert "node" not in said


def test_the_error_names_level_sizes_and_mends():
    with pytest.raises(ValueError, match="images of level 0") as caught:
        unet(cat).fit(data(34, (2, 4)), verbose=0)
    said = str(caught.value)
    assert "(2, 34, 34, 1)" in said
    assert "`image_size` that its strides divide" in said
    assert "(2, 17, 17, 2), (2, 16, 16, 2)" in said
    assert "node" not in said
    assert "\x1b" not in said


class Subclassed(keras.Model):
    """Built by its first call."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(1, 1)

    def call(self, x):
        return self.conv(tf.concat([x, tf.repeat(tf.repeat(x[:, ::2, ::2], 2, 1), 2, 2)], -1))


@pytest.mark.parametrize("built", [True, False])
def test_diagnose_finds_them_too(built):
    made = unet(cat) if built else Subclassed()
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match="images of level 2" if built else "images of level 1"):
        keras_ms.diagnose(made, data() if built else data(34, (2, 4)), samples=8, seconds=1)


def convlstm():
    inputs = keras.Input((4, 16, 16, 1))
    hidden = layers.ConvLSTM2D(1, 3, padding="same", return_sequences=True)(inputs)
    made = keras.Model(inputs, hidden)
    made.compile("sgd", "mse")
    return keras_ms.MultiscaleModel.from_model(made)


def test_fixed_sides_within_a_network_are_found():
    with pytest.raises(ValueError, match="images of level 1"):
        check_model_fits(repeated(), data())
    with pytest.raises(ValueError, match="images of level 1"):
        check_model_fits(convlstm(), data(16, (2, 4), of=(4,), spatial_axes=(1, 2)))


def open_sides(layer, shape=(None, None, 1)):
    inputs = keras.Input(shape)
    return model(inputs, layer(inputs))


def doubled():
    return layers.Lambda(lambda x: 2.0 * x, output_shape=(None, None, 1))


@pytest.mark.parametrize(
    "layer",
    [
        layers.EinsumDense("bhwc,cd->bhwd", (None, None, 1)),
        doubled(),
        keras.Sequential([layers.Conv2D(1, 1), doubled()]),
    ],
)
def test_sides_that_symbols_leave_open_are_looked_up(layer):
    check_model_fits(open_sides(layer), data())


def shaped_by_pixels(x):
    """Of a size that no trace knows."""
    side = tf.cast(0.0 * tf.reduce_sum(x) + 40.0, tf.int32)
    return tf.image.resize(x, (side, side))


def test_sizes_that_no_trace_knows_are_found_by_running():
    made = open_sides(layers.Lambda(shaped_by_pixels, output_shape=(None, None, 1)))
    with pytest.raises(ValueError, match=r"level 1.*output \(1, 40, 40, 1\), target \(4, 20, 20"):
        check_model_fits(made, data())


def test_a_model_that_runs_eagerly_alone_is_judged_by_running():
    made = Aside()
    made(np.zeros((1, 8, 8, 1), "float32"))
    spec = tf.TensorSpec((2, 8, 8, 1))
    assert made_shapes(made, spec) == [(1, 8, 8, 1)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: open_sides(keras.Sequential([layers.Conv2D(1, 1), layers.BatchNormalization()])),
        lambda: unet(lambda a, b: layers.Add()([a, b])),
        lambda: unet(cat),
    ],
)
def test_a_network_of_keras_own_layers_is_not_even_traced(make, monkeypatch):
    made = make()
    monkeypatch.setattr(module, "spec_of_call", None)
    check_model_fits(made, data(32))


def test_nothing_moves_and_no_loss_is_left_behind():
    inputs = keras.Input((None, None, 1))
    hidden = layers.Dropout(0.5)(layers.BatchNormalization()(inputs))
    hidden = layers.ActivityRegularization(1.0)(doubled()(hidden))
    made = model(inputs, hidden)
    before = [np.array(v.numpy()) for v in made.variables]
    made_shapes(made, tf.TensorSpec((2, 8, 8, 1)))
    for mine, theirs in zip(made.variables, before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not made.losses


# Inputs that fix a side


def test_fixed_frames_are_fine_where_frames_are_not_halved():
    video = data(16, (2, 4), of=(8,), spatial_axes=(1, 2))
    check_model_fits(open_sides(layers.Conv3D(1, 3, padding="same"), (8, None, None, 1)), video)
    fixed = open_sides(layers.Conv3D(1, 3, padding="same"), (8, 16, None, 1))
    with pytest.raises(ValueError, match=r"keras\.Input\(\(8, None, None, 1\)\)"):
        check_model_fits(fixed, video)
    other = open_sides(layers.Conv3D(1, 3, padding="same"), (4, None, None, 1))
    with pytest.raises(ValueError, match="images of level 0"):
        check_model_fits(other, video)


@pytest.mark.parametrize("by_name", [True, False])
def test_a_fixed_input_beside_the_image_is_fine(by_name):
    image, other = keras.Input((None, None, 1), name="b"), keras.Input((3, 5, 2), name="a")
    number = layers.Dense(1)(layers.Flatten()(other))
    outputs = layers.Add()([image, layers.Reshape((1, 1, 1))(number)])
    made = model({"b": image, "a": other} if by_name else [image, other], outputs)
    x, a = np.zeros((14, 32, 32, 1), "float32"), np.zeros((14, 3, 5, 2), "float32")
    example = ({"b": x, "a": a} if by_name else (x, a), x)
    dataset = keras_ms.MultiscaleDataset(
        example, levels=(2, 4), roles={"x/a" if by_name else "x/1": "label"}
    )
    check_model_fits(made, dataset)


def batches_of_signals():
    signals = np.zeros((64, 32, 2), "float32")
    return lambda: ((signals[:32], signals[:32]) for _ in range(2))


@pytest.mark.parametrize(
    ("examples", "dims", "channels"),
    [
        ((np.zeros((4, 16, 20), "float32"),) * 2, 2, 1),
        ((np.zeros((4, 16, 16, 20), "float32"),) * 2, 3, 1),
        (batches_of_signals(), 1, 2),
    ],
)
def test_examples_of_other_dimensions_than_the_network_are_refused(examples, dims, channels):
    inputs = keras.Input((*(None,) * dims, channels))
    conv = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[dims - 1]
    made = model(inputs, conv(channels, 1)(inputs))
    data = keras_ms.MultiscaleDataset(examples, levels=(1, 2), steps_per_epoch=1)
    with pytest.raises(ValueError, match=f"takes images of {dims} dimensions.*spatial_dims={dims}"):
        made.fit(data, verbose=0)
