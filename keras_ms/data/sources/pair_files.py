"""Files of pairs as they are read: heads, then pixels as stored, then values that are scaled."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from keras_ms.data.sources.decoding import check_room
from keras_ms.data.sources.mask_classes import MaskClasses
from keras_ms.data.sources.pair_batching import Files, Pair, check_sizes, in_order
from keras_ms.data.sources.picture_side import PictureSide, Range, readable, upright_heads
from keras_ms.data.sources.pillow_reader import unreadable
from keras_ms.data.sources.scanning import Scan
from keras_ms.data.sources.stored import Header
from keras_ms.data.sources.turned_pairs import warn_of_turned


class PairFiles:
    """Reads pairs so that all inputs come in one type and number of bands, and so all targets.

    Args:
        files: `(input, target)` of every pair. Others may be set until the first is read.
        masks: How masks are read; `None` if targets are pictures.
        ranges: Values of inputs, and of targets, that become 0 and 1; `None` for the type's.
        bands: Number of bands of the inputs; `None` for that of most files.
        bounded: Whether targets that are pictures are refused if their values, scaled, are far
            from [0, 1].
        max_megapixels: Larger pictures are refused.
    """

    def __init__(
        self,
        files: Sequence[Files],
        masks: MaskClasses | None,
        ranges: tuple[Range | None, Range | None],
        bands: int | None,
        bounded: bool,
        max_megapixels: float,
    ) -> None:
        self.files, self._masks, self._ranges = files, masks, ranges
        self._bands, self._bounded, self._max_megapixels = bands, bounded, max_megapixels
        self._scan: Scan | None = None

    def _pairs(self) -> Iterator[tuple[Files, Pair | ValueError]]:
        return in_order(self.files, self._read)

    def _passes(self) -> Iterator[tuple[str, Any]]:
        for (path, _), pair in self._pairs():
            yield str(path), pair

    def _read(self, files: Files) -> Pair:
        if self._scan is not None and (why := self._scan.unreadable.get(str(files[0]))):
            raise unreadable(files[0], why)
        inputs, targets = self._sides
        reader = self._masks if targets is None else targets
        assert reader is not None
        most = self._max_megapixels
        for path in files:
            check_room(path, most)
        x, y = (one.read(path, most) for one, path in zip((inputs, reader), files, strict=True))
        check_sizes(files, x.shape, y.shape)
        return x, y

    def _scaled(self, pair: Pair) -> Pair:
        inputs, targets = self._sides
        return inputs.scaled(pair[0]), pair[1] if targets is None else targets.scaled(pair[1])

    def _target_spec(self) -> tf.TensorSpec:
        targets = self._sides[1]
        if targets is not None:
            return targets.spec
        assert self._masks is not None
        sides = {(h.height, h.width) for h in readable(self._heads[1])}
        shape = next(iter(sides)) if len(sides) == 1 else (None, None)
        return tf.TensorSpec(shape, tf.as_dtype(self._masks.dtype))

    @functools.cached_property
    def _heads(self) -> tuple[list[Header | ValueError], list[Header | ValueError]]:
        inputs, targets = map(upright_heads, zip(*self.files, strict=True))
        warn_of_turned(self.files, inputs, targets)
        return inputs, targets

    @functools.cached_property
    def _sides(self) -> tuple[PictureSide, PictureSide | None]:
        """What reads inputs, and targets; `None` for masks."""
        of_inputs, of_targets = map(readable, self._heads)
        inputs = PictureSide(of_inputs, self._ranges[0], bands=self._bands)
        if self._masks:
            return inputs, None
        values, bounded = self._ranges[1], self._bounded
        return inputs, PictureSide(of_targets, values, option="target_range", bounded=bounded)
