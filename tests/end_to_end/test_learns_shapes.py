"""Segmentation through the public interface: a small U-Net tells circles from squares."""

import keras
import numpy as np

import keras_ms

CLASSES, VOID, SIDE = 3, 255, 32


def scenes(count, seed):
    """A bright circle (1) and a bright square (2) on dark ground (0); their outlines are void."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((count, SIDE, SIDE), "uint8")
    for mask in masks:
        row, other = rng.integers(6, SIDE - 6, 2)
        halves = rng.permutation([rng.integers(6, 10), rng.integers(22, 26)])
        apart = [np.hypot(rows - row, columns - halves[0]) - 5.5]
        apart.append(np.maximum(abs(rows - other), abs(columns - halves[1])) - 4.5)
        for label, distance in enumerate(apart, 1):
            mask[distance < 0.0] = label
            mask[abs(distance) < 0.4] = VOID
    shades = np.where(masks == 0, -0.5, 0.5)[..., np.newaxis]
    return (shades + rng.normal(0.0, 0.1, (*masks.shape, 3))).astype("float32"), masks


def test_full_multiscale_training_tells_circles_from_squares():
    train = keras_ms.MultiscaleDataset(
        scenes(64, 0), levels=(4, 8), image_size=SIDE, steps_per_epoch=20, flip=True, rotate=True
    )
    network = keras_ms.networks.UNet(width=8, multipliers=(1, 2), dropout=0.0, outputs=CLASSES)
    model = keras_ms.MultiscaleModel.from_model(network)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 160)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID),
        metrics=[keras.metrics.MeanIoU(CLASSES, "iou", ignore_class=VOID, sparse_y_pred=False)],
    )
    stages = keras_ms.FullMultiscaleSchedule((60, 100), train.steps_per_epoch)
    model.fit(train, epochs=8, callbacks=[stages], verbose=0, rehearse=False)
    x, y = scenes(16, 1)
    # Brightness alone tells ground from things: 1, 1/2 and 0, so a mean of 1/2.
    assert model.evaluate(x, y, verbose=0, return_dict=True)["iou"] > 0.75
    assert {*np.unique(np.argmax(model.predict(x, verbose=0), -1))} == {0, 1, 2}
