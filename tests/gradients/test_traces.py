"""Levels share traces, of plain steps and of terms, where network, losses and metrics allow it."""

import functools

import keras
import numpy as np
import pytest
from conftest import pair_dataset

import keras_ms
from keras_ms.gradients import terms

LEVELS = 3


def train(
    loss="mse",
    metrics=(),
    cls=keras_ms.MultiscaleModel,
    telescoping=False,
    control_weights=None,
    **options,
):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    hidden = keras.layers.GroupNormalization(2)(hidden)
    model = cls(inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden))
    model.compile(keras.optimizers.Adam(1e-2), loss, metrics=list(metrics), **options)
    weights = {"control_weights": control_weights}
    dataset = pair_dataset((2, 3, 4), telescoping=telescoping, **weights)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 2), 2)
    history = model.fit(dataset, epochs=schedule.epochs, callbacks=[schedule], verbose=0)
    return model, history


@pytest.fixture
def traces(monkeypatch):
    """Grows by one with every trace of a step."""
    calls = []
    step = keras_ms.MultiscaleModel.train_step
    counted = lambda self, data: (calls.append(1), step(self, data))[1]  # noqa: E731
    monkeypatch.setattr(keras_ms.MultiscaleModel, "train_step", counted)
    return calls


def test_plain_stages_share_a_trace(traces):
    train(metrics=["mae"])
    assert len(traces) == 1


def test_sums_are_traced_for_every_stage(traces):
    train(telescoping=True)
    assert len(traces) == LEVELS


@pytest.fixture
def terms_traced(monkeypatch):
    """Grows by a name with every trace of a gradient of one level."""
    names = []

    def noting(name, gradients):
        return lambda *args: (names.append(name), gradients(*args))[1]

    for name in ("finest_gradients", "side_gradients"):
        monkeypatch.setattr(terms, name, noting(name, getattr(terms, name)))
    return names


def test_sums_of_all_stages_share_the_traces_of_their_terms(terms_traced):
    train(telescoping=True)
    assert sorted(terms_traced) == ["finest_gradients", "side_gradients"]


def test_eager_steps_trace_nothing(terms_traced):
    train(telescoping=True, run_eagerly=True)
    # Two steps in each stage: the second has one pair of levels, the third two. The third is
    # rehearsed by one step.
    assert sorted(terms_traced) == ["finest_gradients"] * 5 + ["side_gradients"] * 8


@functools.cache
def trained_by_a_trace_per_stage(**options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_ms.training.fit_run.plain_spec", lambda model, dataset: None)
        return train(metrics=["mae"], **options)


@pytest.mark.parametrize("execution", [{}, {"jit_compile": True}, {"steps_per_execution": 2}])
def test_the_weights_are_those_of_a_trace_per_stage(execution):
    """However steps are executed: one reference is for all."""
    assert_same_run(
        train(metrics=["mae"], telescoping=True, **execution),
        trained_by_a_trace_per_stage(telescoping=True),
    )


@pytest.mark.parametrize(
    "options", [{"telescoping": False}, {"telescoping": True, "control_weights": (0.5, 0.25)}]
)
def test_so_are_those_of_plain_stages_and_of_weighted_sums(options):
    assert_same_run(train(metrics=["mae"], **options), trained_by_a_trace_per_stage(**options))


def assert_same_run(first, second, rtol=1e-4):
    (shared, of_shared), (single, of_single) = first, second
    for a, b in zip(shared.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)
    for name, values in of_shared.history.items():
        np.testing.assert_allclose(values, of_single.history[name], rtol=rtol)


@pytest.mark.parametrize(
    ("loss", "metrics"),
    [(keras_ms.losses.NegativeSSIM(), ()), ("mse", (keras_ms.metrics.SSIM(),))],
)
def test_ssim_fits_its_window_to_meshes_below_11_pixels(loss, metrics, traces):
    shared = train(loss=loss, metrics=metrics)
    assert len(traces) == 1
    assert np.all(np.isfinite(shared[1].history["loss"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_ms.training.fit_run.plain_spec", lambda model, dataset: None)
        assert_same_run(shared, train(loss=loss, metrics=metrics), rtol=2e-3)


def of_known_sides(y, y_pred):
    return keras.ops.mean((y - y_pred) ** 2) * (y.shape[1] // 8)


class TotalOfKnownSides(keras.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(keras.ops.mean(y_pred) * (y_true.shape[1] // 8))


@pytest.mark.parametrize(
    "options", [{"loss": of_known_sides}, {"metrics": [TotalOfKnownSides(name="total")]}]
)
def test_losses_and_metrics_that_need_the_sides_get_them(options, traces):
    _, history = train(**options)
    assert len(traces) == LEVELS
    assert np.all(np.isfinite(history.history["loss"]))


def test_a_train_step_of_ones_own_sees_every_level():
    sides = []

    class OwnStep(keras_ms.MultiscaleModel):
        def train_step(self, data):
            sides.append(data.fine[data.finest][0].shape[1])
            return super().train_step(data)

    train(cls=OwnStep)
    assert sides == [32, 8, 16]  # the finest is rehearsed, and traced, first


class Ramp(keras.layers.Layer):
    """Builds on sides that it knows."""

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return x + np.linspace(-1.0, 1.0, x.shape[1], dtype="float32")[:, np.newaxis, np.newaxis]


class Moody(keras.layers.Layer):
    """Does something else where it does not know the sides."""

    def call(self, x):
        return x if x.shape[1] is None else x * (x.shape[1] / 10.0)


@pytest.mark.parametrize("layer", [Ramp, Moody])
@pytest.mark.parametrize("telescoping", [False, True])
def test_networks_that_look_at_their_sides_know_them(layer, telescoping):
    losses = []
    for run_eagerly in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((None, None, 3))
        outputs = keras.layers.Conv2D(3, 3, padding="same")(layer()(inputs))
        model = keras_ms.MultiscaleModel(inputs, outputs)
        model.compile(keras.optimizers.SGD(0.05), "mse", run_eagerly=run_eagerly)
        data = pair_dataset((2, 3), telescoping=telescoping)
        losses.append(model.fit(data, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)


class Recompiles(keras.callbacks.Callback):
    """Unfreezes the first convolution after an epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.layers[1].trainable = True
            self.model.compile(keras.optimizers.SGD(0.05), "mse")
            self.model.make_train_function(force=True)


def test_a_model_that_is_compiled_anew_within_fit_is_traced_anew():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden))
    model.layers[1].trainable = False
    model.compile(keras.optimizers.SGD(0.05), "mse")
    data = pair_dataset((2, 3))
    before = model.layers[1].get_weights()[0]
    model.fit(data, epochs=2, callbacks=[Recompiles()], verbose=0)
    assert not np.array_equal(model.layers[1].get_weights()[0], before)
