"""KerasTuner tunes a MultiscaleModel: trials are built, saved, and gone on with."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images, small_net

import keras_ms


class Subclassed(keras_ms.MultiscaleModel):
    def __init__(self, width):
        super().__init__()
        self.convs = [keras.layers.Conv2D(w, 3, padding="same") for w in (width, 3)]

    def call(self, x):
        return self.convs[1](self.convs[0](x))


def functional(width):
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(width, 3, padding="same")(inputs)
    return keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden))


@pytest.mark.parametrize("make", [Subclassed, functional])
def test_hyperband_goes_on_from_the_trials_of_a_round(make, tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner")
    pytest.importorskip("tensorboard")  # which KerasTuner imports, and does not name

    def build(hp):
        model = make(hp.Int("width", 2, 3))
        model.compile(keras.optimizers.Adam(1e-2), "mse", run_eagerly=True)
        return model

    x = small_images(2)
    tuner = keras_tuner.Hyperband(
        build, "val_loss", max_epochs=2, factor=2, directory=tmp_path, seed=0
    )
    tuner.search(pair_dataset((1, 2), 1), validation_data=(x, x), verbose=0)
    trials = tuner.oracle.trials.values()
    assert {trial.status for trial in trials} == {"COMPLETED"}
    assert any("tuner/trial_id" in trial.hyperparameters.values for trial in trials)
    best = tuner.get_best_models()[0]
    score = tuner.oracle.get_best_trials()[0].score
    np.testing.assert_allclose(best.evaluate(x, x, verbose=0), score, rtol=1e-4)


@pytest.mark.parametrize("make", [Subclassed, functional])
def test_a_build_config_makes_the_variables_again(make, tmp_path):
    model = make(2)
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(pair_dataset((2, 4)), verbose=0)
    model.save_weights(tmp_path / "trial.weights.h5")
    other = make(2)
    other.compile("adam", "mse")
    other.build_from_config(model.get_build_config())
    assert other.built
    other.load_weights(tmp_path / "trial.weights.h5")
    for mine, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_model_that_is_built_or_has_no_build_config_stays_as_it_is():
    model = keras_ms.MultiscaleModel(*small_net())
    before = model.get_weights()
    for config in (None, {}, {"input_shape": (None, 8, 8, 3)}):
        model.build_from_config(config)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
