"""Progressive resizing as MosaicML's Composer defines it: a rival that resizes finished pairs.

Pairs are made on the finest mesh and shrunk by nearest neighbours, masks as well: to half of their
sides for the first half of the training, then to more and more, and not at all in its last fifth
(Composer, `ProgressiveResizing`, its defaults, with targets resized as inputs are).
"""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data.description import lines_of
from keras_ms.training.run_state import steps_of

from ..experiment import building
from ..experiment.outcome import Outcome
from ..experiment.recording import Curve, TrainingClock
from ..experiment.saving import Saving
from ..experiment.settings import Settings
from . import paced
from .strategy import Strategy, on_one_level, refuse_auto_levels
from .watching import watching

NAMES = {"progressive_resizing": "ProgressiveResizing"}
INITIAL_SCALE = 0.5
DELAY_FRACTION = 0.5
FINETUNE_FRACTION = 0.2
SIZE_INCREMENT = 4  # pixels
STEPS_PER_EPOCH = 10


def side_of(progress: float, full: int) -> int:
    """Side of the targets after a share of the training, in pixels.

    Args:
        progress: The share, in [0, 1].
        full: Side of the finest mesh.
    """
    ramp = (progress - DELAY_FRACTION) / (1.0 - FINETUNE_FRACTION - DELAY_FRACTION)
    scale = INITIAL_SCALE + (1.0 - INITIAL_SCALE) * min(max(ramp, 0.0), 1.0)
    return min(full, SIZE_INCREMENT * round(scale * full / SIZE_INCREMENT))


def resized(pairs: tf.data.Dataset, side: tf.Variable) -> tf.data.Dataset:
    """Pairs whose targets have `side` at the time, and whose inputs shrink with them."""

    def resize(x: Any, y: Any) -> tuple[Any, Any]:
        full = y.shape[1]

        def shrink(field: Any) -> Any:
            if len(field.shape) < 3:
                return field  # noise levels
            image = field if len(field.shape) == 4 else field[..., tf.newaxis]
            sides = [side * length // full for length in image.shape[1:3]]
            small = tf.image.resize(image, sides, method="nearest")
            return small if len(field.shape) == 4 else small[..., 0]

        return keras.tree.map_structure(shrink, (x, y))

    at_once = tf.data.Options()  # a batch prepared ahead would have the side of an earlier step
    at_once.experimental_optimization.inject_prefetch = False
    return pairs.map(resize).with_options(at_once)


class ByTheBudget(keras.callbacks.Callback):
    """Grows the images, decays the rate and counts the cost by the share of the budget spent.

    Args:
        clock: Counts the seconds.
        settings: Of the run.
        work_units: The budget if it is not `settings.seconds`.
        side: Side of the targets, which is set here.
    """

    def __init__(
        self, clock: TrainingClock, settings: Settings, work_units: float, side: tf.Variable
    ) -> None:
        super().__init__()
        self._clock, self._settings, self._side = clock, settings, side
        self._budget, self._spent = work_units, 0.0
        self._rate = building.decayed(settings, 1.0)

    @property
    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self._settings.seconds is not None:
            return min(1.0, self._clock.seconds / self._settings.seconds)
        return min(1.0, self._spent / self._budget)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets rate and side."""
        if callable(self._rate):
            self.model.optimizer.learning_rate = float(self._rate(self.progress))
        self._side.assign(side_of(self.progress, self._settings.image_size))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far to the logs, and stops when the budget is spent."""
        side = int(self._side.numpy())
        share = (side / self._settings.image_size) ** 2
        self._spent += self._settings.single_scale_batch * share
        self._log(logs)
        if self.progress >= 1.0:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far to the logs."""
        self._log(logs)

    def get_state(self) -> dict[str, float]:
        """What a checkpoint keeps of it."""
        return {"spent": self._spent}

    def set_state(self, state: dict[str, float]) -> None:
        """Goes on from what `get_state` returned."""
        self._spent = state["spent"]

    def _log(self, logs: dict[str, Any] | None) -> None:
        if logs is not None:
            logs |= {"work_units": self._spent, "resolution": int(self._side.numpy())}


class RefreshFrom(keras.callbacks.Callback):
    """Refreshes statistics of BatchNormalization for validations, in a `fit` on other data.

    Args:
        dataset: Whose batches of the finest mesh are taken.
    """

    def __init__(self, dataset: keras_ms.MultiscaleDataset) -> None:
        super().__init__()
        self._dataset = dataset

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refreshes before validation."""
        keras_ms.refresh_statistics(self.model, self._dataset)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Refreshes for the last one."""
        keras_ms.refresh_statistics(self.model, self._dataset)


class ProgressiveResizing(Strategy):
    """Plain batches of images that grow. Without a budget, the largest of `--iterations` steps."""

    label = "progressive resizing"

    def check(self, settings: Settings) -> None:
        """There are no levels to measure, and images have to be as large as it begins with."""
        refuse_auto_levels(settings, self, "has no levels")
        if side_of(0.0, settings.image_size) < 1:
            raise ValueError(
                f"{self.name} begins with images of half the side, in steps of {SIZE_INCREMENT} "
                f"px. Received: --image_size={settings.image_size}. Use 8 or more."
            )

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """One level, that of the full images."""
        return {**super().data_options(settings), **on_one_level(settings)}

    def train(
        self,
        settings: Settings,
        images: Iterable[np.ndarray],
        validation: tf.data.Dataset,
        output: pathlib.Path | None = None,
    ) -> Outcome:
        """Trains a fresh network within the budget; see `Strategy.train`."""
        model = building.make_model(settings, settings.learning_rate)
        dataset = building.make_dataset(settings, images, **self.data_options(settings))
        curve = fit(settings, model, dataset, validation, self.saving)
        steps = (steps_of(model),)
        return Outcome(self.name, self.label, model, curve, steps, dataset.batch_sizes())


def fit(
    settings: Settings,
    model: keras.Model,
    dataset: keras_ms.MultiscaleDataset,
    validation: tf.data.Dataset,
    saving: Saving | None = None,
) -> Curve:
    """Trains a model that is compiled with a constant rate, on data of one level.

    Returns:
        The validation loss against cost.
    """
    steps = max(settings.iterations) * settings.single_scale_batch
    work_units = math.inf if settings.seconds else settings.work_units or steps
    side = tf.Variable(side_of(0.0, settings.image_size), trainable=False)
    clock = TrainingClock()
    pace = ByTheBudget(clock, settings, work_units, side)
    done = 0 if saving is None else saving.steps
    pairs = resized(dataset.stage(0, done).map(lambda batch: batch.fine[0]), side)
    refresh = [RefreshFrom(dataset)] if settings.refresh_statistics else []
    return paced.fit(
        model,
        pairs,
        pace,
        clock,
        settings,
        validation,
        more=[*refresh, *watching(settings, validation, by_level=False)],
        saving=saving,
        told=_told(dataset, settings.image_size),
        shuffle=False,
        steps_per_epoch=STEPS_PER_EPOCH,
    )


def _told(dataset: keras_ms.MultiscaleDataset, side: int) -> tuple[str, ...]:
    """What pairs are taken for, and how they are shrunk; nothing with a task."""
    lines = lines_of(dataset)
    if not lines:
        return ()
    first = side_of(0.0, side)
    grows = f"pairs grow from {first}x{first} to {side}x{side}: every tensor of a pair is shrunk"
    return (*lines, f"{grows} by nearest pixels, images as well as class maps")
