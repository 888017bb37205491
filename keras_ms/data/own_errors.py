"""Errors of a user's own source as they were raised, in the place of TensorFlow's around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

_SHOWN = 60  # letters by which an error is known again


@contextmanager
def own_errors(dataset: Any) -> Iterator[None]:
    """Raises what ended the reading of examples as it was raised.

    Args:
        dataset: The `MultiscaleDataset` that is iterated within.

    Raises:
        ValueError: Or whatever else the source raised.
    """
    try:
        yield
    except tf.errors.OpError as error:
        failure = dataset.pairs.reading.failure if dataset.pairs else None
        # Examples are read ahead: another error may come before that of the source.
        if failure is None or str(failure).partition("\n")[0][:_SHOWN] not in str(error):
            raise
        raise failure from failure.__cause__  # which TensorFlow's error would hide


def batches_of(dataset: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """The batches of `dataset.stage(...)`; errors of the source come as they were raised.

    Args:
        dataset: A `MultiscaleDataset`.
        *args: As for `MultiscaleDataset.stage`.
        **kwargs: Likewise.
    """
    with own_errors(dataset):
        yield from dataset.stage(*args, **kwargs)
