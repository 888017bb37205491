"""What a benchmark can be told."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from ..experiment.options import check_choice, check_counts, check_positive, option
from ..experiment.problem import LEVELS, RESULTS
from ..races.contestants import CONTESTANTS
from ..races.settings import RACE, RaceOptions

MEASURES = (
    "levels",
    "depths",
    "pipeline",
    "pairs",
    "stages",
    "executions",
    "precision",
    "rivals",
    "memory",
    "runs",
    "quality",
    "examples",
)
CONTENDERS = ("single_scale", "multiscale", "full_multiscale_paper", "adaptive")
LARGEST_BATCH = 16
EXAMPLES = ("classification", "signals", "volumes")
PAIR_SIDES = (480, 352)
STEPS, RUNS, EXAMPLE_RUNS = "Steps", "Whole runs", "Examples"


@dataclasses.dataclass(frozen=True)
class BenchmarkSettings(RaceOptions):
    """Options of `apps.benchmark`, one flag each.

    The network is the paper's, since what others have measured is its steps.
    """

    INSTEAD: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {
            "network": "resnet",
            "keep_contrast": False,
            "residual": None,
            "normalization": None,
        }
    }

    measures: tuple[str, ...] = option(MEASURES, "What to measure.", MEASURES, STEPS)
    batch_sizes: tuple[int, ...] = option(
        (16, 32, 64, 128), "Batch size per level, finest first (the paper's).", theme=LEVELS
    )
    sizes: tuple[int, ...] = option(
        (64, 128, 256, 512), "Image sizes that depths are timed on.", theme=STEPS
    )
    depths: tuple[int, ...] = option(
        (1, 2, 3, 4, 5), "Numbers of levels that are timed.", theme=STEPS
    )
    rounds: int = option(7, "Rounds; medians over them are reported.", theme=STEPS)
    seconds_per_round: float = option(1.0, "Least time of each candidate in a round.", theme=STEPS)
    pair_batch_sizes: tuple[int, ...] = option(
        (1, 2, 4, 8), "Batch size per level on pairs from files, finest first.", theme=STEPS
    )
    pair_width: int = option(8, "Width of the UNet that pairs are timed with.", theme=STEPS)
    stage_steps: int = option(
        40, "Steps of the shortest stage in the run that switches stages.", theme=STEPS
    )
    strategies: tuple[str, ...] = option(
        (*CONTENDERS, "progressive_resizing"),
        "Whose whole runs are compared.",
        tuple(CONTESTANTS),
        RACE,
    )
    run_batch_sizes: tuple[int, ...] = option(
        (4, 8, 16, 32), "Batch sizes of whole runs.", theme=RUNS
    )
    run_work_units: float = option(1000.0, "Work units of a whole run.", theme=RUNS)
    run_rounds: int = option(3, "Rounds of whole runs, a seed each.", theme=RUNS)
    example_problems: tuple[str, ...] = option(
        EXAMPLES, "Problems of --measures=examples.", EXAMPLES, EXAMPLE_RUNS
    )
    example_seconds: float = option(
        60.0, "Training time of a run on an example, equal for all.", theme=EXAMPLE_RUNS
    )
    output: str = option(
        "benchmark", "Folder for benchmark.md, benchmark.json and the plot.", theme=RESULTS
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "rounds", "stage_steps", "run_rounds", "pair_width")
        check_positive(self, "seconds_per_round", "run_work_units", "example_seconds")
        if self.stage_steps % 2:
            raise ValueError(
                "--stage_steps are two epochs, so an even number. Received: "
                f"--stage_steps={self.stage_steps}."
            )
        if self.run_work_units < LARGEST_BATCH:
            raise ValueError(
                f"--run_work_units pay for a step of {LARGEST_BATCH} images at least. Received: "
                f"--run_work_units={self.run_work_units:g}."
            )
        check_choice(self, "measures", MEASURES)
        check_choice(self, "example_problems", EXAMPLES)
        if not self.measures:
            raise ValueError(f"--measures are some of {', '.join(MEASURES)}. Received: none.")
        if not self.sizes or not self.depths or min(*self.sizes, *self.depths, 1) < 1:
            raise ValueError(
                "--sizes and --depths are positive and not empty. "
                f"Received: {self.sizes}, {self.depths}."
            )
        check_pair_levels(self.pair_batch_sizes)
        for size in self.sizes:
            if not depths_of(self, size):
                raise ValueError(
                    "Sizes are halved from level to level, to whole meshes of "
                    f"{least_side()} pixels or more, which none of the depths leaves. "
                    f"Received: --sizes={size}, --depths={self.depths}."
                )


def depths_of(settings: BenchmarkSettings, size: int) -> list[int]:
    """The numbers of levels asked for that an image size allows."""
    least = least_side()
    return [
        depth
        for depth in settings.depths
        if size % 2 ** (depth - 1) == 0 and (depth == 1 or size // 2 ** (depth - 1) >= least)
    ]


def check_pair_levels(batch_sizes: tuple[int, ...]) -> None:
    """Raises `ValueError` unless pairs can be halved to as many levels as there are batches."""
    from keras_ms.levels import Levels

    try:
        Levels(batch_sizes).mesh_sizes(PAIR_SIDES)
    except ValueError as error:
        raise ValueError(f"--pair_batch_sizes: {error}") from None


def least_side() -> int:
    """The fewest pixels that a side of the coarsest level may have."""
    from keras_ms.levels import MIN_COARSEST_SIDE

    return MIN_COARSEST_SIDE


def batch_sizes(settings: BenchmarkSettings, size: int, depth: int) -> tuple[int, ...]:
    """Batch sizes that double from level to level, of as many finest pixels on every image size.

    Small images have no more than the larger of 16 and the finest batch asked for.

    Args:
        settings: The settings; their finest batch goes with their image size.
        size: Image size.
        depth: Number of levels.
    """
    finest = settings.batch_sizes[0] * settings.image_size**2 // size**2
    finest = min(max(finest, 1), max(LARGEST_BATCH, settings.batch_sizes[0]))
    return tuple(finest * 2**level for level in range(depth))
