"""What is learned, from which images, by which network: what every app can be told."""

from __future__ import annotations

import dataclasses
import math

from . import choices
from .options import (
    check_choice,
    check_counts,
    check_positive,
    check_range,
    option,
    remembered,
)

LOSSES = ("mse", "mae", "ssim")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale")
FOLDER_OPTIONS = ("bands", "value_range")
NOISE_OPTIONS = ("conditional", "keep_contrast")
NETWORK_OPTIONS = ("width", "depth", "dropout", "normalization", "residual")

TASK, IMAGES, NETWORK = "What is learned", "Images", "Network"
LEVELS, TRAINING, RESULTS = "Levels", "Training", "Results"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Options that apps share, one flag each. `None` leaves a value to the task or network.

    Attributes:
        preset: Name of the preset that the settings were made of, if they were.
        given: Names of the options that were given, if the settings were made of a preset.
    """

    preset: str | None = remembered()
    given: tuple[str, ...] | None = remembered()
    task: str = option("denoising", "What is learned.", choices.of_library("tasks"), TASK)
    dataset: str = option(
        "photos", "Where images come from.", choices.of_library("data", "sources"), IMAGES
    )
    data_dir: str | None = option(
        None,
        "Folder of images, with --dataset=folder; for stl10, celeb_a and urban100 TFDS's.",
        theme=IMAGES,
    )
    bands: int | None = option(
        None,
        "Bands of the images of --dataset=folder; by default those of most files, and 3 for files "
        "of 8 bits.",
        theme=IMAGES,
    )
    value_range: tuple[float, ...] | None = option(
        None,
        "Values of black and white in the files of --dataset=folder, such as 0,4095; by default 0 "
        "and the greatest of 8 or of 16 bits, 0 and 1 of floats.",
        theme=IMAGES,
    )
    max_megapixels: float = option(
        1000.0, "Files of more millions of pixels are skipped.", theme=IMAGES
    )
    max_bad_fraction: float = option(
        0.25,
        "Greatest part of the images that may be skipped for being smaller than --image_size.",
        theme=IMAGES,
    )
    limit: int | None = option(None, "Most images to train on.", theme=IMAGES)
    cache_gb: float = option(
        4.0,
        "GiB of images and coarser levels in memory; the rest goes to a temporary file.",
        theme=IMAGES,
    )
    network: str = option("resnet", "The network.", choices.of_library("networks"), NETWORK)
    batch_sizes: tuple[int, ...] = option(
        (4, 8, 16, 32), "Batch size per level, finest first.", theme=LEVELS
    )
    image_size: int = option(128, "Side of the crops on the finest mesh, in pixels.", theme=IMAGES)
    restriction: str = option("average", "How pairs are restricted.", ("average", "stride"), LEVELS)
    t_low: float | None = option(
        None,
        "Least t: share of the clean image in denoising, of the noise in other tasks.",
        theme=TASK,
    )
    t_high: float | None = option(None, "Greatest t.", theme=TASK)
    conditional: bool = option(False, "Whether the network is told t.", theme=TASK)
    keep_contrast: bool = option(
        False,
        "Whether inputs are as bright as photographs, not dimmed by the noise's share.",
        theme=TASK,
    )
    sigma: float | None = option(
        None, "Standard deviation of the blur in pixels (deblurring).", theme=TASK
    )
    border: str | None = option(
        None, "Border of the blur: reflect or circular (deblurring).", theme=TASK
    )
    max_rectangles: int | None = option(None, "Most missing rectangles (inpainting).", theme=TASK)
    scale: int | None = option(None, "Enlargement: 2, 3 or 4 (super_resolution).", theme=TASK)
    width: int | None = option(None, "Channels of the network.", theme=NETWORK)
    depth: int | None = option(None, "Residual blocks (resnet).", theme=NETWORK)
    dropout: float | None = option(None, "Dropout rate (unet).", theme=NETWORK)
    normalization: str | None = option(None, "layer, group, channel or none.", theme=NETWORK)
    residual: bool | None = option(None, "Whether the network adds to its input.", theme=NETWORK)
    loss: str = option("mse", "What is minimised; ssim is its negative.", LOSSES, TRAINING)
    optimizer: str = option("adam", "Name of a Keras optimizer.", theme=TRAINING)
    learning_rate: float = option(3e-3, "First learning rate.", theme=TRAINING)
    mean: tuple[float, ...] | None = option(
        None,
        "Mean of the images in [0, 1], one or per channel; by default the data set's.",
        theme=IMAGES,
    )
    std: tuple[float, ...] | None = option(
        None, "Their standard deviation, likewise.", theme=IMAGES
    )
    flip: bool = option(True, "Whether images are mirrored at random.", theme=IMAGES)
    dtype_policy: str = option(
        "float32",
        "Keras dtype policy; auto times float32 and mixed_bfloat16 and takes the faster.",
        theme=TRAINING,
    )
    jit_compile: bool | None = option(
        None,
        "Whether XLA compiles the steps; None leaves it to Keras (on a GPU, yes).",
        theme=TRAINING,
    )
    validation_samples: int = option(
        32, "Crops of held-out photographs to validate on.", theme=IMAGES
    )
    seed: int = option(0, "Seed of the batches and of the weights.", theme=TRAINING)

    def __post_init__(self) -> None:
        check_choice(self, "loss", LOSSES)
        _check_data(self)
        _check_names(self)
        check_positive(self, "learning_rate")
        check_counts(self, "limit", "validation_samples", "bands")
        check_positive(self, "max_megapixels")
        check_range(self, "value_range")
        _check_fraction(self)
        if not 0.0 <= self.cache_gb < math.inf:
            raise ValueError(
                f"--cache_gb must be 0 or more, and finite. Received: --cache_gb={self.cache_gb:g}."
            )

    @property
    def normalization_of_images(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation, the data set's unless given."""
        import keras_ms

        source = keras_ms.data.sources.get(self.dataset)
        return self.mean or source.mean, self.std or source.std


def _check_names(settings: Problem) -> None:
    import keras_ms

    check_choice(settings, "dataset", keras_ms.data.sources.names())
    tasks, networks = keras_ms.tasks.names(), keras_ms.networks.names()
    if hasattr(settings, "tasks"):  # several problems, which are checked one by one
        check_choice(settings, "tasks", tasks)
        check_choice(settings, "networks", networks)
        return
    check_choice(settings, "task", tasks)
    check_choice(settings, "network", networks)
    of_task = keras_ms.tasks.options(settings.task)
    of_network = keras_ms.networks.options(settings.network)
    _check_options(settings, (*TASK_OPTIONS, *NOISE_OPTIONS), of_task, settings.task)
    _check_options(settings, (*NETWORK_OPTIONS, "conditional"), of_network, settings.network)
    if "t_range" not in of_task:
        _check_options(settings, ("t_low", "t_high"), (), settings.task)


def _check_data(settings: Problem) -> None:
    given = settings.data_dir is not None
    if (settings.dataset == "folder" and not given) or (settings.dataset == "photos" and given):
        raise ValueError(
            "--data_dir goes with --dataset=folder, which needs it, or a TFDS data set, not with "
            f"photos. Received: --dataset={settings.dataset}, --data_dir={settings.data_dir}."
        )


def _check_fraction(settings: Problem) -> None:
    if not 0.0 <= settings.max_bad_fraction <= 1.0:
        raise ValueError(
            "--max_bad_fraction is a number from 0 to 1. Received: "
            f"--max_bad_fraction={settings.max_bad_fraction:g}."
        )
    given = [name for name in FOLDER_OPTIONS if getattr(settings, name) is not None]
    if given and settings.dataset != "folder":
        raise ValueError(
            f"--{given[0]} goes with --dataset=folder. Received: --dataset={settings.dataset}, "
            f"--{given[0]}={getattr(settings, given[0])}."
        )


def _check_options(
    settings: Problem, names: tuple[str, ...], taken: tuple[str, ...], by: str
) -> None:
    for name in names:
        value = getattr(settings, name)
        if value not in (None, False) and name not in taken:
            raise ValueError(f"--{name} is no option of {by}. Received: --{name}={value}.")
