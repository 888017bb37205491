"""What the pictures of a list are: indices of palettes, shades, or colours. All of them decide."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from keras_ms.data.sources import pillow_pictures
from keras_ms.data.sources.picture_side import upright_header
from keras_ms.data.sources.pillow_reader import opened
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.stored import Header
from keras_ms.data.sources.written_shades import are_spread

PALETTE, SHADES, SPREAD, COLOURS = "palette", "grey", "grey of few bits", "colour"
Seen = tuple[Header, str]


class PictureKinds(NamedTuple):
    """What was seen of the pictures that can be read.

    Attributes:
        heads: Their heads, upright.
        counts: How many are of each kind.
        of_each: The head of each picture in order, or why it cannot be read.
    """

    heads: list[Header]
    counts: collections.Counter[str]
    of_each: list[Header | ValueError]

    @classmethod
    def of(cls, pictures: Sequence[Any], part: str) -> PictureKinds:
        """Looks at the heads of all.

        Args:
            pictures: Paths of files, or pictures of Pillow.
            part: `"x"`, whose pictures are looked at; others may hold numbers.

        Raises:
            ValueError: If none can be read, or if it cannot be told what numbers mean.
        """
        found = _all_seen(pictures)
        read = [seen for seen in found if not isinstance(seen, ValueError)]
        if not read:
            what = "files" if isinstance(pictures[0], str) else "pictures"
            raise ValueError(f"None of {len(found)} {what} can be read. Received: {found[0]}")
        counts = collections.Counter(kind for _, kind in read)
        each = [seen if isinstance(seen, ValueError) else seen[0] for seen in found]
        kinds = cls([head for head, _ in read], counts, each)
        kinds._check_depths(part)
        return kinds

    @property
    def are_palettes(self) -> bool:
        """Whether indices are meant: there are palettes, and no more pictures of colours."""
        return self.counts[PALETTE] > 0 and self.counts[PALETTE] >= self.counts[COLOURS]

    @property
    def are_shades(self) -> bool:
        """Whether all are grey pictures of integers."""
        whole = all(head.dtype.kind == "u" or head.whole for head in self.heads)
        return whole and not self.counts[PALETTE] and not self.counts[COLOURS]

    @property
    def index_type(self) -> np.dtype:
        """The type of the numbers in all of the files."""
        types = {np.dtype(head.dtype) for head in self.heads}
        if types <= {np.dtype(np.uint8)}:
            return np.dtype(np.uint8)
        if self.are_shades and types == {np.dtype(np.uint16)}:
            return np.dtype(np.uint16)
        return np.dtype(np.int64 if np.dtype(np.float64) in types else np.int32)

    @property
    def note(self) -> str:
        """What a user should know of the files, if they are not all alike."""
        if self.are_palettes:
            others = self._listed(PALETTE)
            more = f"; {others} among them give the numbers they hold" * bool(others)
            return f"palette pictures: indices are classes{more}"
        if self.counts[COLOURS] and (others := self._listed(COLOURS)):
            return f"pictures in colour: {others} among them are read as such"
        if self.counts[SPREAD] and self.are_shades:
            return f"{self._listed()}: numbers as written, not spread to 255"
        return ""

    def _listed(self, without: str = "") -> str:
        return ", ".join(
            f"{count} {kind}" for kind, count in sorted(self.counts.items()) if kind != without
        )

    def _check_depths(self, part: str) -> None:
        """Refuses numbers of 8 bits among those of 16, which pictures would share out anew."""
        depths = {np.dtype(head.dtype).name for head in self.heads}
        if part != "x" and self.are_shades and {"uint8", "uint16"} <= depths:
            raise ValueError(
                "It cannot be told whether grey files of 8 and of 16 bits hold class numbers or "
                f"shades. Received: both in {part}. Use keras_ms.data.FolderPairs(inputs, targets)"
                " for pictures, with `classes` for masks, or write files of one depth."
            )


def _all_seen(pictures: Sequence[Any]) -> list[Seen | ValueError]:
    if isinstance(pictures[0], str):
        return [seen for _, seen in read_ahead(pictures, _seen)]
    found: list[Seen | ValueError] = []
    for picture in pictures:  # one may stand there twice, and threads would decode it at once
        try:
            found.append(_seen(picture))
        except ValueError as error:
            found.append(error)
    return found


def _seen(picture: Any) -> Seen:
    if isinstance(picture, Image.Image):
        head, mode = pillow_pictures.header(picture), picture.mode
        path = pillow_pictures.path_of(picture)
    else:
        head, mode, path = upright_header(picture), "", picture
        with contextlib.suppress(ValueError):  # of no format of Pillow's: without a palette
            mode = opened(path, lambda image: image.mode, load=False)
    if mode in ("P", "PA"):
        return head, PALETTE
    if head.bands > 1:
        return head, COLOURS
    return head, SPREAD if mode == "1" or (path and are_spread(path)) else SHADES
