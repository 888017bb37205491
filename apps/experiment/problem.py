"""What is learned, from which images, by which network: what every app can be told."""

from __future__ import annotations

import dataclasses
import math

from . import choices, problem_checks
from .option_names import ENLARGED_BY, LOSSES
from .options import (
    check_choice,
    check_counts,
    check_positive,
    check_range,
    option,
    remembered,
)

TASK, IMAGES, NETWORK = "What is learned", "Images", "Network"
PAIRS = "Pairs of your own"
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
    task: str = option(
        "denoising",
        "What is learned; or my_module:MyTask, a class of your own.",
        choices.of_library("tasks"),
        TASK,
        own=True,
    )
    dataset: str = option(
        "photos", "Where images come from.", choices.of_library("data", "sources"), IMAGES
    )
    data_dir: str | None = option(
        None,
        "Folder of images, with --dataset=folder, or of inputs, with --target_dir; for stl10, "
        "celeb_a and urban100 TFDS's.",
        theme=IMAGES,
    )
    bands: int | None = option(
        None,
        "Bands of the images of --dataset=folder, or of the inputs of pairs; by default those of "
        "most files, and 3 for images of 8 bits.",
        theme=IMAGES,
    )
    value_range: tuple[float, ...] | None = option(
        None,
        "Values of black and white in the files of --dataset=folder, or of the inputs of pairs, "
        "such as 0,4095; by default 0 and the greatest of 8 or of 16 bits, 0 and 1 of floats. "
        "Signed integers and those of 32 bits need it.",
        theme=IMAGES,
    )
    max_megapixels: float = option(
        1000.0, "Files of more millions of pixels are skipped.", theme=IMAGES
    )
    max_bad_fraction: float = option(
        0.25,
        "Greatest part of the images, or pairs, that may be skipped for being unreadable or "
        "smaller than --image_size.",
        theme=IMAGES,
    )
    target_dir: str | None = option(
        None,
        "Folder of targets, named as the inputs of --data_dir: pictures, or masks with --classes. "
        "Every fifth pair is held out, unless there is --val_data_dir.",
        theme=PAIRS,
    )
    val_data_dir: str | None = option(
        None, "Folder of the inputs of pairs to validate on.", theme=PAIRS
    )
    val_target_dir: str | None = option(
        None, "Folder of their targets, which --val_data_dir goes with.", theme=PAIRS
    )
    classes: str | None = option(
        None,
        "Number of classes of masks that hold their indices; or values and classes, such as "
        "0:0,255:1; or the colours of classes, such as black,red,#0000ff.",
        theme=PAIRS,
    )
    void: int | None = option(
        None, "Number that all gets in masks which is no class; it is not learned.", theme=PAIRS
    )
    target_range: tuple[float, ...] | None = option(
        None,
        "Values that become 0 and 1 in targets that are pictures, such as 0,100; by default "
        "--value_range, or else as of inputs. Floats far from 0 to 1 need it.",
        theme=PAIRS,
    )
    input_suffix: str = option("", "What names of inputs end in, such as _image.", theme=PAIRS)
    target_suffix: str = option("", "What names of targets end in, such as _mask.", theme=PAIRS)
    input_prefix: str = option("", "What names of inputs begin with.", theme=PAIRS)
    target_prefix: str = option("", "What names of targets begin with, such as mask_.", theme=PAIRS)
    limit: int | None = option(None, "Most images, or pairs, to train on.", theme=IMAGES)
    enlarged_by: str | None = option(
        None,
        "How the small images of stl10 are enlarged to 128 px; by default bilinear.",
        ENLARGED_BY,
        IMAGES,
    )
    cache_gb: float = option(
        4.0,
        "GiB of images and coarser levels in memory; the rest goes to a temporary file.",
        theme=IMAGES,
    )
    network: str = option(
        "resnet",
        "The network; or my_module:build, a function of your own that returns a Keras model.",
        choices.of_library("networks"),
        NETWORK,
        own=True,
    )
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
    holes: tuple[str, ...] | None = option(
        None,
        "Kinds of holes, in turn: some of rectangles, strokes, text (inpainting). By default up to "
        "--max_rectangles rectangles.",
        theme=TASK,
    )
    scale: int | None = option(None, "Enlargement: 2, 3 or 4 (super_resolution).", theme=TASK)
    width: int | None = option(None, "Channels of the network.", theme=NETWORK)
    multipliers: tuple[int, ...] | None = option(
        None,
        "Channels of every mesh of a unet, finest first, as multiples of --width.",
        theme=NETWORK,
    )
    depth: int | None = option(None, "Residual blocks (resnet).", theme=NETWORK)
    dropout: float | None = option(None, "Dropout rate (unet).", theme=NETWORK)
    normalization: str | None = option(None, "layer, group, channel or none.", theme=NETWORK)
    residual: bool | None = option(None, "Whether the network adds to its input.", theme=NETWORK)
    loss: str | None = option(
        None,
        "What is minimised; of ssim and of authors_ssim, the kind of the paper's authors, the "
        "negative. By default crossentropy with --classes, else mse.",
        LOSSES,
        TRAINING,
    )
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
        32, "Crops of held-out photographs, or held-out pairs, to validate on.", theme=IMAGES
    )
    seed: int = option(0, "Seed of the batches and of the weights.", theme=TRAINING)

    def __post_init__(self) -> None:
        if self.loss is not None:
            check_choice(self, "loss", LOSSES)
        if self.enlarged_by is not None:
            check_choice(self, "enlarged_by", ENLARGED_BY)
        check_positive(self, "learning_rate")
        check_counts(self, "limit", "validation_samples", "bands")
        check_positive(self, "max_megapixels")
        check_range(self, "value_range")
        check_range(self, "target_range")
        problem_checks.check(self)
        if not 0 <= self.seed < 2**31:
            raise ValueError(
                f"--seed is an integer from 0 to 2147483647. Received: --seed={self.seed}."
            )
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
