"""One line makes a MultiscaleModel of a Keras model: its layers, weights and compile state."""

import pickle

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images, small_net

import keras_ms

layers = keras.layers
X = small_images(4)


def sequential(*shape):
    return keras.Sequential(
        [
            keras.Input(shape or (None, None, 3)),
            layers.Conv2D(4, 3, padding="same", activation="tanh"),
            layers.BatchNormalization(),
            layers.Conv2D(3, 3, padding="same"),
        ]
    )


def shared_layer():
    inputs = keras.Input((32, 32, 3))
    conv = layers.Conv2D(3, 3, padding="same")
    return keras.Model(inputs, conv(conv(inputs)))


def frozen_encoder_of_fixed_size():
    """As in TensorFlow's segmentation tutorial: a nested model that was built for one size."""
    inputs = keras.Input((32, 32, 3))
    hidden = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    encoder = keras.Model(inputs, [hidden, layers.BatchNormalization()(hidden)])
    encoder.trainable = False
    image = keras.Input((32, 32, 3))
    merged = layers.Concatenate()(encoder(image))
    return keras.Model(image, layers.Conv2DTranspose(3, 3, 2, padding="same")(merged))


def with_a_frozen_layer():
    model = sequential()
    model.layers[0].trainable = False
    return model


def frozen_outside_alone():
    model = sequential()
    model.trainable = False
    model.layers[-1].trainable = True
    return model


def multiscale():
    return keras_ms.MultiscaleModel(*small_net())


def flags(model):
    return [layer.trainable for layer in model._flatten_layers(include_self=False)]


@pytest.mark.smoke
@pytest.mark.parametrize(
    "make",
    [
        sequential,
        shared_layer,
        frozen_encoder_of_fixed_size,
        with_a_frozen_layer,
        frozen_outside_alone,
        multiscale,
    ],
)
def test_layers_and_flags_are_the_models_own(make):
    model = make()
    before, wanted = flags(model), model(X, training=False)
    made = keras_ms.MultiscaleModel.from_model(model)
    assert isinstance(made, keras_ms.MultiscaleModel)
    assert not made.compiled
    np.testing.assert_array_equal(made(X, training=False), wanted)
    assert list(map(id, made.weights)) == list(map(id, model.weights))
    trained = [list(map(id, m.trainable_variables)) for m in (made, model)]
    assert trained[0] == trained[1]
    assert flags(model) == before
    assert made.input_shape == (None, None, None, 3)
    assert np.all(np.isfinite(made(X[:, :16, :16], training=False)))


def test_a_multiscale_model_is_returned_as_it_is():
    model = multiscale()
    assert keras_ms.MultiscaleModel.from_model(model) is model


@pytest.mark.smoke
def test_the_compile_state_and_the_optimizers_slots_go_along():
    model = sequential(32, 32, 3)
    bad_to_serialize = lambda y, p: keras.ops.mean((y - p) ** 2)  # noqa: E731
    model.compile(
        keras.optimizers.Adam(1e-3),
        bad_to_serialize,
        loss_weights=2.0,
        metrics=["mae"],
        weighted_metrics=["mse"],
        steps_per_execution=2,
        run_eagerly=True,
    )
    model.fit(X, X, batch_size=2, verbose=0)
    made = keras_ms.MultiscaleModel.from_model(model)
    assert made.optimizer is model.optimizer
    assert made.loss is bad_to_serialize
    assert made.steps_per_execution == 2
    assert (made.jit_compile, made.run_eagerly) == (False, True)
    wanted = model.evaluate(X, X, verbose=0, return_dict=True)
    assert made.evaluate(X, X, verbose=0, return_dict=True) == pytest.approx(wanted)
    made.fit(pair_dataset((2, 4)), verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert np.any(model.optimizer.variables[2].numpy())


def test_a_model_that_was_made_saves_loads_and_pickles(tmp_path):
    model = frozen_encoder_of_fixed_size()
    model.compile("adam", "mse", run_eagerly=True)
    made = keras_ms.MultiscaleModel.from_model(model)
    made.fit(pair_dataset((2, 4)), verbose=0)
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for other in (loaded, pickle.loads(pickle.dumps(made))):
        assert isinstance(other, keras_ms.MultiscaleModel)
        np.testing.assert_array_equal(other(X), made(X))
        assert len(other.trainable_variables) == len(made.trainable_variables) == 2
        assert int(other.optimizer.iterations) == 2
    for mine, theirs in zip(loaded.optimizer.variables, made.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_loss_scaling_is_as_the_model_had_it():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        models = [sequential(), sequential()]
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    for model, scales in zip(models, (True, False), strict=True):
        model.compile("sgd", "mse", auto_scale_loss=scales)
        made = keras_ms.MultiscaleModel.from_model(model)
        assert made.dtype_policy.name == "mixed_float16"
        assert made.optimizer is model.optimizer


def test_dictionaries_of_inputs_and_outputs_keep_their_names():
    inputs = {name: keras.Input((32, 32, 3), name=name) for name in ("a", "b")}
    model = keras.Model(inputs, {"sum": layers.Add()([inputs["a"], inputs["b"]])})
    made = keras_ms.MultiscaleModel.from_model(model)
    assert (set(made.input), set(made.output)) == ({"a", "b"}, {"sum"})
    np.testing.assert_array_equal(made({"a": X, "b": X})["sum"], 2 * X)


def test_an_input_that_its_layers_need_fixed_stays_so_and_fit_says_it():
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, layers.Reshape((32, 32, 3))(inputs))
    model.compile("sgd", "mse")
    made = keras_ms.MultiscaleModel.from_model(model)
    with pytest.raises(ValueError, match=r"level 1"):
        made.fit(pair_dataset((2, 4)), verbose=0)


@pytest.mark.parametrize("nested", [False, True])
def test_weights_that_fit_one_size_of_image_are_found_before_the_first_step(nested):
    head = keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(2)])
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.ReLU(), head]) if nested else head
    model.compile("sgd", "mse")
    data = keras_ms.MultiscaleDataset((X, np.zeros((len(X), 2), "float32")), levels=(2, 4))
    with pytest.raises(
        ValueError, match=r"does not take the images of level 1.*to have value 3072"
    ):
        keras_ms.MultiscaleModel.from_model(model).fit(data, verbose=0)


class Subclassed(keras.Model):
    def call(self, x):
        return x


class OwnLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(y_pred)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (Subclassed, "inherit from keras_ms.MultiscaleModel"),
        (lambda: OwnLoss(*small_net()), "OwnLoss, which has compute_loss of its own"),
        (lambda: keras.Sequential([layers.Conv2D(3, 3)]), r"Put keras.Input\(\(None, None"),
        (lambda: layers.Conv2D(3, 3), "A keras.Model is needed"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused(make, match):
    with pytest.raises(ValueError, match=match):
        keras_ms.MultiscaleModel.from_model(make())


def test_a_subclass_takes_inputs_and_outputs_or_says_so():
    class Mine(keras_ms.MultiscaleModel):
        pass

    class Width(keras_ms.MultiscaleModel):
        def __init__(self, width):
            super().__init__()

    assert isinstance(Mine.from_model(sequential()), Mine)
    with pytest.raises(ValueError, match="Width, which takes other arguments"):
        Width.from_model(sequential())


def test_a_stock_model_says_what_to_do_whatever_is_called():
    model = keras.Model(*small_net())
    model.compile("sgd", "mse")
    dataset = pair_dataset((2, 4))
    wanted = (
        r"(?s)`fit` of a keras_ms.*from_model\(model\).*`evaluate`, `predict` and validation_data"
    )
    on_batches = (model.train_on_batch, model.test_on_batch, model.predict_on_batch)
    for call in (model.fit, model.evaluate, model.predict, *on_batches):
        with pytest.raises(ValueError, match=wanted):
            call(dataset)
