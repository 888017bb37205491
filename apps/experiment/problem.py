"""What is learned, from which images, by which network: what every app can be told."""

from __future__ import annotations

import dataclasses
import math

from . import choices
from .options import check_choice, check_counts, check_positive, option, remembered

LOSSES = ("mse", "mae", "ssim", "crossentropy")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale")
NOISE_OPTIONS = ("conditional", "keep_contrast")
PAIR_OPTIONS = (
    "target_dir",
    "classes",
    "void",
    "input_suffix",
    "target_suffix",
    "value_range",
)
NETWORK_OPTIONS = ("width", "depth", "dropout", "normalization", "residual")

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
    task: str = option("denoising", "What is learned.", choices.of_library("tasks"), TASK)
    dataset: str = option(
        "photos", "Where images come from.", choices.of_library("data", "sources"), IMAGES
    )
    data_dir: str | None = option(
        None,
        "Folder of images, with --dataset=folder, or of inputs, with --target_dir; for stl10, "
        "celeb_a and urban100 TFDS's.",
        theme=IMAGES,
    )
    target_dir: str | None = option(
        None,
        "Folder of targets, named as the inputs of --data_dir: pictures, or masks with --classes. "
        "Every fifth pair is held out.",
        theme=PAIRS,
    )
    classes: str | None = option(
        None,
        "Number of classes of masks that hold their indices, or the colours of classes, such as "
        "black,red,#0000ff.",
        theme=PAIRS,
    )
    void: int | None = option(
        None, "Number that all gets in masks which is no class; it is not learned.", theme=PAIRS
    )
    input_suffix: str = option("", "What names of inputs end in, such as _image.", theme=PAIRS)
    target_suffix: str = option("", "What names of targets end in, such as _mask.", theme=PAIRS)
    value_range: tuple[float, ...] | None = option(
        None,
        "Values of inputs (and of targets that are pictures) that become 0 and 1; by default the "
        "range of bytes or 16 bits, while floats stay as they are.",
        theme=PAIRS,
    )
    limit: int | None = option(None, "Most images, or pairs, to train on.", theme=IMAGES)
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
    loss: str | None = option(
        None,
        "What is minimised; ssim is its negative. By default crossentropy with --classes, else "
        "mse.",
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
        _check_data(self)
        _check_pairs(self)
        _check_names(self)
        check_positive(self, "learning_rate")
        check_counts(self, "limit", "validation_samples")
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
    of_network = keras_ms.networks.options(settings.network)
    learned = "pairs of your own" if settings.target_dir else settings.task
    of_task = () if settings.target_dir else keras_ms.tasks.options(settings.task)
    _check_options(settings, (*TASK_OPTIONS, *NOISE_OPTIONS), of_task, learned)
    _check_options(settings, (*NETWORK_OPTIONS, "conditional"), of_network, settings.network)
    if "t_range" not in of_task:
        _check_options(settings, ("t_low", "t_high"), (), learned)


def _check_data(settings: Problem) -> None:
    if settings.target_dir is not None:
        return
    given = settings.data_dir is not None
    if (settings.dataset == "folder" and not given) or (settings.dataset == "photos" and given):
        raise ValueError(
            "--data_dir goes with --dataset=folder, which needs it, or a TFDS data set, not with "
            f"photos. Received: --dataset={settings.dataset}, --data_dir={settings.data_dir}."
        )


def _check_pairs(settings: Problem) -> None:
    if settings.target_dir is None:
        for name in PAIR_OPTIONS:
            if value := getattr(settings, name):
                raise ValueError(
                    f"--{name} goes with --target_dir. Received: --{name}={value}, no --target_dir."
                )
    elif settings.data_dir is None or settings.dataset not in ("photos", "folder"):
        raise ValueError(
            "--target_dir goes with --data_dir, the folder of the inputs, and no --dataset. "
            f"Received: --target_dir={settings.target_dir}, --data_dir={settings.data_dir}, "
            f"--dataset={settings.dataset}."
        )
    of_classes = settings.classes is not None
    if settings.loss is not None and of_classes != (settings.loss == "crossentropy"):
        raise ValueError(
            "--loss=crossentropy goes with --classes, and others do not. "
            f"Received: --loss={settings.loss}, --classes={settings.classes}."
        )
    normalised = settings.mean is not None or settings.std is not None
    if settings.target_dir and (normalised or "task" in (settings.given or ())):
        raise ValueError(
            "Pairs of your own have no --task, and are not normalised by --mean and --std. "
            f"Received: --target_dir={settings.target_dir} with one of these. Leave them out, or "
            "--target_dir."
        )


def _check_options(
    settings: Problem, names: tuple[str, ...], taken: tuple[str, ...], by: str
) -> None:
    for name in names:
        value = getattr(settings, name)
        if value not in (None, False) and name not in taken:
            raise ValueError(f"--{name} is no option of {by}. Received: --{name}={value}.")
