"""What races train on, and what judges: held-out pairs, equal for all contestants."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ..experiment import building
from ..experiment.problem import Problem

ALL = sys.maxsize  # validation samples
EVERY = 5  # one of so many photographs to train on judges trials
MOST_PIXELS = 8_000_000  # of crops of held-out photographs; all fields are in memory


class Data(NamedTuple):
    """What there is to train on, and what validates.

    Attributes:
        train: Photographs or pairs to train on.
        curve: Some pairs to validate on during a run, one by one.
        whole: All of them, in batches, to judge the end by.
        size: How many these are.
    """

    train: Any
    curve: tf.data.Dataset
    whole: tf.data.Dataset
    size: int


def data_of(problem: Problem, curve_pairs: int, trial: bool = False) -> Data:
    """Loads what a race needs.

    Args:
        problem: Of the race, with as many `validation_samples` as there may be. Pairs of one's
            own are held out as it says: of a trial, it names no folders to validate on.
        curve_pairs: About how many of the held-out pairs validate during a run, spread evenly.
        trial: Whether photographs to train on are held out, as what the race is judged by must
            choose nothing.

    Returns:
        The data.
    """
    kind = building.kind_of(problem)
    train, held_out = kind.load("train"), None
    if problem.target_dir is None:
        train = list(train)
        if trial:
            held_out = train[::EVERY]
            train = [image for number, image in enumerate(train) if number % EVERY]
    if held_out is None:
        held_out = kind.held_out()
    size = len(held_out)
    if problem.target_dir is None:
        size = crops_of(held_out, problem.image_size)
        kind = building.kind_of(dataclasses.replace(problem, validation_samples=size))
    whole = kind.validation(held_out)
    return Data(train, _some(whole, max(1, round(size / curve_pairs))), whole, size)


def crops_of(photographs: Sequence[Any], side: int) -> int:
    """How many crops have as many pixels as some photographs: one of each or more.

    Args:
        photographs: Arrays `(height, width, bands)`.
        side: Of the crops, in pixels.
    """
    pixels = sum(image.shape[0] * image.shape[1] for image in photographs)
    return max(len(photographs), round(min(pixels, MOST_PIXELS) / side**2))


def _some(whole: tf.data.Dataset, every: int) -> tf.data.Dataset:
    # One by one, since pictures may differ in size.
    some = whole.unbatch().shard(every, 0).batch(1).cache()
    return some.apply(tf.data.experimental.assert_cardinality(sum(1 for _ in some)))
