"""By which command, with which versions and on which machine something was computed."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import pathlib
import platform

from ..experiment.command import as_typed
from ..experiment.options import as_dict, listed, options_of
from .settings import ReproduceSettings

PACKAGES = ("keras-ms", "keras", "tensorflow", "numpy")


def command(settings: ReproduceSettings, target: str) -> str:
    """What a user types for one target; options that have their default are left out."""
    defaults = {field.name: field.default for field in options_of(settings)}
    given = {name: value for name, value in as_dict(settings).items() if value != defaults[name]}
    options = {"target": target, **{n: v for n, v in given.items() if n != "target"}}
    parts = [f"--{name}={_typed(value)}" for name, value in options.items()]
    return as_typed(f"python -m apps.reproduce {' '.join(parts)}")


def _typed(value: object) -> str:
    return listed(value) if isinstance(value, tuple) else str(value)


def versions() -> str:
    """Versions of Python and of what counts most."""
    found = [f"{name} {_version(name)}" for name in PACKAGES]
    return ", ".join((f"Python {platform.python_version()}", *found))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # a clone that is not installed
        return "of the clone"


@functools.cache
def machine() -> str:
    """The hardware: processor, cores, memory, GPUs."""
    import tensorflow as tf

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(part for part in (_processor(), _cores(), _memory(), *gpus) if part)


def _cores() -> str:
    """The cores, and how many of them the process was given where these are fewer."""
    there = os.cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)  # of Linux
    own = len(affinity(0)) if affinity else there
    return f"{there} cores" if own == there else f"{own} of {there} cores"


def _processor() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():  # of Linux, where `platform` says the architecture alone
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return ""
    return f"{size / 2**30:.0f} GiB"
