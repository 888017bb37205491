"""What a frontier can be told."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from ..experiment.options import check_choice, listed, option
from ..experiment.problem import RESULTS, TASK
from ..races.equal_settings import EqualOptions
from ..races.settings import RACE, check_budgets, refuse_negative_losses
from . import problems
from .contestants import CONTESTANTS, DEFAULT, MORE, PLAIN

NAMES = (*CONTESTANTS, *MORE)


@dataclasses.dataclass(frozen=True)
class FrontierSettings(EqualOptions):
    """Options of `apps.time_to_quality --frontier`, one flag each."""

    # Every run has its own of these.
    UNUSED: ClassVar[tuple[str, ...]] = (
        *("task", "network", "seed", "learning_rate", "validation_samples"),
    )

    problems: tuple[str, ...] = option(
        (),
        "What is learned by which network, such as deblurring/unet; before the slash stands a "
        "task or, with --target_dir, what you call your pairs. By default "
        f"{listed(problems.TASKS)}, or {listed(problems.PAIRS)} with --target_dir.",
        theme=TASK,
    )
    contestants: tuple[str, ...] = option(tuple(CONTESTANTS), "Who takes part.", NAMES, RACE)
    plain: tuple[str, ...] = option(
        PLAIN, "Who of them is plain training, which the others are compared with.", NAMES, RACE
    )
    default: str = option(
        DEFAULT,
        "Whose gain is told first, and who runs as often as the best; `default` is what apps.train "
        "does by default.",
        NAMES,
        RACE,
    )
    budgets: tuple[float, ...] = option(
        (60.0, 240.0, 960.0),
        "Training times, ascending, each with a schedule of its own. All contestants have all but "
        "the last.",
        theme=RACE,
    )
    seeds: tuple[int, ...] = option(
        (0, 1, 2),
        "Seeds. All contestants have the first; --default, the best plain training and the best "
        "two others have all of them, and the last of --budgets with the first.",
        theme=RACE,
    )
    rates: tuple[float, ...] = option(
        (3e-4, 1e-3, 3e-3, 1e-2), "Learning rates to choose from.", theme=RACE
    )
    curve_pairs: int = option(
        32,
        "About how many of the held-out pairs or crops validate during runs and trials, spread "
        "evenly; all judge the end.",
        theme=RACE,
    )
    output: str = option("frontier", "Folder for the runs, tables and plots.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_negative_losses(self)
        for name in ("contestants", "plain", "default"):
            check_choice(self, name, NAMES)
        if not set(self.contestants) & set(self.plain):
            raise ValueError(
                "Plain training takes part, as others are compared with it. Received: "
                f"--contestants={listed(self.contestants)}, --plain={listed(self.plain)}."
            )
        check_budgets(self.budgets)
