"""What a SavedModel of pictures says of itself: written beside it, and checked when it is read."""

from __future__ import annotations

import json
import pathlib
from typing import Any, NamedTuple

from keras_ms.inference.class_colours import MOST, is_colour
from keras_ms.inference.pictures_model import OUTPUTS
from keras_ms.networks.reach import FARTHEST

PLACE = pathlib.Path("assets.extra", "restoration.json")  # where SavedModels keep users' files
LARGEST_SCALE = 64
LONGEST = 2**16  # bytes of the file


class Details(NamedTuple):
    """What is known of a model of pictures; see `Restorer`."""

    scale: int
    receptive_field: int | None
    conditional: bool
    output: str
    classes: tuple[str, ...] | None = None


def write(folder: pathlib.Path, details: Details) -> None:
    """Writes details beside the SavedModel in a folder."""
    path = folder / PLACE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(details._asdict()) + "\n")


def read(folder: pathlib.Path) -> Details:
    """Reads what `write`, or an earlier version, wrote.

    Raises:
        ValueError: If something is missing, or is not what it can be.
    """
    path = folder / PLACE
    content = _content(path)
    if "receptive_field" not in content and "reach" in content:  # older files call it so
        content["receptive_field"] = content["reach"]
    content = {"output": "image", "classes": None, **content}
    for name, (fits, wanted) in FIELDS.items():
        if name not in content:
            raise _refused(path, f"{name!r} is missing, which is {wanted}")
        if not fits(content[name]):
            raise _refused(path, f"{name!r} is {_shown(content[name])}, not {wanted}")
    classes = content["classes"]
    if classes is not None and content["output"] == "image":
        raise _refused(path, "'classes' are of outputs that are scores, but 'output' is 'image'")
    return Details(**{name: content[name] for name in FIELDS})._replace(
        classes=None if classes is None else tuple(classes)
    )


def _content(path: pathlib.Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise _refused(path, error.strerror) from error
    if len(text) > LONGEST:
        raise _refused(path, f"more than {LONGEST} bytes")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # also of no encoding, and of endless numbers
        raise _refused(path, f"no JSON: {error}") from error
    if not isinstance(content, dict):
        raise _refused(path, f"{_shown(content)}, not an object of names and values")
    return content


def _refused(path: pathlib.Path, reason: object) -> ValueError:
    return ValueError(
        "What is written beside an exported model makes no sense, so the model is not used. "
        f"Received: {str(path)!r} ({reason}). Export the model again."
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _are_colours(value: Any) -> bool:
    return isinstance(value, list) and 2 <= len(value) <= MOST and all(map(is_colour, value))


def _is_count(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


# By name: whether a value fits, and what fits in words.
FIELDS: dict[str, tuple[Any, str]] = {
    "scale": (
        lambda value: _is_count(value, 1, LARGEST_SCALE),
        f"a whole number from 1 to {LARGEST_SCALE}",
    ),
    "receptive_field": (
        lambda value: value is None or _is_count(value, 0, FARTHEST - 1),
        f"null or a whole number from 0 to {FARTHEST - 1}",
    ),
    "conditional": (lambda value: isinstance(value, bool), "true or false"),
    "output": (lambda value: value in list(OUTPUTS), f"one of {', '.join(OUTPUTS)}"),
    "classes": (
        lambda value: value is None or _are_colours(value),
        "null or a list of colours such as '#ff0000'",
    ),
}
