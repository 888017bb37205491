"""Names of files, and texts that hold them, as they can be shown without harm."""

from __future__ import annotations


def printable(text: object, kept: str = "") -> str:
    r"""Writes as escapes what a terminal would obey, and what cannot be printed at all.

    Names of files may hold escape sequences, line breaks, marks that turn the direction of writing
    and bytes of no encoding. All other characters, of any script, stay as they are.

    Args:
        text: The text, or anything that `str` makes one of, such as a path.
        kept: Characters that stay nevertheless. Defaults to none; a line break is one, too.

    Returns:
        The text, on one line unless `kept` has it otherwise.

    Example:
        >>> printable("a\x1b[2J\n.png")
        'a\\x1b[2J\\n.png'
    """
    return "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in str(text))


def units_text(work_units: float) -> str:
    """Work units as they are printed: whole ones, with a decimal where there are under ten."""
    return f"{work_units:,.1f}" if 0 < work_units < 10 and work_units % 1 else f"{work_units:,.0f}"
