"""What the library says of its arguments, in the words of the command line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Collection
from typing import Any

OTHERS = frozenset({"dataset", "input", "loss", "model", "network", "output", "task"})
"""Options called like arguments that mean something else."""
RANGE = "t_range"
ENDS = ("t_low", "t_high")
NUMBER_OR_NAME = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_]\w*")
CALL = re.compile(r"\b(?:\w+\.)*(?:FolderPairs|FolderImages|MultiscaleDataset)\((--[^()]*)\)")
TOLD_TWICE = re.compile(r"(--\w+) \(in the apps: \1\)")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def in_flags(text: str, options: Collection[str]) -> str:
    """A text in which arguments of Python are flags; what is one already stays.

    Args:
        text: The text, such as of an error.
        options: Names of the options of the app.

    Example:
        >>> in_flags("Use classes={0: 0, 255: 1}, or `void`.", ("classes", "void"))
        'Use --classes=0:0,255:1, or --void.'
    """
    names = set(options) - OTHERS
    if names >= set(ENDS):
        names.add(RANGE)
    if not names:
        return text
    either = "|".join(sorted(names, key=len, reverse=True))
    text = re.sub(f"`({either})`", lambda found: _flag(found[1]), text)
    parts, done = [], 0
    for found in re.finditer(rf"(?<![\w.\-/'\"])({either})=", text):
        literal = _literal(text[found.end() :])
        spelled = _spelled(found[1], literal)
        if found.start() >= done and spelled is not None:
            parts += [text[done : found.start()], spelled]
            done = found.end() + len(literal)
    text = CALL.sub(r"\1", "".join([*parts, text[done:]]))
    return TOLD_TWICE.sub(r"\1", text)


def _flag(name: str) -> str:
    return " and ".join(f"--{end}" for end in ENDS) if name == RANGE else f"--{name}"


def _literal(text: str) -> str:
    """The literal of Python that a text begins with, or an empty string."""
    if text[:1] in CLOSING:
        depth = 0
        for place, character in enumerate(text):
            depth += (character in CLOSING) - (character in CLOSING.values())
            if not depth:
                return text[: place + 1]
        return ""
    if text[:1] in ("'", '"'):
        return text[: text.find(text[0], 1) + 1]
    found = NUMBER_OR_NAME.match(text)
    return found[0] if found else ""


def _spelled(name: str, literal: str) -> str | None:
    """An argument as a flag; `None` where there is no such."""
    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return None
    if value is None:
        return f"no {_flag(name)}"
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    if name == RANGE and isinstance(value, (list, tuple)) and len(value) == len(ENDS):
        ends = zip(ENDS, value, strict=True)
        return " ".join(f"--{end}={_shown(one)}" for end, one in ends)
    return f"--{name}={_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict) and all(isinstance(key, int) for key in value):
        return ",".join(f"{key}:{of}" for key, of in value.items())
    if isinstance(value, dict):  # colours, which are told in the order of their classes
        return ",".join(_colour(key) for key, _ in sorted(value.items(), key=lambda item: item[1]))
    if isinstance(value, (list, tuple)):
        return ",".join(map(_colour, value))
    return f"{value:g}" if isinstance(value, float) else shlex.quote(str(value))


def _colour(value: Any) -> str:
    """A colour, which flags write as HTML does; or anything else in a list."""
    if isinstance(value, tuple) and len(value) == 3:
        return "#" + "".join(f"{band:02x}" for band in value)
    return _shown(value)
