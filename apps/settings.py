"""Everything a training run can be told, its presets, and which combinations make no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras_ms
from keras_ms.data.geometry import COARSENINGS

STRATEGIES = ("single_scale", "multiscale", "full_multiscale", "progressive")
STAGED = ("full_multiscale", "progressive")
DATASETS = ("photos", "folder")
NETWORKS = ("resnet",)


def _option(default: Any, help_text: str, choices: tuple[str, ...] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text, "choices": choices})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Options of `apps.train`, one flag each; the defaults are the preset `quick`."""

    task: str = _option("denoising", "What is learned.", keras_ms.tasks.names())
    dataset: str = _option("photos", "Where images come from.", DATASETS)
    data_dir: str | None = _option(None, "Folder of images, with --dataset=folder.")
    network: str = _option("resnet", "The network.", NETWORKS)
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
    t_low: float = _option(0.5, "Least t of x = t u + (1 - t) z; 0 is pure noise.")
    t_high: float = _option(1.0, "Greatest t; 1 is a clean image.")
    conditional: bool = _option(False, "Whether the network is told t.")
    width: int = _option(32, "Channels of the ResNet.")
    depth: int = _option(2, "Residual blocks of the ResNet.")
    optimizer: str = _option("adam", "Name of a Keras optimizer.")
    learning_rate: float = _option(3e-3, "First learning rate.")
    final_learning_rate: float = _option(1e-6, "Last learning rate of the cosine decay.")
    decay: str = _option("cosine", "Learning rate over the whole run.", ("cosine", "constant"))
    mean: tuple[float, ...] = _option((0.5,), "Mean of the images in [0, 1], one or per channel.")
    std: tuple[float, ...] = _option((0.5,), "Their standard deviation, likewise.")
    flip: bool = _option(True, "Whether images are mirrored at random.")
    dtype_policy: str = _option("float32", "Keras dtype policy, for example mixed_bfloat16.")
    jit_compile: bool | None = _option(
        None, "Whether XLA compiles the steps; None leaves it to Keras (on a GPU, yes)."
    )
    validation_samples: int = _option(32, "Crops of held-out photographs to validate on.")
    seed: int = _option(0, "Seed of the batches and of the weights.")
    output: str = _option("saved_models/denoising", "Where model, picture and plot go.")

    def __post_init__(self) -> None:
        _check_data(self)
        _check_strategies(self)
        _check_budget(self)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategy and those it is compared with, each once."""
        return tuple(dict.fromkeys((self.strategy, *self.compare)))


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {},
    # Ahamed et al. (2026), Section 5 and Table 2: denoising.
    "paper": {
        "batch_sizes": (16, 32, 64, 128),
        "single_scale_batch": 240,
        "iterations": (250, 500, 1000, 2000),
        "coarsening": "degrade_first",
        "restriction": "stride",
        "conditional": True,
        "t_low": 0.0,
        "width": 128,
        "depth": 2,
        "learning_rate": 5e-4,
        "final_learning_rate": 1e-6,
        "decay": "cosine",
    },
}


def _check_data(settings: Settings) -> None:
    if (settings.dataset == "folder") != (settings.data_dir is not None):
        raise ValueError(
            "--data_dir goes with --dataset=folder, and only with it. "
            f"Received: --dataset={settings.dataset}, --data_dir={settings.data_dir}."
        )


def _check_strategies(settings: Settings) -> None:
    unknown = [name for name in settings.compare if name not in STRATEGIES]
    if unknown:
        raise ValueError(
            f"--compare names strategies: {', '.join(STRATEGIES)}. Received: {', '.join(unknown)}."
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
        if value is not None and value <= 0:
            raise ValueError(f"--{name} must be positive. Received: --{name}={value:g}.")


def _listed(values: tuple[Any, ...]) -> str:
    return ",".join(str(value) for value in values)
