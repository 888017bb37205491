import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.races import mask_quality

VOID = 3


def pairs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4, 6, 8, 3)).astype("float32")
    y = rng.choice([0, 1, VOID], (4, 6, 8)).astype("uint8")  # class 2 is nowhere
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(3)


def logits(x, training):
    """Class 2 is never predicted."""
    return keras.ops.where(keras.ops.equal(keras.ops.arange(3), 2), -20.0, x)


def test_quality_is_that_of_keras_over_all_pixels_that_are_of_a_class():
    found = mask_quality.judged(logits, pairs(), 3, VOID)
    iou = keras.metrics.MeanIoU(3, ignore_class=VOID, sparse_y_pred=False)
    x, y = next(iter(pairs().unbatch().batch(4)))
    iou.update_state(y, logits(x, False))
    assert found["mean_iou"] == pytest.approx(float(iou.result()), rel=1e-5)
    assert found["iou"][2] is None
    wanted = np.asarray(tf.nn.log_softmax(logits(x, False)))[y != VOID]
    picked = wanted[np.arange(len(wanted)), y[y != VOID]]
    assert found["crossentropy"] == pytest.approx(-picked.mean(), rel=1e-5)
    right = wanted.argmax(-1) == np.asarray(y[y != VOID])
    assert found["accuracy"] == pytest.approx(right.mean())


def test_a_confusion_matrix_gives_iou_by_class():
    found = mask_quality.of_confusion(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert found == {"accuracy": 0.875, "mean_iou": pytest.approx(0.775), "iou": [0.75, 0.8, None]}
