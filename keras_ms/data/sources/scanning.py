"""What the heads of picture files say, before a pixel is decoded: which are of use, how large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_ms.data.memory import in_words
from keras_ms.data.progress import track
from keras_ms.data.skipped import SHOWN, Skipped
from keras_ms.data.sources.decoding import bytes_of
from keras_ms.data.sources.picture_file import header
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, Header

LARGE = 2**28
"""Bytes from which on a picture is worth a line."""


class Scan(NamedTuple):
    """What was seen.

    Attributes:
        usable: Names of the files, or of the inputs of pairs, that can be used.
        unreadable: Why others cannot be read, by name.
        small: How large those are that are smaller than was asked for, by name.
        largest: Name of the picture that is the largest, and its head; `None` if there is none.
        decoded_bytes: Bytes of all pixels that can be used.
    """

    usable: tuple[str, ...]
    unreadable: Mapping[str, str]
    small: Mapping[str, str]
    largest: tuple[str, Header] | None
    decoded_bytes: int

    @property
    def total(self) -> int:
        """How many were looked at."""
        return len(self.usable) + len(self.unreadable) + len(self.small)

    def check(self, max_bad_fraction: float, what: str = "images") -> None:
        """Refuses a folder of which too much is of no use.

        Raises:
            ValueError: If more than that part of it cannot be used, or nothing can.
        """
        skipped = Skipped(max_bad_fraction, what)
        for name, reason in (*self.unreadable.items(), *self.small.items()):
            skipped.add(name, reason)
        for _ in self.usable:
            skipped.admitted()
        skipped.refuse()

    def lines(self, what: str = "images") -> list[str]:
        """Counts and names, a line for each kind of file that is of no use, and the largest."""
        found = []
        for kind, bad in (("cannot be read", self.unreadable), ("are too small", self.small)):
            if bad:
                named = [f"{name} ({reason})" for name, reason in list(bad.items())[:SHOWN]]
                more = ", ..." if len(bad) > SHOWN else ""
                found.append(f"{len(bad)} of {self.total} {what} {kind}: {', '.join(named)}{more}.")
        if self.largest is not None and bytes_of(self.largest[1]) >= LARGE:
            name, head = self.largest
            found.append(
                f"The largest, {name}, of {head.height} x {head.width} pixels, takes "
                f"{in_words(bytes_of(head))} decoded; all take {in_words(self.decoded_bytes)}. "
                "What does not fit in the cache goes to a temporary file."
            )
        return found


def heads_of(
    files: Sequence[Any], max_megapixels: float = MAX_MEGAPIXELS
) -> list[Header | ValueError]:
    """The head of every file, or why it cannot be read."""

    def read(path: Any) -> Header:
        return header(path, max_megapixels)

    found = read_ahead(files, read)
    shown = track(found, "Looking at images", total=len(files))
    return [head for _, head in shown]


def scan(
    names: Sequence[str],
    heads: Sequence[Sequence[Header | ValueError]],
    least_side: int | None = None,
) -> Scan:
    """Sorts files, or tuples of files, by what their heads say.

    Args:
        names: What each is called.
        heads: For each, the heads of its files.
        least_side: Sides of the larger of its pictures that are needed, in pixels; or all serve.
    """
    usable: list[str] = []
    unreadable: dict[str, str] = {}
    small: dict[str, str] = {}
    largest: tuple[str, Header] | None = None
    total = 0
    for name, of_one in zip(names, heads, strict=True):
        if why := _why_not(of_one):
            unreadable[name] = why
            continue
        read = [head for head in of_one if not isinstance(head, ValueError)]
        finest = max(read, key=lambda head: head.height * head.width)
        if least_side is not None and min(finest.height, finest.width) < least_side:
            small[name] = f"{finest.height} x {finest.width} pixels, smaller than {least_side}"
            continue
        usable.append(name)
        total += sum(map(bytes_of, read))
        if largest is None or bytes_of(finest) > bytes_of(largest[1]):
            largest = name, finest
    return Scan(tuple(usable), unreadable, small, largest, total)


def _why_not(heads: Sequence[Header | ValueError]) -> str:
    """Why files cannot be read, or an empty string; the first is named anyway."""
    for number, head in enumerate(heads):
        if isinstance(head, ValueError):
            return str(head if number else getattr(head, "reason", head))
    return ""


def within(head: Header | ValueError, max_megapixels: float) -> Header | ValueError:
    """A head, or why a picture of so many pixels is not taken."""
    if isinstance(head, ValueError):
        return head
    try:
        head.check(max_megapixels)
    except ValueError as error:
        return error
    return head
