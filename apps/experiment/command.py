"""What a user types: `python -m apps.train` in a clone, `keras-ms train` where it is installed."""

from __future__ import annotations

import re

IN_A_CLONE = __package__.startswith("apps.")


def as_typed(text: str, in_a_clone: bool = IN_A_CLONE) -> str:
    """A text that names apps as a clone does, as it reads here.

    Args:
        text: It may hold `python -m apps.NAME`, or `apps.NAME`.
        in_a_clone: Whether apps are run from a clone.
    """
    if in_a_clone:
        return text
    return re.sub(r"(?:python -m )?\bapps\.(\w+)", _installed, text)


def _installed(found: re.Match[str]) -> str:
    return f"keras-ms {found[1].replace('_', '-')}"
