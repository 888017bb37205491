"""The loss of a batch, taken in chunks of one size where it is no mean over samples.

The telescoping sum is exact if both occurrences of a level have one expectation. The loss of a
batch that couples its samples (Dice, a mean over the pixels that are labelled) has another
expectation at another batch size. The mean of such losses of chunks of one size has not.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.skipped import first_level_outside
from keras_ms.gradients.loss_law import LossLaw, loss_law
from keras_ms.gradients.model_fits import check_replicas
from keras_ms.keras_internals.losses import loss_of, mask_of, with_mask
from keras_ms.levels import Stage

Tensor = Any


class Chunks(NamedTuple):
    """How the loss of a batch is taken.

    Attributes:
        size: Samples whose loss is taken together; `None` if that makes no difference.
        why: What the loss does that makes it necessary; empty if it is not.
    """

    size: int | None = None
    why: str = ""

    @property
    def line(self) -> str:
        """What was decided, in a sentence; empty if the loss is a mean over samples."""
        if self.size is None:
            return ""
        return f"loss: {self.why}; taken in chunks of {self.size}, the batch size of level 0"

    @property
    def unit(self) -> int:
        """What batch sizes have to be multiples of."""
        return self.size or 1

    def share(self, replicas: int) -> int | None:
        """Samples of a chunk on each of the replicas that share every batch."""
        return None if self.size is None else max(1, self.size // replicas)


WHOLE = Chunks()
"""The loss of a batch as it is."""


def chunks_for(model: keras.Model, dataset: MultiscaleDataset) -> Chunks:
    """Decides how the loss of a batch is taken, by what kind of loss it is.

    Args:
        model: A compiled model.
        dataset: What it trains on, or is measured on.

    Returns:
        The loss as it is where it is a mean over samples, or there is one level only. Else chunks
        of the batch size of the finest level: that of its stage or, where that does not divide all
        batches, as it may not after sizes were measured, that of its `Levels`.

    Raises:
        ValueError: If the loss is no number, or grows with the number of samples; or if it has to
            be taken in chunks that do not divide the batch sizes of the telescoping sum, or that
            replicas cannot share.

    Warns:
        UserWarning: If a chunk is a single sample, of which the loss has no gradient.
    """
    if dataset.levels.num_levels == 1:
        return WHOLE
    law = loss_law(model, dataset)
    if law.is_mean:
        return WHOLE
    chunks = _chunks(model, dataset, law)
    share = chunks.share(model.distribute_strategy.num_replicas_in_sync)
    _warn_of_silence(law, f"chunks of {share}", share)
    return chunks


def whole_for(model: keras.Model, dataset: MultiscaleDataset) -> Chunks:
    """The loss of a batch as it is, for a dataset of plain batches.

    Args:
        model: A compiled model.
        dataset: What it trains on, one level in a step.

    Raises:
        ValueError: If the loss is no number, or grows with the number of samples.

    Warns:
        UserWarning: If a batch is a single sample, of which the loss has no gradient.
    """
    if dataset.levels.num_levels > 1:
        size = dataset.levels.batch_sizes[0] // model.distribute_strategy.num_replicas_in_sync
        _warn_of_silence(loss_law(model, dataset), f"batches of {size}", size)
    return WHOLE


def _warn_of_silence(law: LossLaw, taken: str, size: int | None) -> None:
    if law.silent_alone and size == 1:
        warnings.warn(
            f"A single sample has no gradient of {law.silent_alone}, so nothing is learned from "
            f"it. Received: a loss taken of {taken}. Use a larger batch on level 0, such as that "
            "of levels=(4, 8, 16).",
            stacklevel=first_level_outside(),
        )


def _chunks(model: keras.Model, dataset: MultiscaleDataset, law: LossLaw) -> Chunks:
    size, least = dataset.stages[0].batch_sizes[0], dataset.levels.batch_sizes[0]
    replicas = model.distribute_strategy.num_replicas_in_sync
    measured = Chunks(least + -least % replicas, law.why)
    if dataset.allocation == "measured":
        return measured
    check_replicas(dataset.stages[:1], replicas)
    if not _divides(size, dataset) and _divides(measured.unit, dataset):
        return measured
    if dataset.telescoping:
        check_chunks(Chunks(size, law.why), dataset.stages)
    return Chunks(size, law.why)


def _divides(unit: int, dataset: MultiscaleDataset) -> bool:
    return not any(size % unit for stage in dataset.stages for size in stage.batch_sizes)


def check_chunks(chunks: Chunks, stages: Sequence[Stage]) -> None:
    """Checks that chunks divide all batches.

    Raises:
        ValueError: If they do not; it names sizes that would do.
    """
    unit = chunks.unit
    for stage in stages:
        sizes = stage.batch_sizes
        if any(size % unit for size in sizes):
            rounded = tuple(size + -size % unit for size in sizes)
            raise ValueError(
                f"The loss has to be taken in chunks of {unit} samples, the batch size of level 0, "
                f"which do not divide all batches. Received: batch_sizes={sizes}, and {chunks.why}."
                f" Use multiples of {unit}, such as {rounded}, or a loss that is a mean over "
                "samples. (If it is one, set `model.loss_is_mean = True`.)"
            )


def loss_in_chunks(
    model: keras.Model, pair: tuple[Any, Any, Any], y_pred: Any, chunk: int | None
) -> Tensor:
    """The loss of a batch: as it is, or the mean of the losses of its chunks.

    What a loss does to the state of the model (trackers of the losses of single outputs) it does
    once for each chunk. Losses of layers and regularizers count once.

    Args:
        model: A compiled model.
        pair: `(x, y, sample_weight)`, the last `None` if there is none.
        y_pred: Outputs of the model.
        chunk: Samples in a chunk, a divisor of the batch size; `None` for the batch as it is.

    Returns:
        A scalar.
    """
    x, y, sample_weight = pair
    if chunk is None:
        return loss_of(model, x, y, y_pred, sample_weight)
    if keras.tree.flatten(x)[0].shape[0] == chunk:
        return _number(loss_of(model, x, y, y_pred, sample_weight))
    return tf.reduce_mean(losses_of_chunks(model, pair, y_pred, chunk))


def losses_of_chunks(
    model: keras.Model,
    pair: tuple[Any, Any, Any],
    y_pred: Any,
    chunk: int,
    scope: keras.StatelessScope | None = None,
) -> Tensor:
    """The loss of each chunk of a batch.

    Args:
        model: A compiled model.
        pair: As in `loss_in_chunks`.
        y_pred: Outputs of the model.
        chunk: Samples in a chunk, a divisor of the batch size.
        scope: The scope that this is called in, if any; what losses do to variables is dropped.

    Returns:
        `(chunks,)`.
    """
    x, y, sample_weight = pair
    structure = (x, y, y_pred, sample_weight)
    masks = [mask_of(leaf) for leaf in keras.tree.flatten(y_pred)]
    leaves = [*keras.tree.flatten(structure), *masks]
    there = [index for index, leaf in enumerate(leaves) if leaf is not None]

    def of_chunk(parts: list[Tensor]) -> Tensor:
        found: list[Any] = [None] * len(leaves)
        for index, part in zip(there, parts, strict=True):
            found[index] = part
        own = found[: len(leaves) - len(masks)]
        x, y, made, weight = keras.tree.pack_sequence_as(structure, own)
        for leaf, mask in zip(keras.tree.flatten(made), found[len(own) :], strict=True):
            with_mask(leaf, mask)
        with _within(scope):
            return _number(loss_of(model, x, y, made, weight))

    # One after the other: what a loss does to variables must not depend on who is first.
    return tf.map_fn(
        of_chunk,
        [_in_chunks(leaves[index], chunk) for index in there],
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((), keras.config.floatx()),
    )


def loops_run(model: keras.Model, chunk: int | None) -> bool:
    """Whether `loss_in_chunks` runs where the batch size is not known when it is traced.

    XLA needs to know how often the loop runs that it has to differentiate.
    """
    return chunk is None or not model.jit_compile


def _number(loss: Tensor) -> Tensor:
    return tf.cast(tf.reshape(loss, ()), keras.config.floatx())


def _in_chunks(tensor: Tensor, chunk: int) -> Tensor:
    """`(batch, ...)` as `(chunks, chunk, ...)`."""
    rest = tf.shape(tensor)[1:]
    found = tf.reshape(tensor, tf.concat([[-1, chunk], rest], axis=0))
    return tf.ensure_shape(found, (None, chunk, *tensor.shape[1:]))


def _within(scope: keras.StatelessScope | None) -> Any:
    """A scope like the one around, whose own updates end with a chunk."""
    if scope is None:
        return contextlib.nullcontext()
    inner = keras.StatelessScope(collect_losses=True, initialize_variables=False)
    inner.state_mapping, inner.losses = dict(scope.state_mapping), list(scope.losses)
    return inner
