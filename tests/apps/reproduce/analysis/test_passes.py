import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from apps.reproduce.analysis import passes
from keras_ms.gradients.terms import Terms

PIXELS = 2 * 32**2  # so that batches of the finest mesh, and joined ones, fall into parts


@pytest.fixture(scope="module")
def made():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(), "mse")
    dataset = pair_dataset((4, 6, 9), image_size=32)
    return model, dataset, next(iter(dataset.stage()))


def mean_loss(model, pair):
    x, y = pair
    return float(np.mean((model(x).numpy() - y.numpy()) ** 2))


def test_the_loss_in_passes_is_that_of_the_whole_batch(made):
    model, dataset, batch = made
    loss = passes.loss_function(model, dataset)
    parts = passes.plain(batch.fine[0], PIXELS)
    assert [part.weights.shape[0] for part in parts] == [2, 2]
    assert passes.total(loss, parts) == pytest.approx(mean_loss(model, batch.fine[0]), rel=1e-5)
    several = passes.telescoped(batch, PIXELS)
    assert passes.evaluations(several) == 2 * (4 + 6) + 9
    wanted = sum(mean_loss(model, pair) for pair in batch.fine)
    wanted -= sum(mean_loss(model, pair) for pair in batch.coarse if pair)
    assert passes.total(loss, several) == pytest.approx(wanted, rel=1e-5)


def test_the_gradient_in_passes_is_the_estimator_of_training(made):
    model, dataset, batch = made
    found = passes.total(passes.gradient_function(model, dataset), passes.telescoped(batch, PIXELS))
    wanted, _ = Terms(model).sum(batch)
    wanted = np.concatenate([np.ravel(gradient) for gradient in wanted])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
