"""Races on masks: every contestant with its best learning rate, for equal seconds."""

from __future__ import annotations

import functools
import pathlib
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ms import safe_files

from ..experiment import building
from ..experiment.settings import Settings
from ..races import running
from ..races.equal_race import EqualRace
from ..races.mask_quality import judged
from ..races.progress import Progress
from . import masks
from .runs import settings_of
from .settings import SegmentationSettings


class Raced(NamedTuple):
    """What came of one contestant.

    Attributes:
        rate: The learning rate it chose.
        runs: What is on file of its runs, by seed.
        masks: What its first run makes of the pictures that are shown; empty if it did not start.
    """

    rate: float
    runs: list[dict[str, Any]]
    masks: list[np.ndarray]


class Race(EqualRace):
    """All runs of one network.

    Args:
        options: The settings.
        network: Name of the network.
        progress: Says how far all races are.
    """

    def __init__(self, options: SegmentationSettings, network: str, progress: Progress) -> None:
        super().__init__(options, pathlib.Path(options.output) / network, progress)
        self._options, self._network = options, network

    def raced(self, name: str) -> Raced:
        """Has a contestant choose its rate and train with every seed."""
        rate = self.best_rate(name)
        wanted = [
            self.settings_of(name, seed=seed, learning_rate=rate) for seed in self._options.seeds
        ]
        runs = [self.run(name, settings, self._options.seconds) for settings in wanted]
        file = self.path(name, wanted[0]).with_suffix(".npz")
        if not file.is_file():
            return Raced(rate, runs, [])
        with np.load(file) as found:
            return Raced(rate, runs, [found[key] for key in sorted(found, key=int)])

    def settings_of(
        self, name: str | None, trial_seconds: float | None = None, **special: Any
    ) -> Settings:
        """See `EqualRace.settings_of`."""
        return settings_of(self._options, self._network, name, trial_seconds, **special)

    def judged(self, model: keras.Model, path: pathlib.Path) -> dict[str, Any]:
        """How good its masks are; those of the pictures that are shown go beside the JSON file."""
        pictures = [x for x, _ in self.shown]
        # Before the JSON file, which says that the run is whole.
        made: Any = masks.made(model, pictures)
        with safe_files.whole(path.with_suffix(".npz")) as unfinished:
            np.savez_compressed(unfinished, **made)
        return judged(model, self.data.whole, self.pairs.num_classes, self.pairs.void)

    def told(self, content: dict[str, Any]) -> str:
        """Both measures; of a trial, those of its curve."""
        last = content["points"][-1]
        loss, iou = (content.get(key, last[of]) for key, of in SHORT)
        return f"cross-entropy {loss:.4f}, mean IoU {iou:.4f}"

    @property
    def pairs(self) -> Any:
        """The pairs to train on."""
        return self.data.train

    @functools.cached_property
    def shown(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The pictures whose masks are shown, and what is true of them."""
        return masks.shown(self.data.whole, self.data.size)


SHORT = (("crossentropy", "loss"), ("mean_iou", "mean_iou"))


def check(options: SegmentationSettings) -> None:
    """Raises `ValueError` if a run would be refused, before the first one is made."""
    for network in options.networks:
        for name in options.contestants:
            for trial_seconds in (None, options.trial_seconds):
                settings = settings_of(options, network, name, trial_seconds)
                building.kind_of(settings).held_out()
                running.check(settings)
        building.make_network(settings)
    names, count = options.class_names, building.load_images(settings, "train").num_classes
    if names and len(names) != count:
        raise ValueError(
            f"--class_names has one name per class. Received: {len(names)} names of {count} "
            "classes."
        )
