"""The pictures that targets need: whether they are there, told at once, and how they are read."""

from __future__ import annotations

import functools
import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .target import Asked

if TYPE_CHECKING:
    import numpy as np

# Files of data sets as they came, which TensorFlow Datasets prepares its copies from.
FILES = {
    "stl10": ("stl10_binary.tar.gz",),
    "celeb_a": (
        "img_align_celeba.zip",
        "list_eval_partition.txt",
        "list_attr_celeba.txt",
        "list_landmarks_align_celeba.txt",
        "identity_CelebA.txt",
    ),
    "urban100": ("img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png"),
}
SEVERAL = {"urban100": " and so on to img_100"}


def check(asked: Asked) -> None:
    """Refuses pictures that are not there. It takes no time, and tries no network.

    Raises:
        ValueError: Naming the files that are missing and where they belong.
    """
    name, given = asked.dataset, asked.data_dir
    if name in FILES:
        _check_prepared(name, given)
    if name == "photos" and given is not None:
        raise ValueError(
            f"The photos lie in no folder. Received: --data_dir={given}. Add --dataset=folder."
        )
    if name == "folder" and (given is None or not pathlib.Path(given).expanduser().is_dir()):
        raise ValueError(
            "--dataset=folder needs a folder of pictures. Received: "
            f"--data_dir={given}. Use --data_dir=PICTURES."
        )


def _check_prepared(name: str, given: str | None) -> None:
    root = pathlib.Path(given or _usual_folder()).expanduser()
    manual, files = root / "downloads" / "manual", FILES[name]
    if any(root.glob(f"{name}/**/dataset_info.json")):
        return
    if all((manual / file).exists() for file in files):  # TFDS looks into no folder of it
        return
    raise ValueError(
        f"The data set {name} is not there. Received: --dataset={name}, --data_dir={given}. Put "
        f"{', '.join(files)}{SEVERAL.get(name, '')}, unchanged, straight into {manual}, or a "
        f"copy prepared by TensorFlow Datasets into {root / name}. {_by_network(name)}"
        "Or use other pictures: --dataset=photos, or --dataset=folder --data_dir=PICTURES."
    )


def _by_network(name: str) -> str:
    if name == "urban100":  # there is nothing to download from
        return ""
    return f"With a network, keras_ms.data.{name} downloads it in Python. "


def _usual_folder() -> str:
    return os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def load(
    data: Mapping[str, Any], split: str, limit: int | None = None, enlarged_by: str | None = None
) -> list[np.ndarray]:
    """Pictures of `"train"` or `"validation"`; no picture is in both.

    Those of a split are read once for all cells that ask for them one after another.

    Args:
        data: The data set and its folder, as `Asked.data`.
        split: Which part.
        limit: At most so many. Defaults to all.
        enlarged_by: How small pictures of stl10 are enlarged; defaults to bilinear.

    Returns:
        Arrays `(height, width, channels)`, of any sizes.
    """
    return list(_loaded(data["dataset"], data["data_dir"], split, limit, enlarged_by))


@functools.lru_cache(maxsize=2)  # what is trained on, and what judges
def _loaded(
    dataset: str, data_dir: str | None, split: str, limit: int | None, enlarged_by: str | None
) -> list[np.ndarray]:
    import sys

    from ..experiment import building
    from ..experiment.problem import Problem

    most = limit or sys.maxsize
    problem = Problem(
        dataset=dataset,
        data_dir=data_dir,
        limit=limit,
        validation_samples=most,
        enlarged_by=enlarged_by,
        given=(),
    )
    return building.images_in_memory(problem, split)
