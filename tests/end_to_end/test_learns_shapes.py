"""Segmentation through the public interface: a small U-Net tells circles from squares."""

import keras
import numpy as np
from keras import layers

import keras_ms

CLASSES, VOID, SIDE = 3, 255, 32


def scenes(count, seed):
    """A reddish circle (1) and a bluish square (2) in noise on dark ground; outlines are void."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((count, SIDE, SIDE), "uint8")
    for mask in masks:
        row, other = rng.integers(6, SIDE - 6, 2)
        left, right = rng.permutation([rng.integers(6, 10), rng.integers(22, 26)])
        circle = np.hypot(rows - row, columns - left) - 5.5
        square = np.maximum(abs(rows - other), abs(columns - right)) - 4.5
        for label, distance in ((1, circle), (2, square)):
            mask[distance < 0.0] = label
            mask[abs(distance) < 0.4] = VOID
    colours = np.array([[-0.4, -0.4, -0.4], [0.4, 0.0, 0.0], [0.0, 0.0, 0.4]])
    images = colours[np.where(masks == VOID, 0, masks)] + rng.normal(0.0, 0.4, (*masks.shape, 3))
    return images.astype("float32"), masks


def small_unet():
    """Two meshes."""
    image = keras.Input((None, None, 3))
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    coarse = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(fine)
    coarse = layers.Conv2D(16, 3, padding="same", activation="relu")(coarse)
    both = layers.Concatenate()([fine, layers.UpSampling2D()(coarse)])
    return keras.Model(image, layers.Conv2D(CLASSES, 3, padding="same")(both))


def test_full_multiscale_training_tells_circles_from_squares():
    train = keras_ms.MultiscaleDataset(
        scenes(64, 0), levels=(4, 8), image_size=SIDE, steps_per_epoch=20, flip=True, rotate=True
    )
    model = keras_ms.MultiscaleModel.from_model(small_unet())
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
        metrics=[keras.metrics.MeanIoU(CLASSES, "iou", ignore_class=VOID, sparse_y_pred=False)],
    )
    stages = keras_ms.FullMultiscaleSchedule((40, 40), train.steps_per_epoch)
    model.fit(train, epochs=4, callbacks=[stages], verbose=0, rehearse=False)
    x, y = scenes(16, 1)
    chance = np.mean(y == 0) / np.mean(y != VOID) / CLASSES  # all is ground
    reached = model.evaluate(x, y, verbose=0, return_dict=True)["iou"]
    assert chance < 0.3
    assert reached > 0.75
