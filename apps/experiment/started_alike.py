"""Several hosts that begin a run: with the same settings, on the same data, as the chief says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_ms.training.changes import plain

from . import distribution
from .options import as_dict
from .settings import Settings

OF_A_HOST = {
    *("output", "resume", "checkpoint_seconds", "portable", "baseline", "cache_gb", "tensorboard"),
    *("data_dir", "target_dir", "val_data_dir", "val_target_dir"),
}
"""Options that are the chief's matter, or where a host has its files."""


def run_of(settings: Settings, begin: Callable[[], dict[str, Any]] = dict) -> dict[str, Any]:
    """What the run is, as the chief says, on every host.

    Args:
        settings: Those of this host.
        begin: Says it on the chief, or on the only host.

    Raises:
        ValueError: On every host, if `begin` raises it, or a host was started otherwise.
        ConnectionError: If another host is gone.
    """
    if distribution.place(settings).hosts == 1:
        return begin()
    mine = plain(as_dict(settings))
    said = distribution.said_by_chief(settings, lambda: {"run": begin(), "settings": mine})
    different = [
        f"--{name}={value}, on the chief {said['settings'].get(name)}"
        for name, value in mine.items()
        if name not in OF_A_HOST and value != said["settings"].get(name)
    ]
    counts = distribution.gathered(settings, [len(different)])[:, 0]
    hosts = ", ".join(str(host) for host, count in enumerate(counts) if count)
    if hosts:
        reason = "; ".join(different) or f"others on host {hosts}, which says which"
        raise ValueError(
            f"All hosts run the same command, but their settings differ. Received: {reason}. Start "
            "all of them alike."
        )
    return said["run"]


def check_data(settings: Settings, examples: int, files: int) -> None:
    """Checks that all hosts have the same examples, of which each takes its part.

    Args:
        settings: Those of this host.
        examples: How many it has.
        files: What their files are known by.

    Raises:
        ValueError: On every host, if they are not the same.
        ConnectionError: If another host is gone.
    """
    if distribution.place(settings).hosts == 1:
        return
    found = distribution.gathered(settings, [examples, files])
    if len({*map(tuple, found)}) > 1:
        counts = ", ".join(f"{count:.0f}" for count in found[:, 0])
        raise ValueError(
            "Every host takes its part of the same data, but theirs differ. Received: "
            f"{counts} examples, host by host, in files of other numbers, names or sizes. Give all "
            "hosts the same data."
        )
