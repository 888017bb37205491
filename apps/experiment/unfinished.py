"""What a run of `apps.train` leaves in its folder until it has ended, and goes on from."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Any

import keras

from keras_ms import safe_files
from keras_ms.training.changes import changes, plain
from keras_ms.validation import is_number

from . import distribution, precision, same_data, started_alike
from .options import as_dict, listed, replaced
from .saving import Saving
from .settings import Settings
from .stopping import Signals

FOLDER = "checkpoints"
FREE = {
    *("strategy", "compare", "output", "resume", "checkpoint_seconds", "on_nan"),
    *("portable", "baseline", "cache_gb", "tensorboard"),
}
"""Options that may be others when a run goes on: no weight depends on them."""
KEPT = "*/checkpoint-*.npz"
_OWN = re.compile(rf"run\.json|decided\.json|checkpoint-\d+\.npz|{re.escape(safe_files.PREFIX)}.*")
PARTS = {"settings", "policy", "rollbacks"}


def found(output: pathlib.Path, settings: Settings) -> dict[str, Any]:
    """What the run in a folder is: the one that has not ended, or a new one. Nothing is removed.

    Args:
        output: Folder of the run.
        settings: Its settings.

    Raises:
        ValueError: If there is a run of other settings, or none, and there must be one; or if
            something else bears the name of its folder, which is removed in the end.
    """
    folder = output / FOLDER
    _check_own(folder)
    mine = {n: v for n, v in as_dict(settings).items() if n not in FREE}
    hosts = distribution.place(settings).hosts
    if hosts > 1:  # as many, since each has its part of the data
        mine["distribute"] = f"{settings.distribute} on {hosts} hosts"
    new = {"settings": plain(mine), "policy": None, "rollbacks": {}}
    if settings.resume == "never":
        return new
    content = _read(folder)
    if content is None and any(folder.glob(KEPT)):
        raise ValueError(
            "--output holds checkpoints of a run that nobody knows any more. Received: "
            f"{folder / 'run.json'}, which is missing or damaged. Use --resume=never to start "
            "anew, or another folder."
        )
    if content is None:
        if settings.resume == "must":
            raise ValueError(
                "--resume=must goes on with a run that has not ended. Received: "
                f"--output={output}, where there is none. Use --resume=auto."
            )
        return new
    if changed := changes(content["settings"], mine):
        listed = "; ".join(f"--{line}" for line in changed)
        raise ValueError(
            "--output holds a run that has not ended, of other settings. Received: "
            f"{listed}. Use the same settings to go on, --resume=never to start anew, or "
            "another folder."
        )
    _check_none_left_out(folder, settings)
    return content


def _check_none_left_out(folder: pathlib.Path, settings: Settings) -> None:
    """Refuses strategies without one that has checkpoints, which the end of the run removes."""
    kept = {path.parent.name for path in folder.glob(KEPT)}
    if left_out := sorted(kept - set(settings.strategies)):
        raise ValueError(
            "--output holds a run that has not ended, of strategies that are left out now. "
            f"Received: --strategy={settings.strategy}, --compare={listed(settings.compare)}, "
            f"where there are checkpoints of {listed(left_out)}. Ask for these, too, or use "
            "--resume=never to start anew, or another folder."
        )


def _check_own(folder: pathlib.Path) -> None:
    """Refuses a folder in which something is that no run has left there."""
    strange = None if folder.is_dir() or not os.path.lexists(folder) else folder
    for entry in folder.iterdir() if folder.is_dir() else ():
        within = [entry] if entry.is_file() else list(entry.iterdir())
        strange = strange or next((path for path in within if not _OWN.fullmatch(path.name)), None)
    if strange is not None:
        raise ValueError(
            "--output holds something else where the checkpoints go, which would be lost. "
            f"Received: {strange}. Use another folder."
        )


def _read(folder: pathlib.Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and _is_whole(content) else None


def _is_whole(content: dict[str, Any]) -> bool:
    settings, rollbacks = content.get("settings"), content.get("rollbacks")
    return (
        content.keys() >= PARTS
        and isinstance(settings, dict)
        and isinstance(content["policy"], str | None)
        and isinstance(rollbacks, dict)
        and all(is_number(count) for count in rollbacks.values())
    )


def _on_other_data(reason: str) -> ValueError:
    return ValueError(
        f"--output holds a run that has not ended, on other data. Received: {reason}. Use the same "
        "data to go on, --resume=never to start anew, or another folder."
    )


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

    def begin(self, examples: Any) -> None:
        """Sets the precision, the one that it was, and checks what the run is.

        Args:
            examples: What there is to train on.

        Raises:
            ValueError: If it was something else, or is on other hosts.
        """
        count, files = len(examples), same_data.fingerprint(examples)
        started_alike.check_data(self._settings, count, files)
        self._keep("examples", "files", count, files)
        if self._content["policy"] is None:
            self._content["policy"] = precision.set_policy(self._settings)
        keras.config.set_dtype_policy(self._content["policy"])

    def start(self, held_out: Any) -> None:
        """Keeps what the run is; `--resume=never` removes the one before, not any earlier.

        Args:
            held_out: What it is validated on.

        Raises:
            ValueError: If it was something else, or the run before cannot be removed.
        """
        files = same_data.fingerprint(held_out)
        self._keep("held_out", "held_out_files", len(held_out), files, "to validate on")
        if self._settings.resume == "never":
            self.remove()
            if self._folder.exists():
                raise ValueError(
                    "--resume=never removes the run that has not ended, and cannot. Received: "
                    f"{self._folder}. Remove it, or use another folder."
                )
        self._write()

    def _keep(self, number: str, name: str, count: int, files: int, use: str = "") -> None:
        before = self._content.setdefault(number, count)
        if before != count:
            raise _on_other_data(f"{count} examples {use}".strip() + f", it was {before}")
        if self._content.setdefault(name, files) != files:
            raise _on_other_data(f"files {use}".strip() + " of other names or sizes than they were")

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
        if not any(self._folder.glob(KEPT)):
            self.remove()

    def remove(self) -> None:
        """Removes all of it, at once: a kill leaves no part of it behind."""
        safe_files.remove(self._folder)

    def _write(self) -> None:
        if self._writes:
            safe_files.write_json(self._folder / "run.json", self._content)
