"""`.keras` files of earlier versions load: `recorded/unet.keras` was saved by version 0.1.0."""

import pathlib

import keras
import numpy as np

import keras_ms

RECORDED = pathlib.Path(__file__).parents[1] / "recorded"


def test_saved_model_loads_restores_and_trains_on():
    model = keras.models.load_model(RECORDED / "unet.keras")
    assert isinstance(model, keras_ms.MultiscaleModel)
    assert isinstance(model.loss, keras_ms.losses.NegativeSSIM)
    assert int(model.optimizer.iterations) == 3
    pictures = np.linspace(-1.0, 1.0, 2 * 9 * 10 * 3, dtype="float32").reshape(2, 9, 10, 3)
    restored = np.asarray(model(pictures, training=False))[:, ::3, ::3]
    np.testing.assert_allclose(restored, np.load(RECORDED / "unet_restored.npy"), atol=1e-4)
    images = [np.full((40, 40, 3), 100, np.uint8)]
    task = keras_ms.tasks.SuperResolution()
    dataset = keras_ms.MultiscaleDataset(images, task, (1, 2), 32, steps_per_epoch=1)
    history = model.fit(dataset, verbose=0).history
    assert {"loss", "psnr", "ssim"} <= set(history)
