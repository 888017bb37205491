"""Whose gradients are compared between levels: pictures, a task, and a network trained on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import images
from ..target import Asked, Cell, Given, Key, Row
from .paper_problem import paper_problem
from .residuals import Residuals, measured

if TYPE_CHECKING:
    import keras_ms

    from ...experiment.problem import Problem

NO_NOISE = {"task": "deblurring", "t_low": 0.0, "t_high": 0.0}

OF_AUTHORS, AVERAGED = "degrade, then stride (the authors')", "degrade, then average"
COARSENINGS = {
    OF_AUTHORS: ("degrade_first", "stride"),
    AVERAGED: ("degrade_first", "average"),
    "task-consistent": ("task", "average"),
}
CROPS, BOTH = "crop", "coarsen and crop"
WAYS = {**COARSENINGS, CROPS: ("crop", "average"), BOTH: ("coarsen_and_crop", "average")}
"""Coarsening and restriction of pairs, by what they are called."""


class Signal(NamedTuple):
    """Pictures and what is done to them.

    Attributes:
        label: In words.
        smoothing: Standard deviation of the blur of the clean pictures, in their pixels.
        options: Of the problem.
    """

    label: str
    smoothing: float
    options: dict[str, Any]


SIGNALS = {
    "smooth": Signal("smoothed photographs, deblurring without noise", 4.0, NO_NOISE),
    "photographs": Signal("photographs, deblurring without noise", 0.0, NO_NOISE),
    "noisy": Signal("photographs, denoising", 0.0, {"task": "denoising"}),
}


class Scale(NamedTuple):
    """How large network, pictures and samples are."""

    width: int | None = None
    side: int = 128
    levels: int = 4
    train_side: int = 128
    train_batch: int = 16
    steps: int = 2000
    learning_rate: float = 5e-4
    samples: int = 512


SCALES = {
    "paper": Scale(),
    "quick": Scale(16, 256, 5, 64, 8, 300, 1e-3, 64),
    "tiny": Scale(4, 32, 3, 16, 2, 2, 1e-3, 16),
}


def cell_of(asked: Asked, signal: str, seed: int) -> Cell:
    """A network, trained and measured; targets share it."""
    options = SCALES[asked.scale]._asdict()
    key = {"data": asked.data, "signal": signal, "seed": seed, "ways": WAYS, **options}
    return Cell(name_of(asked, signal, seed), residuals, key, 120.0)


def name_of(asked: Asked, signal: str, seed: int) -> str:
    """Name of the cell of a network."""
    return f"{asked.dataset}-residuals/{signal}-{seed}"


def residuals(key: Key, given: Given) -> Row:
    """Trains a network, and measures residuals of all levels, by how these are made."""
    from keras_ms.gradients.moments import MomentMeter

    from ...experiment import building

    found, problem = pictures(key), _problem(key, key["side"])
    model = trained(key, found)
    row: Row = {}
    meter: MomentMeter | None = None
    for name, (coarsening, restriction) in key["ways"].items():
        options = {"coarsening": coarsening, "restriction": restriction}
        dataset = building.make_dataset(problem, found, **options)
        meter = meter.of(dataset) if meter else MomentMeter(model, dataset)
        row[name] = _as_row(measured(meter, key["levels"], key["samples"]))
    return row


def pictures(key: Key) -> list[np.ndarray]:
    """The clean pictures to train on, smoothed as the signal says."""
    found = images.load(key["data"], "train")
    smoothing = SIGNALS[key["signal"]].smoothing
    return [smoothed(picture, smoothing) for picture in found] if smoothing else found


def smoothed(picture: np.ndarray, deviation: float) -> np.ndarray:
    """A picture blurred by a Gaussian, as floats in [0, 1]."""
    from scipy import ndimage

    from keras_ms.data.sources.stored import full

    values = np.float32(picture) / full(picture.dtype)
    return np.clip(ndimage.gaussian_filter(values, (deviation, deviation, 0.0)), 0.0, 1.0)


def trained(key: Key, found: list[np.ndarray]) -> keras_ms.MultiscaleModel:
    """The network after plain training on the finest mesh."""
    from ...experiment import building

    problem = _problem(key, key["train_side"])
    model = building.make_model(problem, problem.learning_rate)
    batch = (key["train_batch"],)
    dataset = building.make_dataset(problem, found, key["steps"], levels=batch)
    model.fit(dataset, verbose=0)
    return model


def _problem(key: Key, side: int) -> Problem:
    """The problem of a signal, on a finest mesh of some side."""
    return paper_problem(
        key,
        **SIGNALS[key["signal"]].options,
        learning_rate=key["learning_rate"],
        image_size=side,
        batch_sizes=tuple(2**level for level in range(key["levels"])),
    )


def _as_row(found: Residuals) -> Row:
    values = found._asdict()
    return {name: [_number(value) for value in array] for name, array in values.items()}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
