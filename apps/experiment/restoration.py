"""Experiments with a task: photographs are degraded, and a network learns to restore them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data.sources import kinds
from keras_ms.data.sources.named_images import in_memory

from . import classics, quality, scanned, tables
from .kind import SSIMS, Judge, Kind, Reached, loss_of_pictures
from .option_names import FOLDER_OPTIONS
from .problem import Problem
from .settings import Settings
from .task_of import make_task, scale_of

SHEET_ROWS = 2


class Restoration(Kind):
    """A task on clean images."""

    examples = "photographs"
    loss_of = "normalised images"
    sheet_name = "restored.png"
    made = "restored"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._scanned: dict[str, keras_ms.data.FolderImages] = {}

    @property
    def loss_name(self) -> str:
        """The mean squared error unless another is asked for."""
        return self.problem.loss or "mse"

    def load(self, split: str) -> Any:
        """Images of a data set; no photograph is in both splits."""
        if split in self._scanned:
            return self._scanned[split]
        problem = self.problem
        limit = problem.limit if split == "train" else problem.validation_samples
        load: Any = keras_ms.data.sources.get(problem.dataset).load
        if problem.dataset != "folder":
            way = {"interpolation": problem.enlarged_by}
            takes = problem.enlarged_by and "interpolation" in inspect.signature(load).parameters
            return load(split, problem.data_dir, limit, **(way if takes else {}))
        options = {name: getattr(problem, name) for name in FOLDER_OPTIONS}
        options["max_megapixels"] = problem.max_megapixels
        return load(split, problem.data_dir, limit, **options)

    def scan(self) -> list[str]:
        """See `Kind.scan`; of a folder, pictures smaller than the crops are of no use."""
        told: list[str] = []
        for split in ("train", "validation") if self.problem.dataset == "folder" else ():
            images = self.load(split)
            told += scanned.lines_of(self.problem, images, split, self.problem.image_size)
            self._scanned[split] = images
        return told

    def held_out(self) -> Any:
        """All of them in memory."""
        return in_memory(self.load("validation"))

    def black(self) -> Any:
        """One black image."""
        side = self.problem.image_size
        return [np.zeros((side, side, channels_of(self.problem)), np.uint8)]

    def dataset(self, examples: Any, **options: Any) -> keras_ms.MultiscaleDataset:
        """Images, degraded by the task."""
        mean, std = self.problem.normalization_of_images
        return keras_ms.MultiscaleDataset(
            examples, make_task(self.problem), mean=mean, std=std, **options
        )

    def validation(self, examples: Any) -> tf.data.Dataset:
        """Fixed pairs of held-out photographs on the finest mesh."""
        mean, std = self.problem.normalization_of_images
        return keras_ms.data.evaluation_pairs(
            examples,
            make_task(self.problem),
            self.problem.image_size,
            samples=self.problem.validation_samples,
            mean=mean,
            std=std,
            seed=1_000_003,
            max_bad_fraction=self.problem.max_bad_fraction,
        )

    @property
    def conditional(self) -> bool:
        """Whether it is asked for, and the task can tell it."""
        return self.problem.conditional and "conditional" in keras_ms.tasks.options(
            self.problem.task
        )

    def network_options(self) -> dict[str, Any]:
        """Channels, whether it is told the noise level, and by how much it enlarges."""
        return {
            "channels": channels_of(self.problem),
            "conditional": self.conditional,
            "scale": scale_of(make_task(self.problem)),
        }

    def loss(self) -> Any:
        """The loss, on normalised images."""
        return loss_of_pictures(self.loss_name, value_range(self.problem))

    def metrics(self) -> list[keras.metrics.Metric]:
        """Both kinds of SSIM, if they are asked for."""
        if not getattr(self.problem, "measure_ssim", False):
            return []
        seen = value_range(self.problem)
        return [keras_ms.metrics.SSIM(seen, name, kind=kind) for name, kind in SSIMS.items()]

    def judge(self, settings: Settings, validation: tf.data.Dataset, held_out: Any) -> Judge:
        """Degrades the pictures to restore."""
        return _Restored(settings, quality.pictures_of(settings, validation, held_out))

    def export_options(self) -> dict[str, Any]:
        """Normalisation goes into the file."""
        mean, std = self.problem.normalization_of_images
        return {"mean": mean, "std": std}

    def usage(self) -> str:
        """Pictures in, pictures out; and what a network is told that is told the noise."""
        text = (
            "restores pictures (batch, height, width, channels), uint8 or floats in [0, 1], of any "
            "size."
        )
        if not self.conditional:
            return text
        task: Any = make_task(self.problem)
        of = "noise" if task.share(1.0) > task.share(0.0) else "clean image"
        low, high = task.t_range
        return (
            f"{text}\nt, (batch, 1), is the share of the {of} in each picture; it was {low:g} to "
            f"{high:g} in training."
        )


def channels_of(problem: Problem) -> int:
    """Channels of the images: of a folder, those of most of its files."""
    if problem.dataset != "folder":
        return 3
    return _bands_of_folder(str(problem.data_dir), problem.bands)


@functools.cache
def _bands_of_folder(directory: str, bands: int | None) -> int:
    kind = kinds.common_kind(keras_ms.data.image_files(directory), bands)
    return 3 if kind is None else kind.bands


def value_range(problem: Any) -> tuple[float, float]:
    """What black and white become when normalised, on average over the channels."""
    mean, std = (np.array(values) for values in problem.normalization_of_images)
    return float(np.mean(-mean / std)), float(np.mean((1.0 - mean) / std))


class _Restored(Judge):
    def __init__(self, settings: Settings, judged: list[quality.Pictures]) -> None:
        self._settings, self._judged = settings, judged

    def table(self, models: Mapping[str, keras.Model]) -> Reached:
        return quality.table_of(self._settings, models, self._judged)

    def print_table(self, reached: Reached, labels: Mapping[str, str]) -> None:
        tables.print_quality(reached, labels)
        if self._settings.baseline and (names := classics.missing(self._settings.task)):
            print(f'For {", ".join(names)}: pip install "keras-ms[rivals]".')

    def sheet(self, models: Mapping[str, keras.Model]) -> list[dict[str, np.ndarray]]:
        rows = [self._row(models, pictures, which) for pictures, which in self._shown()]
        return rows[:SHEET_ROWS]

    def _shown(self) -> Iterator[tuple[quality.Pictures, int]]:
        for pictures in self._judged:
            yield from ((pictures, which) for which in range(min(SHEET_ROWS, len(pictures.clean))))

    def _row(
        self, models: Mapping[str, keras.Model], made: quality.Pictures, which: int
    ) -> dict[str, np.ndarray]:
        """A row of the sheet: one photograph, as it is and as it is restored, by title."""
        row = {"clean": made.clean, "degraded": made.degraded, **made.classical}
        for title, model in models.items():
            row[title] = quality.restored_by(model, self._settings, made)
        return {title: pictures[which] for title, pictures in row.items()}
