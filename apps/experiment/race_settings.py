"""What a race between training strategies can be told."""

from __future__ import annotations

import dataclasses
import math

from .contestants import CONTESTANTS
from .problem import Problem, check_counts, check_positive, option


@dataclasses.dataclass(frozen=True)
class RaceOptions(Problem):
    """Options of every app that races strategies, one flag each."""

    strategies: tuple[str, ...] = option(tuple(CONTESTANTS), "Strategies to compare.")
    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds.")
    rates: tuple[float, ...] = option((1e-3, 3e-3, 1e-2), "Learning rates to choose from.")
    trial_seconds: float = option(20.0, "Training time of a trial of a learning rate.")
    reference_seconds: float = option(300.0, "Training time of single_scale that sets the target.")
    target: float | None = option(
        None, "Validation loss to reach. By default where single_scale ends."
    )
    budgets: tuple[float, ...] = option(
        (8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 40.0, 50.0, 65.0, 85.0, 120.0),
        "Training times to reach it in, ascending.",
    )
    validations: int = option(20, "Validations of a run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "validations")
        check_positive(self, "trial_seconds", "reference_seconds", "target")
        if self.loss == "ssim":
            raise ValueError(
                "Races take logarithms of the loss, which --loss=ssim makes negative. Received: "
                "--loss=ssim. Take mse or mae."
            )
        unknown = [name for name in self.strategies if name not in CONTESTANTS]
        if unknown:
            raise ValueError(
                f"--strategies are some of {', '.join(CONTESTANTS)}. "
                f"Received: {', '.join(unknown)}."
            )
        positive = all(0.0 < value < math.inf for value in (*self.rates, *self.budgets))
        repeated = len(set(self.seeds)) < len(self.seeds)
        if repeated or not (self.seeds and self.rates and self.budgets and positive):
            raise ValueError(
                "--seeds, each once, --rates and --budgets, positive and finite, are not empty. "
                f"Received: {self.seeds}, {self.rates}, {self.budgets}."
            )


@dataclasses.dataclass(frozen=True)
class RaceSettings(RaceOptions):
    """Options of `apps.time_to_quality`, one flag each."""

    tasks: tuple[str, ...] = option(("denoising", "deblurring"), "Tasks.")
    networks: tuple[str, ...] = option(("resnet", "unet"), "Networks.")
    output: str = option("time_to_quality", "Folder for the runs and the table.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.tasks and self.networks and self.strategies):
            raise ValueError(
                "--tasks, --networks and --strategies are not empty. "
                f"Received: {self.tasks}, {self.networks}, {self.strategies}."
            )
