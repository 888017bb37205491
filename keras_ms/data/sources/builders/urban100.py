"""Urban100 as a builder of TensorFlow Datasets. Importing this module registers it.

It imports TensorFlow Datasets, which `import keras_ms` does not.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from keras_ms.data.sources.folder import read_image

_NAME = re.compile(r"img_(\d{3})_SRF_\d_([HL]R)\.png")


class Pair(NamedTuple):
    """Paths of one image in both sizes, and its number in the file names."""

    number: int
    hr: Any
    lr: Any


@dataclasses.dataclass(eq=False)
class Urban100Config(tfds.core.BuilderConfig):
    """A scale of Urban100: HR sides are `factor` times LR sides."""

    factor: int = 2


class Urban100(tfds.core.GeneratorBasedBuilder):
    """Pairs of a sharp photograph of buildings and the same downscaled, as PNG files.

    Configs: `x2` (default) and `x4`. Urban100 was made as a test set and has no official training
    split; here whole images are held out: `"validation"` has those whose number is divisible by
    5 (20 of the 100), `"train"` the others (80). Features: `"hr"` and `"lr"`, uint8 images
    `(height, width, 3)` of many sizes, and `"name"`, for example `"img_001"`.

    Example:
        >>> import tensorflow_datasets as tfds  # doctest: +SKIP
        >>> import keras_ms.data.sources.builders.urban100  # doctest: +SKIP
        >>> pairs = tfds.load(
        ...     "urban100/x2", split="train", as_supervised=True,
        ...     download_and_prepare_kwargs={"download_config": tfds.download.DownloadConfig(
        ...         manual_dir="Urban100/image_SRF_2")})  # doctest: +SKIP
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "x2 and x4; every fifth image is held out."}  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put the files img_001_SRF_2_HR.png, img_001_SRF_2_LR.png, ... of Urban100 (SRF_4 for x4) "
        "straight into the manual directory, or let it be the folder image_SRF_2 that holds them. "
        "Other files there are left alone."
    )
    BUILDER_CONFIGS = [  # noqa: RUF012
        Urban100Config(name=f"x{factor}", description=f"Downscaled by {factor}.", factor=factor)
        for factor in (2, 4)
    ]

    def _info(self) -> Any:
        image = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
        return self.dataset_info_from_configs(
            description="100 photographs of buildings, in full size and downscaled.",
            features=tfds.features.FeaturesDict(
                {"hr": image, "lr": image, "name": tfds.features.Text()}
            ),
            supervised_keys=("lr", "hr"),
            homepage="https://github.com/jbhuang0604/SelfExSR",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        factor = self.builder_config.factor
        pairs = find_pairs(dl_manager.manual_dir, factor)
        for pair in pairs:
            _check_sizes(pair, factor)
        splits = {
            "train": [pair for pair in pairs if pair.number % 5],
            "validation": [pair for pair in pairs if pair.number % 5 == 0],
        }
        for split, members in splits.items():
            if not members:
                raise ValueError(
                    f"There is no pair for the split {split!r}; images whose number is divisible "
                    f"by 5 are for validation. Received: {[pair.number for pair in pairs]}."
                )
        return {split: self._generate_examples(members) for split, members in splits.items()}

    def _generate_examples(self, pairs: list[Pair]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, hr, lr in pairs:
            # Given paths, TFDS stores the PNG files as they are.
            yield number, {"hr": hr, "lr": lr, "name": f"img_{number:03}"}


def find_pairs(directory: Any, factor: int) -> list[Pair]:
    """Finds the pairs of one scale in a directory.

    Args:
        directory: A path. Files of other scales and the results of other methods that the
            original archive holds as well (`_bicubic.png`, ...) are passed over.
        factor: The scale, as in `SRF_2`.

    Returns:
        Pairs, sorted by number.

    Raises:
        ValueError: If there is none, a name is odd, or an image lacks its other size.
    """
    found: dict[str, dict[int, Any]] = {"HR": {}, "LR": {}}
    for path in sorted(directory.iterdir()):
        if path.name.lower().endswith((f"srf_{factor}_hr.png", f"srf_{factor}_lr.png")):
            number, kind = _parsed(path.name)
            found[kind][number] = path
    high, low = found["HR"], found["LR"]
    if not high and not low:
        raise ValueError(
            f"Expected files img_001_SRF_{factor}_HR.png, img_001_SRF_{factor}_LR.png, ... "
            f"Received: none of them in {str(directory)!r}."
        )
    alone = [(high.get(number) or low[number]).name for number in sorted(high.keys() ^ low.keys())]
    if alone:
        raise ValueError(
            "Every HR image needs its LR image and the other way round. Received: "
            f"{', '.join(alone)} alone in {str(directory)!r}."
        )
    return [Pair(number, high[number], low[number]) for number in sorted(high)]


def _parsed(name: str) -> tuple[int, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(
            f"Files are named like img_001_SRF_2_HR.png: three digits. Received: {name!r}."
        )
    return int(match[1]), match[2]


def _check_sizes(pair: Pair, factor: int) -> None:
    high, low = (read_image(path).shape[:2] for path in (pair.hr, pair.lr))
    if high != tuple(side * factor for side in low):
        sizes = f"{high[0]} x {high[1]} and {low[0]} x {low[1]} pixels"
        raise ValueError(
            f"Sides of an HR image are {factor} times those of its LR image. "
            f"Received: {pair.hr.name} and {pair.lr.name} of {sizes}."
        )
