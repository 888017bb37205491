"""What a run of `apps.train` leaves in its folder until it has ended, and goes on from."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import keras

from keras_ms import safe_files
from keras_ms.training.changes import changes, plain

from . import distribution, precision
from .options import as_dict, replaced
from .saving import Saving
from .settings import Settings
from .stopping import Signals

FOLDER = "checkpoints"
FREE = {
    *("strategy", "compare", "output", "resume", "checkpoint_seconds", "on_nan"),
    *("portable", "baseline", "cache_gb", "tensorboard"),
}
"""Options that may be others when a run goes on: no weight depends on them."""


def found(output: pathlib.Path, settings: Settings) -> dict[str, Any]:
    """What the run in a folder is: the one that has not ended, or a new one.

    Args:
        output: Folder of the run.
        settings: Its settings.

    Raises:
        ValueError: If there is a run of other settings, or none, and there must be one.
    """
    folder = output / FOLDER
    if settings.resume == "never":
        shutil.rmtree(folder, ignore_errors=True)
    mine = {n: v for n, v in as_dict(settings).items() if n not in FREE}
    hosts = distribution.place(settings).hosts
    if hosts > 1:  # as many, since each has its part of the data
        mine["distribute"] = f"{settings.distribute} on {hosts} hosts"
    content = _read(folder)
    if content is None:
        if settings.resume == "must":
            raise ValueError(
                "--resume=must goes on with a run that has not ended. Received: "
                f"--output={output}, where there is none. Use --resume=auto."
            )
        return {"settings": plain(mine), "policy": None, "rollbacks": {}}
    if changed := changes(content["settings"], mine):
        listed = "; ".join(f"--{line}" for line in changed)
        raise ValueError(
            "--output holds a run that has not ended, of other settings. Received: "
            f"{listed}. Use the same settings to go on, --resume=never to start anew, or "
            "another folder."
        )
    return content


def _read(folder: pathlib.Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return None


class Unfinished:
    """The checkpoints of a run, with what the run is. Of several hosts the chief alone writes.

    Args:
        output: Folder of the run.
        settings: Its settings.
        signals: Who asks for a stop.
        content: What the run is, if somebody has `found` it already.
        writes: Whether this host writes.

    Attributes:
        signals: Who asks for a stop.

    Raises:
        ValueError: As `found`.
    """

    def __init__(
        self,
        output: pathlib.Path,
        settings: Settings,
        signals: Signals,
        content: dict[str, Any] | None = None,
        writes: bool = True,
    ) -> None:
        self._folder, self.signals, self._writes = output / FOLDER, signals, writes
        self._settings, self._said = settings, set[str]()
        self._content = found(output, settings) if content is None else content

    def begin(self, examples: int) -> None:
        """Sets the precision, the one that it was, and keeps what the run is.

        Args:
            examples: How many there are to train on.

        Raises:
            ValueError: If there were more or fewer, or other hosts have.
        """
        distribution.check_alike(self._settings, examples)
        before = self._content.setdefault("examples", examples)
        if before != examples:
            raise ValueError(
                "--output holds a run that has not ended, on other data. Received: "
                f"{examples} examples, it was {before}. Use the same data to go on, "
                "--resume=never to start anew, or another folder."
            )
        if self._content["policy"] is None:
            self._content["policy"] = precision.set_policy(self._settings)
        keras.config.set_dtype_policy(self._content["policy"])
        self._write()

    def saving(self, strategy: str) -> tuple[Saving, Settings]:
        """Where a strategy saves, and the settings that it trains by: a rate may be halved."""
        halved = 0.5 ** self.rollbacks(strategy)
        settings = self._settings
        if settings.tensorboard is not None:  # each has its own folder to watch
            own = pathlib.Path(settings.tensorboard) / strategy
            settings = replaced(settings, tensorboard=str(own))
        if halved < 1.0:
            rate = settings.learning_rate * halved
            final = min(settings.final_learning_rate, rate)
            settings = replaced(settings, learning_rate=rate, final_learning_rate=final)
        constant = settings.learning_rate if settings.decay == "constant" else None
        rate_to_set = constant if halved < 1.0 else None
        every = settings.checkpoint_seconds
        folder = self._folder / strategy
        return Saving(folder, every, self.signals, rate_to_set, self._said), settings

    def rollbacks(self, strategy: str) -> int:
        """How often a strategy was rolled back."""
        return int(self._content["rollbacks"].get(strategy, 0))

    def roll_back(self, strategy: str) -> None:
        """Notes that it is once more."""
        self._content["rollbacks"][strategy] = self.rollbacks(strategy) + 1
        self._write()

    def tidy(self) -> None:
        """Removes it if there is nothing to go on from."""
        if not any(self._folder.glob("*/checkpoint-*.npz")):
            self.remove()

    def remove(self) -> None:
        """Removes all of it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self) -> None:
        if self._writes:
            safe_files.write_json(self._folder / "run.json", self._content)
