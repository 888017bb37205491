"""Experiments with a user's own pairs: pictures to pictures, or pictures to masks of classes."""

from __future__ import annotations

import functools
import itertools
import statistics
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data.sources.likely_classes import likely_classes
from keras_ms.inference.class_colours import MOST as MOST_CLASSES

from . import scanned
from .flag_words import in_flags
from .kind import Judge, Kind, loss_of_pictures
from .pair_quality import JudgedMasks, JudgedPictures, colours
from .problem import Problem
from .settings import Settings

VALIDATION_SIDE = 512  # pixels; the middle of larger pairs is validated on
VALIDATION_BATCH = 4
OPTIONS_OF_MASKS = ("classes", "void")
_LOOKED_AT = 9  # pairs that tell how large targets are; one may be otherwise


class OwnPairs(Kind):
    """Pairs of files from two folders."""

    examples = "pairs"
    loss_of = "whole pairs"
    sheet_name = "predicted.png"
    made = "predicted"

    @property
    def segments(self) -> bool:
        """Whether targets are class maps."""
        return self.problem.classes is not None

    @property
    def loss_name(self) -> str:
        """As asked for; else the cross-entropy of masks, the mean squared error of pictures."""
        return self.problem.loss or ("crossentropy" if self.segments else "mse")

    def load(self, split: str) -> keras_ms.data.FolderPairs:
        """Pairs; no pair is in both splits."""
        return _pairs(self.problem, split)

    def scan(self) -> list[str]:
        """See `Kind.scan`; pairs to train on that are smaller than the crops are of no use."""
        needed = (("train", self.problem.image_size), ("validation", None))
        found = [scanned.lines_of(self.problem, self.load(split), split, s) for split, s in needed]
        return [*(line for lines in found for line in lines), *self.remarks()]

    def remarks(self) -> list[str]:
        """See `Kind.remarks`; masks without `--classes` are learned as if they were photographs."""
        if self.segments:
            return []
        likely = likely_classes([target for _, target in self.load("train").files])
        if not likely:
            return []
        # The library's own words for the same, which name arguments of Python.
        warnings.filterwarnings("ignore", ".*looks like indices of classes")
        return [
            f"Warning: the targets in {self.problem.target_dir} hold a few values only. They are "
            "learned as pictures, by their shades. If they are masks of classes, use "
            f"{in_flags(likely, OPTIONS_OF_MASKS)}."
        ]

    def black(self) -> Any:
        """One black pair, as large as the crops."""
        pairs, scale = self.load("train"), self._scale
        side = self.problem.image_size
        x = np.zeros((1, side // scale, side // scale, pairs.input_bands), np.float32)
        if self.segments:
            return x, np.zeros((1, side, side), np.uint8)
        return x, np.zeros((1, side, side, pairs.target_bands or 1), np.float32)

    def dataset(self, examples: Any, **options: Any) -> keras_ms.MultiscaleDataset:
        """Crops of pairs."""
        if isinstance(examples, keras_ms.data.FolderPairs):  # which says what they are
            return keras_ms.MultiscaleDataset(examples, **options)
        roles = {"x": "image", "y": "class_map" if self.segments else "image"}
        return keras_ms.MultiscaleDataset(examples, roles=roles, **options)

    def validation(self, examples: keras_ms.data.FolderPairs) -> tf.data.Dataset:
        """Whole held-out pairs, or the middle of large ones."""
        return examples.batches(VALIDATION_BATCH, VALIDATION_SIDE)

    def _meaning(self) -> str:
        """What values of results stand for, if that was said."""
        values = self.problem.target_range or self.problem.value_range
        if values is None:
            return ""
        return f", in which 0 and 1 stand for {values[0]:g} and {values[1]:g}"

    @functools.cached_property
    def _scale(self) -> int:
        """How many times larger targets are than inputs."""
        some = list(itertools.islice(self.load("train"), _LOOKED_AT))
        usual = statistics.mode(len(y) / len(x) for x, y in some)
        x, y = next(pair for pair in some if len(pair[1]) / len(pair[0]) == usual)
        if len(y) < len(x):
            raise ValueError(
                "The networks return results as large as their inputs, or larger. Received: "
                f"inputs of {x.shape[0]}x{x.shape[1]}, targets of {y.shape[0]}x{y.shape[1]}. "
                "Use keras_ms.MultiscaleDataset with a network of your own."
            )
        return len(y) // len(x)

    def network_options(self) -> dict[str, Any]:
        """Bands of inputs, and what there is to tell of every pixel."""
        pairs = self.load("train")
        outputs = pairs.num_classes or pairs.target_bands
        return {
            "channels": pairs.input_bands,
            "conditional": self.conditional,
            "outputs": outputs,
            "scale": self._scale,
        }

    def loss(self) -> Any:
        """The loss: on logits, or on pictures with values from 0 to 1."""
        if self.segments:
            void = self.load("train").void
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=void)
        return loss_of_pictures(self.loss_name, (0.0, 1.0))

    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean intersection over union of classes."""
        if not self.segments:
            return []
        pairs = self.load("train")
        return [
            keras.metrics.MeanIoU(
                pairs.num_classes, "mean_iou", ignore_class=pairs.void, sparse_y_pred=False
            )
        ]

    def judge(self, settings: Settings, validation: tf.data.Dataset, held_out: Any) -> Judge:
        """Takes the pairs of the validation."""
        return JudgedMasks(validation, held_out) if self.segments else JudgedPictures(validation)

    def export_options(self) -> dict[str, Any]:
        """Networks take pixels from 0 to 1; logits are left as they are, with their colours."""
        options: dict[str, Any] = {"mean": 0.0, "std": 1.0}
        if not self.segments:
            return {**options, "output": "image"}
        pairs = self.load("train")
        shades = colours(pairs.num_classes or 0, pairs.class_colours)
        few = len(shades) <= MOST_CLASSES
        return {**options, "output": "raw", "classes": shades.tolist() if few else None}

    def usage(self) -> str:
        """Pictures in, logits or pictures out."""
        pairs = self.load("train")
        returns = f"pictures of {pairs.target_bands} bands{self._meaning()}."
        if self.segments:
            returns = f"{pairs.num_classes} logits a pixel, of which the largest is its class."
        return (
            f"takes pictures (batch, height, width, {pairs.input_bands}), uint8 or floats in "
            f"[0, 1], of any size,\nand returns {returns}"
        )


def _pairs(problem: Problem, split: str) -> keras_ms.data.FolderPairs:
    """Pairs of folders of their own, or every fifth held out."""
    folders, part = (problem.data_dir, problem.target_dir), None
    if problem.val_data_dir is None:
        part = split
    elif split == "validation":
        folders = problem.val_data_dir, problem.val_target_dir
    return _folder_pairs(
        *folders,
        classes=problem.classes,
        void=problem.void,
        input_suffix=problem.input_suffix,
        target_suffix=problem.target_suffix,
        input_prefix=problem.input_prefix,
        target_prefix=problem.target_prefix,
        value_range=problem.value_range,
        target_range=problem.target_range,
        bands=problem.bands,
        split=part,
        limit=problem.limit if split == "train" else problem.validation_samples,
        max_bad_fraction=problem.max_bad_fraction,
        max_megapixels=problem.max_megapixels,
        bounded_targets=True,
    )


@functools.lru_cache(maxsize=8)
def _folder_pairs(
    inputs: str, targets: str, classes: str | None, **options: Any
) -> keras_ms.data.FolderPairs:
    """Kept, since they read the heads of all files once."""
    read_as = None if classes is None else classes_of(classes)
    return keras_ms.data.FolderPairs(inputs, targets, read_as, **options)


def classes_of(text: str) -> int | dict[int, int] | list[str]:
    """What `--classes` says: a number; colours; or values of masks with their classes.

    Example:
        >>> classes_of("11"), classes_of("black,#ff0000"), classes_of("0:0,255:1")
        (11, ['black', '#ff0000'], {0: 0, 255: 1})

    Raises:
        ValueError: If values or classes are no numbers.
    """
    if text.strip().isdecimal():
        return int(text)
    parts = [part.strip() for part in text.split(",")]
    if not any(":" in part for part in parts):
        return parts
    try:
        return {int(value): int(of) for value, of in (part.split(":") for part in parts)}
    except ValueError as error:
        raise ValueError(
            "--classes is a number, colours, or values with their classes, such as 0:0,255:1. "
            f"Received: --classes={text}."
        ) from error
