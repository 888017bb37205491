"""Files are looked at before they are decoded: counts and names of those that are of no use."""

from __future__ import annotations

from typing import Any

from .problem import Problem


def lines_of(problem: Problem, examples: Any, split: str, least_side: int | None) -> list[str]:
    """Scans the files of a split.

    Args:
        problem: Whose `max_bad_fraction` holds.
        examples: `FolderImages` or `FolderPairs`, which remember what was seen.
        split: `"train"` or `"validation"`.
        least_side: The least side that is needed, in pixels; or all serve.

    Returns:
        What there is to tell.

    Raises:
        ValueError: If too many files are of no use.
    """
    what = f"{'images' if problem.target_dir is None else 'pairs'} of split {split!r}"
    seen = examples.scan(least_side)
    seen.check(problem.max_bad_fraction, what)
    return seen.lines(what)
