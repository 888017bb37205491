"""Everything a training run can be told, and which combinations make no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_ms.data.geometry import COARSENINGS

from .problem import Problem, check_counts, check_positive, option

STRATEGIES = (
    "single_scale",
    "multiscale",
    "full_multiscale",
    "adaptive",
    "progressive",
    "progressive_resizing",
)
STAGED = ("full_multiscale", "progressive")
ON_ONE_LEVEL = ("single_scale", "progressive_resizing")
PORTABLE = ("onnx", "litert")


@dataclasses.dataclass(frozen=True)
class Settings(Problem):
    """Options of `apps.train`, one flag each. `None` leaves a value to the task or network."""

    dtype_policy: str = option(
        "auto", "Keras dtype policy; auto times float32 and mixed_bfloat16 and takes the faster."
    )
    strategy: str = option("full_multiscale", "How gradients are estimated.", STRATEGIES)
    compare: tuple[str, ...] = option((), "Strategies to train as well, for comparison.")
    seconds: float | None = option(None, "Training time of each strategy, without validation.")
    work_units: float | None = option(None, "Work units of each strategy.")
    iterations: tuple[int, ...] = option(
        (250, 500, 1000, 2000),
        "Steps of each stage, finest first; single_scale and multiscale take the largest. With a "
        "budget only their proportions count.",
    )
    coarsening: str = option("task", "How coarse levels are made.", COARSENINGS)
    single_scale_batch: int = option(16, "Batch size of single_scale and progressive_resizing.")
    final_learning_rate: float = option(1e-6, "Last learning rate of the cosine decay.")
    decay: str = option("cosine", "Learning rate over the whole run.", ("cosine", "constant"))
    auto_levels: bool = option(
        False,
        "Whether measured gradients decide levels and batch sizes instead of --batch_sizes; "
        "--iterations then gives the coarsest level's steps, which halve with each finer one.",
    )
    validations: int = option(40, "Validations of a run, spread evenly over its cost.")
    baseline: bool = option(False, "Whether a classical method is measured as well; slow.")
    portable: tuple[str, ...] = option((), "Formats to export to as well: onnx, litert.")
    output: str | None = option(
        None, "Where model, picture and plot go; by default saved_models/trained/TASK."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "single_scale_batch", "validations")
        _check_iterations(self)
        _check_coarsening(self)
        _check_strategies(self)
        _check_budget(self)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategy and those it is compared with, each once."""
        return tuple(dict.fromkeys((self.strategy, *self.compare)))


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
    staged = any(name in (*STAGED, "adaptive") for name in settings.strategies)
    if staged and len(settings.iterations) != len(settings.batch_sizes):
        raise ValueError(
            "--iterations and --batch_sizes have one entry per level each, finest first. Received: "
            f"--iterations={_listed(settings.iterations)}, "
            f"--batch_sizes={_listed(settings.batch_sizes)}."
        )
    planned = [
        name
        for name in settings.strategies
        if name in ("adaptive", "progressive", "progressive_resizing")
    ]
    if settings.auto_levels and planned:
        raise ValueError(
            "--auto_levels is for multiscale and full_multiscale; adaptive measures by itself, and "
            f"progressive does not measure. Received: {', '.join(planned)}."
        )
    multilevel = any(name not in ON_ONE_LEVEL for name in settings.strategies)
    if multilevel and len(settings.batch_sizes) < 2:
        raise ValueError(
            f"--strategy={settings.strategy} needs two levels or more. Received: "
            f"--batch_sizes={_listed(settings.batch_sizes)}. Use for example 4,8,16,32."
        )


def _check_coarsening(settings: Settings) -> None:
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
    check_positive(settings, "seconds", "work_units")
    if not 0.0 <= settings.final_learning_rate <= settings.learning_rate:
        raise ValueError(
            "--final_learning_rate lies between 0 and --learning_rate. Received: "
            f"--final_learning_rate={settings.final_learning_rate:g}, "
            f"--learning_rate={settings.learning_rate:g}."
        )


def _check_iterations(settings: Settings) -> None:
    counts = settings.iterations
    if not counts or min(counts) < 0 or max(counts) == 0:
        raise ValueError(
            "--iterations holds one count of steps per level, none negative and not all zero. "
            f"Received: --iterations={_listed(counts)}."
        )


def _listed(values: tuple[Any, ...]) -> str:
    return ",".join(str(value) for value in values)
