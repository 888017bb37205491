"""Datasets whose iterators end at once: training drops one when a stage changes."""

from __future__ import annotations

import tensorflow as tf


def ending_promptly(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without autotuning.

    The thread with which tf.data tunes an iterator may miss, on a busy machine, that the iterator
    ends. To drop it then takes until the thread's next round: as long again as it has run, or a
    minute. All cores do the same work here, so there is nothing to gain from tuning.

    Args:
        dataset: Any dataset.

    Returns:
        The same elements. `tf.data.AUTOTUNE` then means as many parallel calls as cores, and a
        prefetch buffer that grows when it runs empty.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
