"""How much memory is left: of the machine, and of the container that the process may be in."""

from __future__ import annotations

import contextlib
import math
import pathlib

import psutil

# psutil knows the machine alone: a container kills what takes more than its own limit.
_CONTAINER = pathlib.Path("/sys/fs/cgroup")
_FILES = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)
"""Limit, use and statistics of both versions of Linux's control groups."""


def available_bytes() -> float:
    """Bytes that the process may still take; infinite where nobody tells.

    What the system would give back for them, such as cached files, counts as free.
    """
    return min(_of_machine(), _of_container())


def in_words(count: float) -> str:
    """A number of bytes, for messages.

    Example:
        >>> in_words(3 * 2**29), in_words(5e6)
        ('1.5 GiB', '4.8 MiB')
    """
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"


def _of_machine() -> float:
    with contextlib.suppress(OSError, KeyError, psutil.Error):
        return float(psutil.virtual_memory().available)
    return math.inf


def _of_container() -> float:
    for most, used, statistics, idle in _FILES:
        with contextlib.suppress(OSError, ValueError, IndexError):
            limit = int((_CONTAINER / most).read_text())  # "max" is no number
            lines = (_CONTAINER / statistics).read_text().splitlines()
            files = sum(int(line.split()[1]) for line in lines if line.startswith(f"{idle} "))
            return float(max(0, limit - int((_CONTAINER / used).read_text()) + files))
    return math.inf
