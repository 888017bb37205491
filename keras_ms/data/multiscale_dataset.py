"""MultiscaleDataset: what `MultiscaleModel.fit` takes."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms import restriction as restrictions
from keras_ms.data import fields, geometry
from keras_ms.data.batch import weights_of_terms
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.prompt_end import ending_promptly
from keras_ms.data.pyramid import CACHE_BYTES
from keras_ms.data.stages import checked_stage, checked_stages, hierarchy, stages_of
from keras_ms.data.task_batches import TaskBatches
from keras_ms.levels import Levels, Stage
from keras_ms.tasks import Task
from keras_ms.validation import checked_weights, positive_integer


class MultiscaleDataset:
    """Batches for Multiscale Gradient Estimation, one `tf.data` pipeline per stage.

    The element of a step is a `MultiscaleBatch`: for each active level the batch of its term and,
    but for the coarsest, the same samples one level coarser, sharing every random draw. The terms
    hold different images, taken in turn from a shuffled visit of all of them. Images are decoded
    and coarsened once and cut at each level's own resolution, so a coarse batch costs coarse
    pixels (`"degrade_first"` is the exception: it degrades on the finest mesh).

    Args:
        images: With a task: clean images, an iterable of arrays, such as
            `keras_ms.data.FolderImages`, or a finite `tf.data.Dataset` of them,
            `(*spatial, channels)`, uint8 in [0, 255] or floating in [0, 1], of any sizes not
            smaller than `image_size`; it is gone through once, here. Without one (`task=None`): a
            `tf.data.Dataset` of your own unbatched `(x, y)` or `(x, y, sample_weight)`, nested as
            you like; tensors of shape `(*spatial, channels)`, or `(*spatial)` with just the sides
            of the target, are restricted, all others (labels, weights) left alone. Class maps,
            being integers, are restricted by stride. It is repeated but never reordered: shuffle
            it yourself.
        task: A `keras_ms.tasks.Task`, or `None`.
        levels: `Levels`, or a tuple of batch sizes, finest first; or `"auto"`: as many levels as
            leave the coarsest mesh 16 pixels wide, and, once `fit` has measured the gradients, on
            each stage the cheapest batches that are as certain as a plain one of 16 images.
        image_size: Sides of the finest crops, in pixels; one integer for all axes. Without a task
            it may be left out: it is the size of the targets.
        steps_per_epoch: Steps of one epoch, at every stage.
        coarsening: `"task"` (default): the clean image is coarsened and the same task posed again.
            `"degrade_first"`: the pair is made on the finest mesh and restricted (the paper's).
            `"crop"`: coarse levels see the central half, pixels as they are.
            `"coarsen_and_crop"`: first one, then the other, and so on. Without a task, `"task"`
            restricts the pairs.
        restriction: How *pairs* are coarsened, `"average"` (default) or `"stride"`; clean images
            under a task are always averaged.
        flip: Whether a random half of the images is mirrored left to right. Only with a task.
        mean: Mean subtracted from images scaled to [0, 1]; a number or one per channel.
        std: Standard deviation divided by, likewise. The defaults 0.5 and 0.5 map to [-1, 1].
        telescoping: Whether steps hold the telescoping sum. If not, a step of the stage with
            finest level `s` is a plain batch of `N_s` images of level `s` ("progressive").
        control_weights: One number `a_l` per pair of levels, finest first: level `l + 1` is taken
            away, and added again, `a_l` times. The expectation is the same for any; well chosen
            (`LevelReport.control_weights`) they make the sum less uncertain. Defaults to 1.
        seed: Same seed, same batches.
        prefetch: Batches prepared ahead. Defaults to `tf.data.AUTOTUNE`.
        cache_bytes: Bytes of pixels of images and their coarser levels to keep in memory. Pixels
            that do not fit, finest levels first, go to a temporary file (set `TMPDIR` for another
            disk), and are never decoded again. Used with a task. Defaults to 4 GiB.

    Raises:
        ValueError: If the levels do not fit the image size, images are missing, malformed or
            smaller than the crop, input and target sizes are incompatible, or an option is
            unknown.

    Example:
        >>> dataset = keras_ms.MultiscaleDataset(
        ...     keras_ms.data.photos("train"), keras_ms.tasks.Denoising(),
        ...     levels=(2, 4, 8), image_size=64, steps_per_epoch=10)
        >>> batch = next(iter(dataset.stage(finest=1)))
        >>> batch.fine[1][0].shape, batch.coarse[1][0].shape
        (TensorShape([4, 32, 32, 3]), TensorShape([4, 16, 16, 3]))
    """

    def __init__(
        self,
        images: Iterable[Any],
        task: Task | None = None,
        levels: Levels | Sequence[int] | str = (16, 32, 64, 128),
        image_size: int | Sequence[int] | None = None,
        steps_per_epoch: int = 250,
        coarsening: str = "task",
        restriction: str = "average",
        flip: bool = True,
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.5,
        telescoping: bool = True,
        control_weights: Sequence[float] | None = None,
        seed: int = 0,
        prefetch: int = tf.data.AUTOTUNE,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.allocation = "measured" if isinstance(levels, str) else "given"
        self.levels = hierarchy(levels, images, task, image_size)
        self.telescoping, self._prefetch = telescoping, prefetch
        _check_options(images, task, seed, prefetch, cache_bytes)
        weights: tuple[float, ...] = ()
        if control_weights is not None:
            weights = checked_weights(control_weights, self.levels.num_levels)
        self.stages = stages_of(self.levels, telescoping, weights)
        self.steps_per_epoch = positive_integer(steps_per_epoch, "steps_per_epoch")
        geometry.transitions(coarsening, self.levels.num_levels)
        restrictions.get(restriction)
        if task is None:
            sides = None if image_size is None else self.levels.mesh_sizes(image_size)[0]
            pairs = PairBatches(images, self.levels, sides, coarsening, restriction, seed)
            self._batches: PairBatches | TaskBatches = pairs
            self.image_size = pairs.sides
        else:
            if image_size is None:
                raise ValueError("With a task, `image_size` must be given. Received: None.")
            self.image_size = self.levels.mesh_sizes(image_size)[0]
            self._batches = TaskBatches(
                images,
                task,
                self.levels,
                self.image_size,
                coarsening,
                restriction,
                flip,
                mean,
                std,
                seed,
                cache_bytes,
            )
        self.mesh_sizes = self.levels.mesh_sizes(self.image_size)
        self._specs = self._batches.specs()
        fields.check_pair(self._specs[0], self.image_size, self.levels.num_levels)

    def __repr__(self) -> str:
        # Keras shows it where a stock model is to train on it.
        return (
            f"<MultiscaleDataset of meshes {self.mesh_sizes}: for `fit` of a "
            "keras_ms.MultiscaleModel, which MultiscaleModel.from_model(model) makes of any "
            "functional or Sequential model>"
        )

    def replaced(
        self, steps_per_epoch: int | None = None, stages: Sequence[Stage] | None = None
    ) -> MultiscaleDataset:
        """A dataset of the same images, already decoded, in other steps.

        Args:
            steps_per_epoch: Steps of one epoch. Defaults to this dataset's.
            stages: What the steps of each stage hold, by finest level, finest first. Defaults to
                this dataset's; given ones are not measured any more.

        Raises:
            ValueError: If there is not one stage per level, or its batch sizes or weights do not
                fit.
        """
        other = copy.copy(self)
        if steps_per_epoch is not None:
            other.steps_per_epoch = positive_integer(steps_per_epoch, "steps_per_epoch")
        if stages is not None:
            other.stages, other.allocation = checked_stages(self.levels, stages), "given"
        return other

    def active_levels(self, finest: int = 0) -> tuple[int, ...]:
        """Levels that take part in the stage whose finest level is `finest`."""
        return tuple(range(finest, finest + len(self.batch_sizes(finest))))

    def batch_sizes(self, finest: int = 0) -> tuple[int, ...]:
        """Batch sizes of the terms of the stage whose finest level is `finest`, finest first."""
        self.levels.check_level(finest)
        return self.stages[finest].batch_sizes

    def work_units(self, finest: int = 0) -> float:
        """Cost of one step of the stage whose finest level is `finest`, in work units."""
        return self.levels.step_work_units(finest, self.batch_sizes(finest))

    def pair_spec(self, level: int = 0) -> Any:
        """Spec of the batched `(x, y)` or `(x, y, sample_weight)` of `level`, batch size `N_l`."""
        self.levels.check_level(level)
        size = self.levels.batch_sizes[level]
        return keras.tree.map_structure(
            lambda leaf: tf.TensorSpec((size, *leaf.shape[1:]), leaf.dtype), self._specs[level]
        )

    def stage(
        self,
        finest: int = 0,
        start: int = 0,
        batch_sizes: Sequence[int] | None = None,
        control_weights: Sequence[float] | None = None,
    ) -> tf.data.Dataset:
        """Endless batches of one stage.

        Args:
            finest: Finest active level.
            start: First step: batch `k` of `stage(finest, start)` is batch `start + k` of
                `stage(finest)`.
            batch_sizes: Batch sizes of the terms of a telescoping sum from `finest` on, finest
                first; a single one is a plain batch. Defaults to those of `batch_sizes(finest)`.
            control_weights: One per pair of the stage's levels, finest first; empty for 1.
                Defaults to the dataset's.

        Returns:
            A `tf.data.Dataset` of `MultiscaleBatch`.

        Raises:
            ValueError: If `finest` is not a level, there are more batch sizes than levels, or
                weights do not fit them.
        """
        self.levels.check_level(finest)
        own = self.stages[finest]
        sizes = own.batch_sizes if batch_sizes is None else tuple(batch_sizes)
        if control_weights is None:
            control_weights = own.control_weights[: len(sizes) - 1]
        chosen = checked_stage(self.levels, Stage(finest, sizes, tuple(control_weights)))
        stream = self._batches.stream(finest, chosen.batch_sizes, start)
        if chosen.control_weights:
            depth = self.levels.num_levels
            stream = stream.map(
                lambda batch: batch._replace(weights=weights_of_terms(depth, chosen))
            )
        return ending_promptly(stream.prefetch(self._prefetch))


def _check_options(images: Any, task: Any, seed: Any, prefetch: Any, cache_bytes: Any) -> None:
    if images is None or not (task is None or isinstance(task, Task)):
        raise ValueError(
            "`images` are arrays or a tf.data.Dataset, `task` a keras_ms.tasks.Task or None. "
            f"Received: images of type {type(images).__name__}, task={task!r}. Use for example "
            "keras_ms.tasks.get('denoising')."
        )
    if not (isinstance(seed, numbers.Integral) and isinstance(prefetch, numbers.Integral)):
        raise ValueError(
            f"`seed` and `prefetch` are integers. Received: seed={seed}, prefetch={prefetch}."
        )
    if prefetch < 0 and prefetch != tf.data.AUTOTUNE:
        raise ValueError(
            "`prefetch` is a number of batches, not negative, or tf.data.AUTOTUNE. "
            f"Received: prefetch={prefetch}."
        )
    if not isinstance(cache_bytes, numbers.Integral) or cache_bytes < 0:
        raise ValueError(
            f"`cache_bytes` is a number of bytes, 0 or more. Received: cache_bytes={cache_bytes}."
        )
