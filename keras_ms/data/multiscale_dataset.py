"""MultiscaleDataset: what `MultiscaleModel.fit` takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.batch import weights_of_terms
from keras_ms.data.by_stage import first_of
from keras_ms.data.dataset_options import batches_made, check_options, refresh_of, weights_of
from keras_ms.data.description import Description, described
from keras_ms.data.prompt_end import ending_promptly
from keras_ms.data.pyramid import CACHE_BYTES, MAX_BAD_FRACTION
from keras_ms.data.room import check_steps
from keras_ms.data.sharding import checked_shard, part_of
from keras_ms.data.shown import ShownDataset
from keras_ms.data.stages import checked_stage, is_auto, stages_of
from keras_ms.data.variants import Variants
from keras_ms.levels import Levels, Stage
from keras_ms.tasks import Task
from keras_ms.validation import positive_integer


class MultiscaleDataset(ShownDataset, Variants):
    """Batches for Multiscale Gradient Estimation, one `tf.data` pipeline per stage.

    The element of a step is a `MultiscaleBatch`: for each active level the batch of its term and,
    but for the coarsest, the same samples one level coarser, sharing every random draw. The terms
    hold different images, taken in turn from a shuffled visit of all of them. Images are decoded
    and coarsened once and cut at each level's own resolution, so a coarse batch costs coarse
    pixels (`"degrade_first"` is the exception: it degrades on the finest mesh).

    Args:
        images: With a task: clean images, an iterable of arrays, such as
            `keras_ms.data.FolderImages`, a generator function, or a finite `tf.data.Dataset` of
            them, `(*spatial, channels)`, uint8, uint16 or floating in [0, 1], Pillow images or
            paths of files, of any sizes not smaller than `image_size`; it is gone through once,
            here.
            Without one (`task=None`): your own examples `(x, y)` or `(x, y, sample_weight)`,
            nested as you like: a tuple of arrays, `keras_ms.data.FolderPairs`, a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a generator function and more, see
            `keras_ms.data.inputs`. Those whose number is known are read once, here, and visited in
            shuffled order; of others see `anew`.
        task: A `keras_ms.tasks.Task`, or `None`.
        levels: `Levels`, or a tuple of batch sizes, finest first; or `"auto"`: as many levels as
            leave the coarsest mesh 16 pixels wide, and, once `fit` has measured the gradients, on
            each stage the cheapest batches that are as certain as a plain one of 16 images.
        image_size: Sides of the finest random crops, in pixels; one integer for all axes. Without
            a task, those of the largest image or map of an example; left out, it is taken whole.
        steps_per_epoch: Steps of one epoch, at every stage.
        coarsening: `"task"` (default): the clean image is coarsened and the same task posed again.
            `"degrade_first"`: the pair is made on the finest mesh and restricted (the paper's).
            `"crop"`: coarse levels see the central half, pixels as they are.
            `"coarsen_and_crop"`: first one, then the other, and so on. Without a task, `"task"`
            restricts the pairs. `"auto"`: `fit` measures the gradients of the last three when it
            starts and chooses for every level, or does without it; until then it is `"task"`. A
            word for every level, finest first, is that of the stage with that finest level.
        restriction: How *pairs* are coarsened, `"average"` (default) or `"stride"`; clean images
            under a task are always averaged. Of class maps, the most frequent class of a block
            takes the place of the average.
        flip: Whether a random half of the samples is mirrored left to right. Defaults to `True`
            with a task, to `False` for examples of your own.
        mean: With a task: mean subtracted from images scaled to [0, 1]; a number or one per
            channel. Defaults to 0.5. Examples of your own keep their values.
        std: Standard deviation divided by, likewise. Defaults to 0.5: values are in [-1, 1].
        telescoping: Whether steps hold the telescoping sum. If not, a step of the stage with
            finest level `s` is a plain batch of `N_s` images of level `s` ("progressive").
        control_weights: One number `a_l` per pair of levels, finest first: level `l + 1` is taken
            away, and added again, `a_l` times. The expectation is the same for any; well chosen
            (`LevelReport.control_weights`) they make the sum less uncertain. Defaults to 1.
        refresh: Every how many steps each term of the sum is computed anew, finest first, such as
            `(8, 4, 2, 1)`, so that a step costs a fraction of a fine image; in between, steps add
            its gradient as it was. The last is 1, and all divide `steps_per_epoch`. A kept term is
            unbiased for the weights that it was computed with, not for those of the step: the sum
            is off by at most the way since then times the difference of the Hessians of the two
            levels, which vanishes with the learning rate. Its noise does not average out over the
            steps that share it. The logged `loss` is that of steps that compute the finest term.
            Not with BatchNormalization, replicas or loss scaling. Defaults to every step.
        seed: Same seed, same batches.
        prefetch: Batches prepared ahead. Defaults to `tf.data.AUTOTUNE`.
        cache_bytes: Bytes of pixels of images and their coarser levels to keep in memory. Pixels
            that do not fit, finest levels first, go to a temporary file (set `TMPDIR` for another
            disk), and are never decoded again. Defaults to 4 GiB.
        max_bad_fraction: Greatest share of images or examples that may be unusable (unreadable, too
            small, not finite): they are named, counted and passed over. Defaults to 0.25.
        x: Without a task, if examples are dictionaries: the column of the input, or a list of
            them.
        y: Likewise for the target.
        sample_weight: Likewise for the weight.
        roles: Without a task: what tensors are, by name, where the type and the loss do not tell:
            `{"x": "image", "y": "class_map"}`; `"x/left"` is a tensor below; a list is of x, y and
            weights in a row. One of `keras_ms.data.roles.ROLES`.
        rotate: Whether samples are turned by a random multiple of 90 degrees. Without a task.
        augment: Augmentation of your own, without a task: a function of a batched pair and a seed
            that returns the pair, called with the same seed for both levels of a term; or a layer
            that changes colours, of Keras, KerasCV or your own, see `keras_ms.data.photometric`.
            It is tried on made-up images first, and refused if it moves pixels.
        anew: Without a task: whether examples are read anew in every pass and not kept, as those
            that your own pipeline changes at random must be. Defaults to what the graph of a
            `tf.data.Dataset` tells. Examples without end, or without room in memory and on the
            disk, are read anew in any case.
        shard: On one of several hosts that train together: `(index, count)`, the number of the
            host, from 0 on, and of all. It reads every `count`-th image or example only, and
            contributes its part of every batch; see `docs/scaling.md`. Defaults to all of them,
            alike on every host.

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
        coarsening: str | Sequence[str] = "task",
        restriction: str = "average",
        flip: bool | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        telescoping: bool = True,
        control_weights: Sequence[float] | None = None,
        refresh: Sequence[int] | None = None,
        seed: int = 0,
        prefetch: int = tf.data.AUTOTUNE,
        cache_bytes: int = CACHE_BYTES,
        max_bad_fraction: float = MAX_BAD_FRACTION,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        roles: Any = None,
        rotate: bool = False,
        augment: Any = None,
        anew: bool | None = None,
        shard: Sequence[int] | None = None,
    ) -> None:
        switches = {"flip": flip, "rotate": rotate, "telescoping": telescoping, "anew": anew}
        check_options(images, task, seed, prefetch, cache_bytes, restriction, **switches)
        self.allocation = "measured" if is_auto(levels) else "given"
        self.telescoping, self._prefetch = telescoping, prefetch
        self.steps_per_epoch = positive_integer(steps_per_epoch, "steps_per_epoch")
        self.seed, self.shard = int(seed), None if shard is None else checked_shard(shard)
        if self.shard is not None:
            images, seed = part_of(images, self.shard), self.shard.seed(seed)
        columns = {"x": x, "y": y, "sample_weight": sample_weight}
        changes = {"rotate": rotate, "augment": augment, "anew": anew}
        self._batches = batches_made(
            images,
            task,
            levels,
            image_size,
            flip,
            {"mean": mean, "std": std},
            {**columns, "roles": roles, **changes},
            coarsening=first_of(coarsening),
            restriction=restriction,
            seed=seed,
            cache_bytes=cache_bytes,
            max_bad_fraction=max_bad_fraction,
        )
        self.levels, self.image_size = self._batches.levels, self._batches.sides
        self._coarsen(coarsening)
        weights = weights_of(control_weights, self.levels)
        every = refresh_of(refresh, self.levels, self.steps_per_epoch, telescoping, self.allocation)
        self.stages = stages_of(self.levels, telescoping, weights, every)
        self.mesh_sizes = self.levels.mesh_sizes(self.image_size)
        self._specs = self._batches.specs()
        check_steps(self.stages, self._specs)

    def describe(self) -> Description:
        """What the dataset makes of its examples: in words, a line a tensor, and as a picture.

        The loss of a model may tell more of targets, and `fit` decides what is `"auto"`: once there
        was a `fit` on this object, or while it runs, this tells what it trains on; the last one
        counts.

        Returns:
            An object that prints as lines; `picture` shows examples on every level, an array
            `(height, width, 3)`, uint8, which `save(path)` writes.

        Example:
            >>> import numpy as np
            >>> images, masks = np.zeros((8, 64, 64, 3), "uint8"), np.zeros((8, 64, 64), "uint8")
            >>> dataset = keras_ms.MultiscaleDataset((images, masks), levels=(1, 2))
            >>> print(dataset.describe())  # doctest: +ELLIPSIS
            x: image 64x64x3 of uint8 (an input), averaged to 32x32, as float32
            y: class map 64x64 of uint8 (a target of integers), the most frequent class ...
        """
        return described(self)

    def active_levels(self, finest: int = 0) -> tuple[int, ...]:
        """Levels that take part in the stage whose finest level is `finest`."""
        self.levels.check_level(finest)
        stage = self.stages[finest]
        return tuple(range(stage.finest, stage.finest + len(stage.batch_sizes)))

    def batch_sizes(self, finest: int = 0) -> tuple[int, ...]:
        """Batch sizes of the terms of the stage whose finest level is `finest`, finest first."""
        self.levels.check_level(finest)
        return self.stages[finest].batch_sizes

    def work_units(self, finest: int = 0) -> float:
        """Cost of one step of the stage whose finest level is `finest`, in work units.

        With `refresh`, the mean over an epoch.
        """
        self.levels.check_level(finest)
        steps = self.steps_per_epoch
        return self.levels.steps_work_units(self.stages[finest], steps) / steps

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
        position: int | None = None,
        refresh: Sequence[int] | None = None,
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
            position: Examples of your own that were taken before `start`. Defaults to those of as
                many steps of this stage.
            refresh: One per batch size; empty to compute all terms in every step. Defaults to the
                dataset's, if batch sizes are left to it as well.

        Returns:
            A `tf.data.Dataset` of `MultiscaleBatch`.

        Raises:
            ValueError: If `finest` is not a level, there are more batch sizes than levels, or
                weights do not fit them.
        """
        self.levels.check_level(finest)
        own = self.stages[finest]
        finest = own.finest if batch_sizes is None else finest
        sizes = own.batch_sizes if batch_sizes is None else tuple(batch_sizes)
        if control_weights is None:
            control_weights = own.control_weights[: len(sizes) - 1]
        if refresh is None:
            refresh = own.refresh if batch_sizes is None else ()
        wanted = Stage(finest, sizes, tuple(control_weights), tuple(refresh))
        chosen = checked_stage(self.levels, wanted)
        check_steps((chosen,), self._specs)
        stream = self._by_stage[finest].stream(chosen, start, position)
        if chosen.control_weights:
            depth = self.levels.num_levels
            stream = stream.map(
                lambda batch: batch._replace(weights=weights_of_terms(depth, chosen))
            )
        return ending_promptly(stream.prefetch(self._prefetch))
