"""Runs that are kept on file: read instead of trained again, whenever a race was stopped."""

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from keras_ms import safe_files

from ..experiment.made_with import as_json, check_same
from ..experiment.options import as_dict
from ..experiment.settings import OF_THE_RUN


def kept(
    path: pathlib.Path,
    settings: Any,
    train: Callable[[], dict[str, Any]],
    told: Callable[[dict[str, Any]], str],
) -> dict[str, Any]:
    """What is on file of a run; if nothing is, it is trained now.

    A run that is killed leaves nothing but its log, and is made anew.

    Args:
        path: Its JSON file. What it prints goes into a log beside it.
        settings: Options of the run, or a dictionary of what its result depends on.
        train: Makes the run; returns what to keep of it, for JSON.
        told: What to print of a run that was made.

    Returns:
        What `train` returned, and `"settings"`, as JSON has them.

    Raises:
        ValueError: If what is on file was made with other settings; it names them.
    """
    made_with = made_of(settings if isinstance(settings, Mapping) else as_dict(settings))
    if not path.exists():
        with path.with_suffix(".log").open("w") as log, contextlib.redirect_stdout(log):
            content = {"settings": made_with, **train()}
        print(f"{path.parent.name}, {path.stem}: {told(content)}", flush=True)
        # Losses of runs that diverged are not finite, which `write_json` would not keep.
        safe_files.write_text(path, json.dumps(content, indent=1) + "\n")
    content = json.loads(path.read_text())
    check_same(path, content["settings"], made_with)
    return content


def made_of(given: Mapping[str, Any]) -> Any:
    """What the result of a run depends on, as it comes back from a file."""
    return as_json({name: value for name, value in given.items() if name not in OF_THE_RUN})
