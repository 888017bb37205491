"""What is learned, from which images, by which network: what every app can be told."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras_ms

LOSSES = ("mse", "mae", "ssim")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale")
NETWORK_OPTIONS = ("width", "depth", "dropout", "normalization", "residual")


def option(default: Any, help_text: str, choices: tuple[str, ...] | None = None) -> Any:
    """A field of settings, which becomes a flag."""
    return dataclasses.field(default=default, metadata={"help": help_text, "choices": choices})


@dataclasses.dataclass(frozen=True)
class Problem:
    """Options that apps share, one flag each. `None` leaves a value to the task or network."""

    task: str = option("denoising", "What is learned.", keras_ms.tasks.names())
    dataset: str = option("photos", "Where images come from.", keras_ms.data.sources.names())
    data_dir: str | None = option(
        None, "Folder of images, with --dataset=folder; for stl10, celeb_a and urban100 TFDS's."
    )
    limit: int | None = option(None, "Most images to train on.")
    cache_gb: float = option(
        4.0, "GiB of images and coarser levels in memory; what is beyond lies in a temporary file."
    )
    network: str = option("resnet", "The network.", keras_ms.networks.names())
    batch_sizes: tuple[int, ...] = option((4, 8, 16, 32), "Batch size per level, finest first.")
    image_size: int = option(128, "Side of the crops on the finest mesh, in pixels.")
    restriction: str = option("average", "How pairs are restricted.", ("average", "stride"))
    t_low: float | None = option(
        None, "Least t: share of the clean image in denoising, of the noise in other tasks."
    )
    t_high: float | None = option(None, "Greatest t.")
    conditional: bool = option(False, "Whether the network is told t.")
    keep_contrast: bool = option(
        False, "Whether inputs are as bright as photographs, not dimmed by the noise's share."
    )
    sigma: float | None = option(None, "Standard deviation of the blur in pixels (deblurring).")
    border: str | None = option(None, "Border of the blur: reflect or circular (deblurring).")
    max_rectangles: int | None = option(None, "Most missing rectangles (inpainting).")
    scale: int | None = option(None, "Enlargement: 2, 3 or 4 (super_resolution).")
    width: int | None = option(None, "Channels of the network.")
    depth: int | None = option(None, "Residual blocks (resnet).")
    dropout: float | None = option(None, "Dropout rate (unet).")
    normalization: str | None = option(None, "layer, group, channel or none.")
    residual: bool | None = option(None, "Whether the network adds to its input.")
    loss: str = option("mse", "What is minimised; ssim is its negative.", LOSSES)
    optimizer: str = option("adam", "Name of a Keras optimizer.")
    learning_rate: float = option(3e-3, "First learning rate.")
    mean: tuple[float, ...] | None = option(
        None, "Mean of the images in [0, 1], one or per channel; by default the data set's."
    )
    std: tuple[float, ...] | None = option(None, "Their standard deviation, likewise.")
    flip: bool = option(True, "Whether images are mirrored at random.")
    dtype_policy: str = option(
        "float32", "Keras dtype policy; auto times float32 and mixed_bfloat16 and takes the faster."
    )
    jit_compile: bool | None = option(
        None, "Whether XLA compiles the steps; None leaves it to Keras (on a GPU, yes)."
    )
    validation_samples: int = option(32, "Crops of held-out photographs to validate on.")
    seed: int = option(0, "Seed of the batches and of the weights.")

    def __post_init__(self) -> None:
        _check_data(self)
        _check_options(self, TASK_OPTIONS, keras_ms.tasks.options(self.task), self.task)
        _check_options(self, NETWORK_OPTIONS, keras_ms.networks.options(self.network), self.network)
        check_positive(self, "learning_rate")
        check_counts(self, "limit", "validation_samples")
        if not 0.0 <= self.cache_gb < math.inf:
            raise ValueError(
                f"--cache_gb must be 0 or more, and finite. Received: --cache_gb={self.cache_gb:g}."
            )

    @property
    def normalization_of_images(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation, the data set's unless given."""
        source = keras_ms.data.sources.get(self.dataset)
        return self.mean or source.mean, self.std or source.std


def shared_options(settings: Problem) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of `Problem` among those of an app, and what they are by default."""
    fields = dataclasses.fields(Problem)
    return {f.name: getattr(settings, f.name) for f in fields}, {f.name: f.default for f in fields}


def _check_data(settings: Problem) -> None:
    given = settings.data_dir is not None
    if (settings.dataset == "folder" and not given) or (settings.dataset == "photos" and given):
        raise ValueError(
            "--data_dir goes with --dataset=folder, which needs it, or a TFDS data set, not with "
            f"photos. Received: --dataset={settings.dataset}, --data_dir={settings.data_dir}."
        )


def _check_options(
    settings: Problem, names: tuple[str, ...], taken: tuple[str, ...], by: str
) -> None:
    for name in names:
        value = getattr(settings, name)
        if value is not None and name not in taken:
            raise ValueError(f"--{name} is no option of {by}. Received: --{name}={value}.")


def check_positive(settings: Problem, *names: str) -> None:
    """Raises `ValueError` unless the settings named, if given, are positive and finite."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not 0.0 < value < math.inf:
            raise ValueError(f"--{name} must be positive and finite. Received: --{name}={value:g}.")


def check_counts(settings: Problem, *names: str) -> None:
    """Raises `ValueError` unless the settings named, if given, are at least 1."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be positive. Received: --{name}={value}.")
