"""What is passed over while examples are read: few are named in a warning, many are refused."""

from __future__ import annotations

import os
import re
import sys
import warnings

from keras_ms.validation import is_number, shown

SHOWN = 5


class Kind:
    """Examples that cannot be used for one reason, which is told once.

    Args:
        name: Of the first.
        reason: Why, in its own words.

    Example:
        >>> kind = Kind("a.png", "too small")
        >>> kind.add("b.png")
        >>> str(kind)
        'a.png (too small) and 1 more alike: b.png'
    """

    def __init__(self, name: str, reason: str) -> None:
        self.first, self.count = f"{name} ({reason.rstrip('.')})", 1
        self._others: list[str] = []

    def add(self, name: str) -> None:
        """Counts another one."""
        self.count += 1
        if len(self._others) < SHOWN:
            self._others.append(os.path.basename(name) or name)

    def __str__(self) -> str:
        """The first with its reason, how many others, and names of some."""
        if self.count == 1:
            return self.first
        more = ", ..." if self.count > 1 + len(self._others) else ""
        return f"{self.first} and {self.count - 1} more alike: {', '.join(self._others)}{more}"


def kind_of(name: str, reason: str) -> str:
    """A reason without what differs from file to file: names, paths and numbers.

    Example:
        >>> kind_of("x/a.png", "x/a.png of 8x9 beside y/a.png")
        '# of #x# beside #'
    """
    for own in (name, os.path.basename(name)):
        reason = reason.replace(own, "#") if own else reason
    return re.sub(r"\S*[/\\]\S*|[\d.]*\d", "#", reason)


class Skipped:
    """Counts the examples that cannot be used, and says which, once.

    Args:
        max_fraction: The greatest part of all that may be skipped, from 0 to 1.
        what: What is counted, for messages.

    Raises:
        ValueError: If `max_fraction` is not between 0 and 1.

    Example:
        >>> skipped = Skipped(max_fraction=0.25)
        >>> for _ in range(9):
        ...     skipped.admitted()
        >>> skipped.add("icon.png", "16 x 16 pixels, smaller than the crop")
        >>> skipped.count, skipped.total
        (1, 10)
    """

    def __init__(self, max_fraction: float, what: str = "images") -> None:
        if not is_number(max_fraction) or not 0.0 <= max_fraction <= 1.0:
            raise ValueError(
                "`max_bad_fraction` is a number from 0 to 1. "
                f"Received: max_bad_fraction={shown(max_fraction)}."
            )
        self._max_fraction, self._what = max_fraction, what
        self._kinds: dict[str, Kind] = {}
        self.count = 0
        self.total = 0

    def add(self, name: str, reason: str) -> None:
        """Counts one that cannot be used: the name of its file, or its number, and why."""
        self.count, self.total = self.count + 1, self.total + 1
        kind = kind_of(name, reason)
        if kind in self._kinds:
            self._kinds[kind].add(name)
        elif len(self._kinds) < SHOWN:
            self._kinds[kind] = Kind(name, reason)

    def admitted(self) -> None:
        """Counts one that can be used."""
        self.total += 1

    def finish(self, refuse: bool = True) -> None:
        """Tells of what was skipped, if anything was.

        Args:
            refuse: Whether too many are refused; else they are only warned of, as in a run that
                has begun.

        Raises:
            ValueError: If more than `max_fraction` of all were skipped, or none is left.

        Warns:
            UserWarning: If some were skipped, with the first names and reasons.
        """
        if not self.count:
            return
        if refuse:
            self.refuse()
        warnings.warn(
            f"Skipped {self.count} of {self.total} {self._what}: {self._named}",
            stacklevel=first_level_outside(),
        )

    def tell_of_the_first(self) -> None:
        """Warns of the first that was skipped, where it may take long until all are counted."""
        first = next(iter(self._kinds.values())).first
        warnings.warn(
            f"One of the {self._what} is passed over: {first}. Others will be counted.",
            stacklevel=first_level_outside(),
        )

    def refuse(self) -> None:
        """Refuses what was skipped, if it is too much.

        Raises:
            ValueError: If more than `max_fraction` of all were skipped, or none is left.
        """
        if self.count and (
            self.count > self._max_fraction * self.total or self.count == self.total
        ):
            raise ValueError(
                f"{self.count} of {self.total} {self._what} cannot be used. Received: "
                f"{self._named}. At most the fraction max_bad_fraction={self._max_fraction:g} may "
                "be skipped, and one must be left. Remove or mend them, or use a larger "
                "`max_bad_fraction` (in the apps: --max_bad_fraction)."
            )

    @property
    def _named(self) -> str:
        told = sum(kind.count for kind in self._kinds.values())
        return "; ".join(map(str, self._kinds.values())) + ("; ..." if told < self.count else "")


def first_level_outside() -> int:
    """The `stacklevel` of the caller's first caller that is not of this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].startswith("keras_ms."):
        frame, level = frame.f_back, level + 1
    return level
