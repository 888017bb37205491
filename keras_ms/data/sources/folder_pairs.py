"""Pairs of files from two folders: photographs and masks, inputs and targets."""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from keras_ms.data.examples import Examples
from keras_ms.data.skipped import Skipped, first_level_outside
from keras_ms.data.sources import pair_batching, pairing
from keras_ms.data.sources.folder import checked_value_range
from keras_ms.data.sources.mask_classes import Classes, MaskClasses, is_lossy
from keras_ms.data.sources.pair_batching import Pair
from keras_ms.data.sources.pair_files import PairFiles
from keras_ms.data.sources.picture_side import Range
from keras_ms.data.sources.scanning import Scan, scan, within
from keras_ms.data.sources.splitting import check_split, of_split
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.validation import none_or_positive, shown

Folder = str | pathlib.Path


class FolderPairs(PairFiles):
    """Pairs `(x, y)` from a folder of inputs and a folder of targets, paired by file name.

    `photos/a/7.jpg` belongs to `masks/a/7.png`: the folders below agree, and the names but for
    the format's suffix, for capitals, and for `input_suffix`, `target_suffix`, `input_prefix` and
    `target_prefix`. Inputs keep their depth (8 or
    16 bits, floats) and up to 32 bands. `MultiscaleDataset` keeps them as they are in the files,
    and scales what it cuts; whoever iterates gets them scaled. Files are decoded by one thread a
    core.

    Segmentation: `classes` says how masks are read. What is no class is refused, or gets the number
    `void`. Give that number to the loss as well: with `classes=11, void=11` the network has 11
    outputs, trained by `keras.losses.SparseCategoricalCrossentropy(from_logits=True,
    ignore_class=11)` and judged by `keras.metrics.MeanIoU(11, ignore_class=11,
    sparse_y_pred=False)`.

    Args:
        inputs: Folder of the inputs, searched recursively.
        targets: Folder of the targets. It may lie in that of the inputs, or be the same.
        classes: `None` (default): targets are pictures. A number `K`: masks hold the classes 0 to
            K - 1, as indices of a palette or shades of grey. Colours in their order, or by name:
            masks are coloured so. A mapping from indices or colours to classes, such as
            `{0: 0, 255: 1}`.
        void: Class of all that is no class. Defaults to none: such masks are refused.
        input_suffix: What names of inputs end in, before the format's suffix.
        target_suffix: What names of targets end in, such as `"_mask"`.
        value_range: Values of inputs that become 0 and 1. Defaults to the range of the type: 255,
            65535; floats stay as they are, and signed or 32-bit integers need it.
        target_range: Likewise for targets that are pictures. Defaults to `value_range`.
        split: `"train"` or `"validation"`; `None` (default) for all.
        validation_every: Every this many-th pair, in sorted order, is for validation.
        limit: Greatest number of pairs. Defaults to all.
        max_unmatched: Greatest part of the inputs that may be without a target.
        max_bad_fraction: Greatest part of the pairs that may be unreadable when iterated.
        max_megapixels: Larger pictures count as unreadable.
        bounded_targets: Whether targets that are pictures count as unreadable if their values,
            scaled, are far from [0, 1], as those of floats can be. Defaults to `False`.
        bands: Number of bands of the inputs, 1 to 32: `bands=3` makes RGB of grey photographs.
            Defaults to that of most files, and to 3 for grey files among coloured ones.
        input_prefix: What names of inputs begin with.
        target_prefix: What names of targets begin with, such as `"mask_"`.

    Attributes:
        files: `(input, target)`, sorted.

    Yields:
        `(x, y)`: floats `(height, width, bands)`; floats likewise, or classes `(height, width)`.

    Raises:
        ValueError: If nothing, or too little, has a partner, a file has two, a folder is missing,
            or an option makes no sense.

    Example:
        >>> pairs = keras_ms.data.FolderPairs(  # doctest: +SKIP
        ...     "photos", "masks", classes=11, void=255, split="train")
        >>> keras_ms.MultiscaleDataset(pairs, levels=(4, 8, 16), image_size=256)  # doctest: +SKIP
    """

    def __init__(
        self,
        inputs: Folder,
        targets: Folder,
        classes: Classes | None = None,
        void: int | None = None,
        input_suffix: str = "",
        target_suffix: str = "",
        value_range: Range | None = None,
        target_range: Range | None = None,
        split: str | None = None,
        validation_every: int = 5,
        limit: int | None = None,
        max_unmatched: float = 0.5,
        max_bad_fraction: float = 0.25,
        max_megapixels: float = MAX_MEGAPIXELS,
        bounded_targets: bool = False,
        bands: int | None = None,
        input_prefix: str = "",
        target_prefix: str = "",
    ) -> None:
        check_split(split, validation_every)
        none_or_positive(limit=limit, bands=bands)
        if classes is None and void is not None:
            raise ValueError(f"`void` goes with `classes`. Received: void={void}, classes=None.")
        if classes is not None and target_range is not None:
            raise ValueError(
                "`target_range` is for targets that are pictures, not for masks. Received: "
                f"target_range={shown(target_range)}, classes={shown(classes)}. Leave one of them "
                "out."
            )
        masks = None if classes is None else MaskClasses(classes, void)
        of_inputs, of_targets = checked_value_range(value_range), checked_value_range(target_range)
        ranges = of_inputs, of_inputs if target_range is None else of_targets
        Skipped(max_bad_fraction)
        pairing.check_share(max_unmatched)
        self._max_bad_fraction = max_bad_fraction
        of_input = pairing.Affix(input_prefix, input_suffix).checked("input")
        of_target = pairing.Affix(target_prefix, target_suffix).checked("target")
        found = pairing.in_folders(inputs, targets, of_input, of_target)
        pairing.check_matched(found, max_unmatched)
        files = of_split(found.pairs, split, validation_every)[:limit]
        super().__init__(files, masks, ranges, bands, bounded_targets, max_megapixels)
        self._warn_of_lossy_masks()
        if not self.files:
            raise ValueError(
                f"No pair is left for split={shown(split)}. Received: {len(found.pairs)} pairs of "
                f"{str(inputs)!r} and {str(targets)!r}. Two or more are needed to hold one out."
            )

    @property
    def num_classes(self) -> int | None:
        """Number of classes; `None` if targets are pictures."""
        return None if self._masks is None else self._masks.count

    @property
    def void(self) -> int | None:
        """Class of what is no class, for `ignore_class`; `None` if there is none."""
        return None if self._masks is None else self._masks.void

    @property
    def class_colours(self) -> np.ndarray | None:
        """Colours by class `(num_classes, 3)`, uint8; `None` unless masks are coloured."""
        return None if self._masks is None else self._masks.colours

    @property
    def input_bands(self) -> int:
        """Bands of the inputs."""
        return self._sides[0].bands

    @property
    def target_bands(self) -> int | None:
        """Bands of the targets; `None` if they are class maps."""
        return None if self._sides[1] is None else self._sides[1].bands

    def __len__(self) -> int:
        """Number of pairs, readable or not; once there was a `scan`, of those of use."""
        return len(self.files if self._scan is None else self._scan.usable)

    def scan(self, least_side: int | None = None) -> Scan:
        """Looks at the heads of all files, which takes far less time than to decode them.

        Pairs that cannot be read are not tried again.

        Args:
            least_side: Pairs whose larger picture has a shorter side count as small, in pixels.
                Defaults to none.

        Returns:
            What was seen: counts, names of inputs, and reasons.
        """
        most = self._max_megapixels
        heads = [[within(head, most) for head in pair] for pair in zip(*self._heads, strict=True)]
        self._scan = scan([str(path) for path, _ in self.files], heads, least_side)
        return self._scan

    def __iter__(self) -> Iterator[Pair]:
        """Reads the pairs; warns of those that cannot be read, or refuses them if many."""
        skipped = Skipped(self._max_bad_fraction, "pairs")
        _ = self._sides  # here, since a folder without a readable file is no matter of one pair
        for (path, _), pair in self._pairs():
            if isinstance(pair, ValueError):
                skipped.add(str(path), str(pair))
                continue
            skipped.admitted()
            yield self._scaled(pair)
        skipped.finish()

    def examples(self) -> Examples:
        """What `MultiscaleDataset` takes: pixels as stored, and the values that become 0 and 1."""
        inputs, targets = self._sides
        of_targets = None if targets is None else targets.values
        ranges = {"x": inputs.values, "y": of_targets}
        role = "image" if self._masks is None else "class_map"
        return Examples(
            (inputs.spec, self._target_spec()),
            self._passes,
            len(self),
            ranges={name: values for name, values in ranges.items() if values is not None},
            roles={"x": "image", "y": role},
        )

    def batches(
        self,
        batch_size: int = 1,
        image_size: int | tuple[int, int] | None = None,
        multiple_of: int = 32,
        cache_bytes: int = 2**30,
    ) -> tf.data.Dataset:
        """Whole pairs, or their middles, in a fixed order: what `validation_data` takes.

        All files are read once, here: what is wrong with them shows before training.

        Args:
            batch_size: Pairs in a batch; fewer where sizes differ from one pair to the next.
            image_size: Sides of the inputs' middle, `(height, width)` or one integer. Smaller
                pairs are given whole.
            multiple_of: Sides are cut to a multiple of this, so that networks which halve their
                images take them.
            cache_bytes: Bytes of pixels, as stored, to keep in memory; files beyond that are read
                again whenever they are needed. Defaults to 1 GiB.

        Returns:
            A dataset of `(x, y)`: `(batch, height, width, bands)`, and targets as yielded.

        Raises:
            ValueError: If too many pairs cannot be read, or an option makes no sense.

        Example:
            >>> pairs = keras_ms.data.FolderPairs(  # doctest: +SKIP
            ...     "photos", "masks", classes=11, split="validation")
            >>> model.fit(train, validation_data=pairs.batches(4))  # doctest: +SKIP
        """
        _ = self._sides  # here, since what all files lack is no matter of one pair
        return pair_batching.batches(
            self.files,
            self._read,
            self._scaled,
            Skipped(self._max_bad_fraction, "pairs"),
            batch_size,
            image_size,
            multiple_of,
            cache_bytes,
        )

    def _warn_of_lossy_masks(self) -> None:
        lossy = [str(target) for _, target in self.files if self._masks and is_lossy(target)]
        if lossy:
            warnings.warn(
                f"{len(lossy)} of {len(self.files)} masks are JPEG files, which change values: "
                f"classes may be wrong at edges ({lossy[0]}). Write masks as PNG.",
                stacklevel=first_level_outside(),
            )
