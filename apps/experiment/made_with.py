"""What results on file were made with: they are not taken for those of other settings."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any


def as_json(settings: Any) -> Any:
    """Settings as they come back from a file: tuples are lists."""
    return json.loads(json.dumps(settings))


def check_same(
    path: pathlib.Path, before: Mapping[str, Any], now: Mapping[str, Any], what: str = "runs"
) -> None:
    """Refuses what is on file if it was made with other settings than these.

    Args:
        path: The file.
        before: What it was made with, as JSON has it.
        now: What is asked for, likewise.
        what: What is on file, in the plural.

    Raises:
        ValueError: Naming the file and the settings that differ.
    """
    names = dict.fromkeys((*before, *now))
    differing = [name for name in names if before.get(name) != now.get(name)]
    if differing:
        shown = ", ".join(f"{n} (was {before.get(n)!r}, is {now.get(n)!r})" for n in differing)
        raise ValueError(
            f"--output holds {what} with other settings. Received: {path}, where {shown}. Take "
            "another folder."
        )
