"""Everything a training run can be told, and which combinations make no sense."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras_ms
from keras_ms.data.geometry import COARSENINGS

STRATEGIES = ("single_scale", "multiscale", "full_multiscale", "progressive")
STAGED = ("full_multiscale", "progressive")
LOSSES = ("mse", "mae", "ssim")
PORTABLE = ("onnx", "litert")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale")
NETWORK_OPTIONS = ("width", "depth", "dropout", "normalization", "residual")


def _option(default: Any, help_text: str, choices: tuple[str, ...] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text, "choices": choices})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Options of `apps.train`, one flag each. `None` leaves a value to the task or network."""

    task: str = _option("denoising", "What is learned.", keras_ms.tasks.names())
    dataset: str = _option("photos", "Where images come from.", keras_ms.data.sources.names())
    data_dir: str | None = _option(
        None, "Folder of images, with --dataset=folder; for stl10, celeb_a and urban100 TFDS's."
    )
    limit: int | None = _option(None, "Most images to train on; all are held in memory.")
    network: str = _option("resnet", "The network.", keras_ms.networks.names())
    strategy: str = _option("full_multiscale", "How gradients are estimated.", STRATEGIES)
    compare: tuple[str, ...] = _option((), "Strategies to train as well, for comparison.")
    seconds: float | None = _option(None, "Training time of each strategy, without validation.")
    work_units: float | None = _option(None, "Work units of each strategy.")
    iterations: tuple[int, ...] = _option(
        (250, 500, 1000, 2000),
        "Steps of each stage, finest first; single_scale and multiscale take the largest. With a "
        "budget only their proportions count.",
    )
    batch_sizes: tuple[int, ...] = _option((4, 8, 16, 32), "Batch size per level, finest first.")
    single_scale_batch: int = _option(16, "Batch size of single_scale.")
    image_size: int = _option(128, "Side of the crops on the finest mesh, in pixels.")
    coarsening: str = _option("task", "How coarse levels are made.", COARSENINGS)
    restriction: str = _option("average", "How pairs are restricted.", ("average", "stride"))
    t_low: float | None = _option(
        None, "Least t: share of the clean image in denoising, of the noise in other tasks."
    )
    t_high: float | None = _option(None, "Greatest t.")
    conditional: bool = _option(False, "Whether the network is told t.")
    keep_contrast: bool = _option(
        False, "Whether inputs are as bright as photographs, not dimmed by the noise's share."
    )
    sigma: float | None = _option(None, "Standard deviation of the blur in pixels (deblurring).")
    border: str | None = _option(None, "Border of the blur: reflect or circular (deblurring).")
    max_rectangles: int | None = _option(None, "Most missing rectangles (inpainting).")
    scale: int | None = _option(None, "Enlargement: 2, 3 or 4 (super_resolution).")
    width: int | None = _option(None, "Channels of the network.")
    depth: int | None = _option(None, "Residual blocks (resnet).")
    dropout: float | None = _option(None, "Dropout rate (unet).")
    normalization: str | None = _option(None, "layer, group, channel or none.")
    residual: bool | None = _option(None, "Whether the network adds to its input.")
    loss: str = _option("mse", "What is minimised; ssim is its negative.", LOSSES)
    optimizer: str = _option("adam", "Name of a Keras optimizer.")
    learning_rate: float = _option(3e-3, "First learning rate.")
    final_learning_rate: float = _option(1e-6, "Last learning rate of the cosine decay.")
    decay: str = _option("cosine", "Learning rate over the whole run.", ("cosine", "constant"))
    mean: tuple[float, ...] | None = _option(
        None, "Mean of the images in [0, 1], one or per channel; by default the data set's."
    )
    std: tuple[float, ...] | None = _option(None, "Their standard deviation, likewise.")
    flip: bool = _option(True, "Whether images are mirrored at random.")
    dtype_policy: str = _option("float32", "Keras dtype policy, for example mixed_bfloat16.")
    jit_compile: bool | None = _option(
        None, "Whether XLA compiles the steps; None leaves it to Keras (on a GPU, yes)."
    )
    validation_samples: int = _option(32, "Crops of held-out photographs to validate on.")
    seed: int = _option(0, "Seed of the batches and of the weights.")
    baseline: bool = _option(False, "Whether a classical method is measured as well; slow.")
    portable: tuple[str, ...] = _option((), "Formats to export to as well: onnx, litert.")
    output: str | None = _option(
        None, "Where model, picture and plot go; by default saved_models/trained/TASK."
    )

    def __post_init__(self) -> None:
        _check_data(self)
        _check_options(self, TASK_OPTIONS, keras_ms.tasks.options(self.task), self.task)
        _check_options(self, NETWORK_OPTIONS, keras_ms.networks.options(self.network), self.network)
        _check_counts(self)
        _check_strategies(self)
        _check_budget(self)

    @property
    def normalization_of_images(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation, the data set's unless given."""
        source = keras_ms.data.sources.get(self.dataset)
        return self.mean or source.mean, self.std or source.std

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategy and those it is compared with, each once."""
        return tuple(dict.fromkeys((self.strategy, *self.compare)))


def _check_data(settings: Settings) -> None:
    given = settings.data_dir is not None
    if (settings.dataset == "folder" and not given) or (settings.dataset == "photos" and given):
        raise ValueError(
            "--data_dir goes with --dataset=folder, which needs it, or a TFDS data set, not with "
            f"photos. Received: --dataset={settings.dataset}, --data_dir={settings.data_dir}."
        )


def _check_options(
    settings: Settings, names: tuple[str, ...], taken: tuple[str, ...], by: str
) -> None:
    for name in names:
        value = getattr(settings, name)
        if value is not None and name not in taken:
            raise ValueError(f"--{name} is no option of {by}. Received: --{name}={value}.")


def _check_strategies(settings: Settings) -> None:
    unknown = [name for name in settings.compare if name not in STRATEGIES]
    if unknown:
        raise ValueError(
            f"--compare names strategies: {', '.join(STRATEGIES)}. Received: {', '.join(unknown)}."
        )
    foreign = [name for name in settings.portable if name not in PORTABLE]
    if foreign:
        raise ValueError(
            f"--portable names formats: {', '.join(PORTABLE)}. Received: {', '.join(foreign)}."
        )
    staged = any(name in STAGED for name in settings.strategies)
    if staged and len(settings.iterations) != len(settings.batch_sizes):
        raise ValueError(
            "--iterations and --batch_sizes have one entry per level each, finest first. Received: "
            f"--iterations={_listed(settings.iterations)}, "
            f"--batch_sizes={_listed(settings.batch_sizes)}."
        )
    multilevel = any(name != "single_scale" for name in settings.strategies)
    if multilevel and len(settings.batch_sizes) < 2:
        raise ValueError(
            f"--strategy={settings.strategy} needs two levels or more. Received: "
            f"--batch_sizes={_listed(settings.batch_sizes)}. Use for example 4,8,16,32."
        )
    if settings.coarsening != "degrade_first" and settings.restriction != "average":
        raise ValueError(
            "--restriction says how pairs are coarsened, so it goes with "
            "--coarsening=degrade_first. Received: "
            f"--restriction={settings.restriction}, --coarsening={settings.coarsening}."
        )


def _check_budget(settings: Settings) -> None:
    if settings.seconds is not None and settings.work_units is not None:
        raise ValueError(
            "A budget is --seconds or --work_units, not both. Received: "
            f"--seconds={settings.seconds:g}, --work_units={settings.work_units:g}."
        )
    for name in ("seconds", "work_units", "learning_rate"):
        value = getattr(settings, name)
        if value is not None and not 0.0 < value < math.inf:
            raise ValueError(f"--{name} must be positive and finite. Received: --{name}={value:g}.")
    if not 0.0 <= settings.final_learning_rate <= settings.learning_rate:
        raise ValueError(
            "--final_learning_rate lies between 0 and --learning_rate. Received: "
            f"--final_learning_rate={settings.final_learning_rate:g}, "
            f"--learning_rate={settings.learning_rate:g}."
        )


def _check_counts(settings: Settings) -> None:
    for name in ("single_scale_batch", "validation_samples", "limit"):
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be positive. Received: --{name}={value}.")
    counts = settings.iterations
    if not counts or min(counts) < 0 or max(counts) == 0:
        raise ValueError(
            "--iterations holds one count of steps per level, none negative and not all zero. "
            f"Received: --iterations={_listed(counts)}."
        )


def _listed(values: tuple[Any, ...]) -> str:
    return ",".join(str(value) for value in values)
