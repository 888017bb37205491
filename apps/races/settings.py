"""What a race between training strategies can be told."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from ..experiment import choices
from ..experiment.option_names import PAIR_OPTIONS, SSIMS
from ..experiment.options import check_choice, check_counts, check_positive, option
from ..experiment.problem import NETWORK, RESULTS, TASK, Problem
from .contestants import CONTESTANTS

RACE = "Race"


@dataclasses.dataclass(frozen=True)
class TrialOptions(Problem):
    """Options of every app whose runs have several seeds and choose their rate, one flag each."""

    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds.", theme=RACE)
    rates: tuple[float, ...] = option(
        (1e-3, 3e-3, 1e-2), "Learning rates to choose from.", theme=RACE
    )
    trial_seconds: float = option(20.0, "Training time of a trial of a learning rate.", theme=RACE)
    validations: int = option(20, "Validations of a run.", theme=RACE)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "validations")
        check_positive(self, "trial_seconds")
        repeated = len({*self.seeds}) < len(self.seeds) or min(self.seeds, default=-1) < 0
        if repeated or not self.rates or not all(0.0 < rate < math.inf for rate in self.rates):
            raise ValueError(
                "--seeds, each once, and --rates, positive and finite, are not empty. "
                f"Received: --seeds={self.seeds}, --rates={self.rates}."
            )


@dataclasses.dataclass(frozen=True)
class RaceOptions(TrialOptions):
    """Options of every app that races strategies to a quality, one flag each."""

    strategies: tuple[str, ...] = option(
        tuple(CONTESTANTS), "Who takes part.", tuple(CONTESTANTS), RACE
    )
    reference_seconds: float = option(
        300.0, "Training time of plain training, which sets the target.", theme=RACE
    )
    target: float | None = option(
        None, "Validation loss to reach. By default where plain training ends.", theme=RACE
    )
    budgets: tuple[float, ...] = option(
        (8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 40.0, 50.0, 65.0, 85.0, 120.0),
        "Training times to reach it in, ascending.",
        theme=RACE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "reference_seconds", "target")
        refuse_negative_losses(self)
        check_choice(self, "strategies", CONTESTANTS)
        check_budgets(self.budgets)


@dataclasses.dataclass(frozen=True)
class RaceSettings(RaceOptions):
    """Options of `apps.time_to_quality`, one flag each."""

    # Every run has its own of these.
    UNUSED: ClassVar[tuple[str, ...]] = (
        "task",
        "network",
        "seed",
        "learning_rate",
        *PAIR_OPTIONS,
    )

    tasks: tuple[str, ...] = option(
        ("denoising", "deblurring"), "Tasks.", choices.of_library("tasks"), TASK
    )
    networks: tuple[str, ...] = option(
        ("resnet", "unet"), "Networks.", choices.of_library("networks"), NETWORK
    )
    output: str = option("time_to_quality", "Folder for the runs and the table.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.tasks and self.networks and self.strategies):
            raise ValueError(
                "--tasks, --networks and --strategies are not empty. "
                f"Received: {self.tasks}, {self.networks}, {self.strategies}."
            )


def check_budgets(budgets: tuple[float, ...]) -> None:
    """Raises `ValueError` unless there are budgets, positive, finite and ascending."""
    if not budgets or not all(0.0 < budget < math.inf for budget in budgets):
        raise ValueError(
            f"--budgets, positive and finite, are not empty. Received: --budgets={budgets}."
        )
    if sorted(set(budgets)) != list(budgets):
        raise ValueError(
            f"--budgets are ascending. Received: --budgets={','.join(f'{b:g}' for b in budgets)}."
        )


def refuse_negative_losses(settings: Problem) -> None:
    """Raises `ValueError` if the loss has no logarithm, which races compare."""
    if settings.loss in SSIMS:
        raise ValueError(
            "Races take logarithms of the loss, which the SSIM makes negative. Received: "
            f"--loss={settings.loss}, --preset={settings.preset}. Take --loss=mse or mae."
        )
