"""How good masks are: cross-entropy and intersection over union, without what is void."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def judged(model: Any, pairs: tf.data.Dataset, classes: int, void: int | None) -> dict[str, Any]:
    """Judges a model by all pixels of some pairs that are of a class.

    Args:
        model: From pictures to logits.
        pairs: Batches of pictures and class maps.
        classes: Number of classes.
        void: What is no class, or `None`.

    Returns:
        `crossentropy` and `accuracy`, means over the pixels; `iou`, one number per class, `None` of
        those that are neither there nor predicted; `mean_iou` over the others.
    """
    confusion, total = np.zeros((classes, classes), np.int64), 0.0
    for x, y in pairs:
        truth, logits = _known(y, model(x, training=False), void)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits)
        total += float(tf.reduce_sum(tf.cast(nats, tf.float64)))
        both = classes * truth.numpy() + tf.argmax(logits, -1).numpy()
        confusion += np.bincount(both, minlength=classes**2).reshape(classes, classes)
    return {"crossentropy": total / max(1, confusion.sum()), **of_confusion(confusion)}


def _known(y: Any, logits: Any, void: int | None) -> tuple[Any, Any]:
    """Classes and logits of the pixels that are of a class."""
    truth = tf.cast(y, tf.int64)
    known = tf.ones_like(truth, tf.bool) if void is None else truth != void
    return tf.boolean_mask(truth, known), tf.boolean_mask(tf.cast(logits, tf.float32), known)


def of_confusion(confusion: np.ndarray) -> dict[str, Any]:
    """What a confusion matrix says, with a row per true class; see `judged`.

    Example:
        >>> of_confusion(np.array([[3, 1], [0, 4]]))
        {'accuracy': 0.875, 'mean_iou': 0.775, 'iou': [0.75, 0.8]}
    """
    hit = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hit
    iou = [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]
    mean = float(np.mean([value for value in iou if value is not None])) if hit.size else 0.0
    return {"accuracy": float(hit.sum() / max(1, confusion.sum())), "mean_iou": mean, "iou": iou}
