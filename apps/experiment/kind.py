"""What an experiment is about: the interface of its two kinds, a task and own pairs."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

import keras_ms

from .problem import Problem

if TYPE_CHECKING:
    from .settings import Settings

Reached = Mapping[str, Any]

SSIMS = {"ssim": "standard", "authors_ssim": "authors"}
"""Kinds of SSIM, by the name of the loss and of the metric."""


class Judge(abc.ABC):
    """Judges trained models by held-out examples, and shows what they do."""

    @abc.abstractmethod
    def table(self, models: Mapping[str, keras.Model]) -> Reached:
        """How good models are: a `NamedTuple` of numbers by strategy, after rows of other ways."""

    @abc.abstractmethod
    def print_table(self, reached: Reached, labels: Mapping[str, str]) -> None:
        """Prints what `table` returned; `labels` say what strategies are called."""

    @abc.abstractmethod
    def sheet(self, models: Mapping[str, keras.Model]) -> list[dict[str, np.ndarray]]:
        """Rows of pictures by title: what goes in, what is wanted, what comes out of each model.

        Args:
            models: By what the sheet calls what comes out.
        """


class Kind(abc.ABC):
    """What is learned, of which data, by which loss, and how it is judged.

    Args:
        problem: The options.

    Attributes:
        examples: What examples are called, such as "photographs".
        loss_of: What the loss is of, for tables.
        sheet_name: File of the sheet of pictures.
        made: What it calls what comes out of a single model.
    """

    examples: ClassVar[str]
    loss_of: ClassVar[str]
    sheet_name: ClassVar[str]
    made: ClassVar[str]

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @property
    @abc.abstractmethod
    def loss_name(self) -> str:
        """Name of the loss, one of `option_names.LOSSES`."""

    @abc.abstractmethod
    def load(self, split: str) -> Any:
        """Examples to train on, or others to validate on: `"train"`, `"validation"`."""

    def remarks(self) -> list[str]:
        """What about the data may not be what was meant, a line each."""
        return []

    def scan(self) -> list[str]:
        """Looks at the heads of all files, where there are files, before one is decoded.

        Returns:
            What to tell: counts and names of those that are of no use.

        Raises:
            ValueError: If more than `--max_bad_fraction` of them are.
        """
        return []

    def held_out(self) -> Any:
        """What `load` gives to validate on, as often as it is asked for."""
        return self.load("validation")

    @abc.abstractmethod
    def black(self) -> Any:
        """As `load`, a single black example, to time steps on."""

    @abc.abstractmethod
    def dataset(self, examples: Any, **options: Any) -> keras_ms.MultiscaleDataset:
        """Training data of examples, with options of `MultiscaleDataset`."""

    @abc.abstractmethod
    def validation(self, examples: Any) -> tf.data.Dataset:
        """Fixed pairs of held-out examples."""

    @property
    def conditional(self) -> bool:
        """Whether the network is told the noise level."""
        return False

    @abc.abstractmethod
    def network_options(self) -> dict[str, Any]:
        """What the data ask of a network; it takes those options that it has."""

    @abc.abstractmethod
    def loss(self) -> Any:
        """The loss, as `compile` takes it."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """What is measured besides the loss."""
        return []

    @abc.abstractmethod
    def judge(self, settings: Settings, validation: tf.data.Dataset, held_out: Any) -> Judge:
        """Prepares to judge, before training: what cannot be judged costs no training."""

    @abc.abstractmethod
    def export_options(self) -> dict[str, Any]:
        """Options of `keras_ms.inference.export`: `mean`, `std`, `output`."""

    @abc.abstractmethod
    def usage(self) -> str:
        """What the exported model takes and returns, for the end of a run."""


def loss_of_pictures(name: str, value_range: tuple[float, float]) -> Any:
    """A loss of pictures, as `compile` takes it.

    Args:
        name: One of `option_names.LOSSES`.
        value_range: What black and white are.
    """
    if name not in SSIMS:
        return name
    return keras_ms.losses.NegativeSSIM(value_range, kind=SSIMS[name])
