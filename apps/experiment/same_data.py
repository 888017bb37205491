"""What examples are known by: a run goes on with the same ones, and hosts share the same ones."""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

BYTES = 6
"""So many of the digest are a whole number that a float holds exactly."""


def fingerprint(examples: Any) -> int:
    """A number that other files, or files of other sizes, would hardly have.

    Files may lie in another folder: their names count, and their order.

    Args:
        examples: What a kind of experiment loads: of files, it has them as `files`.

    Returns:
        The number; 0 where there are no files.
    """
    digest = hashlib.sha256()
    files = list(_flat(getattr(examples, "files", ())))
    for path in files:
        try:
            size = os.path.getsize(path)
        except OSError:  # gone since: it will be said when it is read
            size = -1
        digest.update(f"{path.name}\0{size}\0".encode(errors="surrogateescape"))
    return int.from_bytes(digest.digest()[:BYTES], "big") if files else 0


def _flat(files: Any) -> Iterator[pathlib.Path]:
    for entry in files:
        if isinstance(entry, str | os.PathLike):
            yield pathlib.Path(entry)
        else:  # a pair
            yield from _flat(entry)
