"""MultiscaleDataset: what `MultiscaleModel.fit` takes."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from keras_ms import restriction as restrictions
from keras_ms.data import fields, geometry
from keras_ms.data.batch import weights_of_terms
from keras_ms.data.pair_batches import PairBatches, target_sides
from keras_ms.data.prompt_end import ending_promptly
from keras_ms.data.pyramid import CACHE_BYTES
from keras_ms.data.task_batches import TaskBatches
from keras_ms.levels import Levels, checked_weights, deepest
from keras_ms.tasks import Task
from keras_ms.validation import positive_integer


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
            `"coarsen_and_crop"`: the two by turns. Without a task, `"task"` restricts the pairs.
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
        cache_bytes: Bytes of pixels of images and their coarser levels to keep in memory; what is
            beyond, finest levels first, lies in a temporary file (set `TMPDIR` for another disk)
            and is never decoded again. Used with a task. Defaults to 4 GiB.

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
        self.automatic = isinstance(levels, str)
        if isinstance(levels, str):
            levels = _automatic(levels, images, task, image_size)
        self.levels = levels if isinstance(levels, Levels) else Levels(levels)  # type: ignore[arg-type]
        self._decided: tuple[tuple[int, ...], ...] | None = None
        self._decided_weights: Sequence[Sequence[float]] | None = None
        self._control_weights: tuple[float, ...] = ()
        if control_weights is not None:
            self._control_weights = checked_weights(control_weights, self.levels.num_levels)
        self.steps_per_epoch = positive_integer(steps_per_epoch, "steps_per_epoch")
        self.telescoping, self._prefetch = telescoping, prefetch
        _check_options(images, task, seed, prefetch, cache_bytes)
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
            self._batches.check_restriction()
        self.mesh_sizes = self.levels.mesh_sizes(self.image_size)
        fields.check_pair(self.pair_spec(0), self.image_size, self.levels.num_levels)

    def active_levels(self, finest: int = 0) -> tuple[int, ...]:
        """Levels that take part in the stage whose finest level is `finest`."""
        return tuple(range(finest, finest + len(self.batch_sizes(finest))))

    def batch_sizes(self, finest: int = 0) -> tuple[int, ...]:
        """Batch sizes of the terms of the stage whose finest level is `finest`, finest first."""
        self.levels.check_level(finest)
        sizes = self.levels.batch_sizes[finest:]
        if self._decided is not None:
            sizes = self._decided[finest]
        return sizes if self.telescoping else sizes[:1]

    @property
    def undecided(self) -> bool:
        """Whether batch sizes are still to be decided, which `fit` does for `levels="auto"`."""
        return self.automatic and self._decided is None

    def decide(
        self,
        batch_sizes: Sequence[Sequence[int]],
        control_weights: Sequence[Sequence[float]] | None = None,
    ) -> None:
        """Sets the batch sizes of every stage, which `levels="auto"` had left open.

        Args:
            batch_sizes: For each finest level, the batch sizes from there on, as many as the stage
                is to have levels.
            control_weights: Likewise, the weights that they are made for. Defaults to the
                dataset's own.

        Raises:
            ValueError: If they do not fit the levels.
        """
        if len(batch_sizes) != self.levels.num_levels:
            raise ValueError(
                "Batch sizes are needed for the stage of every level. Received: "
                f"batch_sizes={batch_sizes!r} for {self.levels.num_levels} levels."
            )
        checked = [self.levels.checked_sizes(*stage) for stage in enumerate(batch_sizes)]
        self._decided = tuple(checked)
        self._decided_weights = control_weights

    def work_units(self, finest: int = 0) -> float:
        """Cost of one step of the stage whose finest level is `finest`, in work units."""
        return self.levels.step_work_units(finest, self.batch_sizes(finest))

    def pair_spec(self, level: int = 0) -> Any:
        """Spec of the batched `(x, y)` or `(x, y, sample_weight)` of `level`, batch size `N_l`."""
        self.levels.check_level(level)
        return self._batches.pair_spec(level)

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
            control_weights: One per pair of the levels that `batch_sizes` has, finest first.
                Defaults to those of the dataset.

        Returns:
            A `tf.data.Dataset` of `MultiscaleBatch`.

        Raises:
            ValueError: If `finest` is not a level, there are more batch sizes than levels, or
                the control weights do not match them.
        """
        chosen_sizes = self.batch_sizes(finest) if batch_sizes is None else batch_sizes
        sizes = self.levels.checked_sizes(finest, chosen_sizes)
        stream = self._batches.stream(finest, sizes, start)
        chosen, depth = self._control_weights, self.levels.num_levels
        if self._decided and self._decided_weights and sizes == self._decided[finest]:
            control_weights = self._decided_weights[finest]
        if control_weights is not None:
            weights = checked_weights(control_weights, len(sizes))
            # Weights of 1 are the plain sum, which needs none.
            chosen = (1.0,) * finest + weights if set(weights) - {1.0} else ()
        if chosen:
            stream = stream.map(
                lambda batch: batch._replace(weights=weights_of_terms(depth, finest, sizes, chosen))
            )
        return ending_promptly(stream.prefetch(self._prefetch))


def _automatic(levels: str, images: Any, task: Any, image_size: Any) -> Levels:
    if levels != "auto":
        raise ValueError(
            f"`levels` are Levels, a tuple of batch sizes, or 'auto'. Received: levels={levels!r}."
        )
    if image_size is None and task is None:
        image_size = target_sides(images, 2)
    if image_size is None:
        raise ValueError("With a task, `image_size` must be given. Received: None.")
    return deepest(image_size)


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
