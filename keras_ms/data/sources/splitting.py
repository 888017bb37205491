"""What is held out to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from keras_ms.validation import is_count, shown

Item = TypeVar("Item")


def check_split(split: str | None, every: int) -> None:
    """Refuses splits that there are not.

    Raises:
        ValueError: Naming them.
    """
    known = split is None or (isinstance(split, str) and split in ("train", "validation"))
    if not known or not is_count(every) or every < 2:
        raise ValueError(
            "`split` is 'train', 'validation' or None, and `validation_every` is 2 or more. "
            f"Received: split={shown(split)}, validation_every={shown(every)}."
        )


def of_split(items: Sequence[Item], split: str | None, every: int) -> list[Item]:
    """The items of a split: the last of each run of `every` is held out.

    Args:
        items: In a fixed order.
        split: `"train"`, `"validation"`, or `None` for all.
        every: Length of a run; of a shorter row of items the last one is held out.

    Example:
        >>> of_split("abcdef", "validation", 3)
        ['c', 'f']
    """
    if split is None:
        return list(items)
    every = min(every, len(items))
    return [
        item
        for number, item in enumerate(items, 1)
        if (number % every == 0) == (split == "validation")
    ]
