"""What a benchmark can be told."""

from __future__ import annotations

import dataclasses

from apps.problem import Problem, check_counts, check_positive, option

MEASURES = ("levels", "depths", "pipeline", "stages", "precision", "rivals", "memory")
LARGEST_BATCH = 16
COARSEST = 4  # pixels


@dataclasses.dataclass(frozen=True)
class BenchmarkSettings(Problem):
    """Options of `apps.benchmark`, one flag each."""

    measures: tuple[str, ...] = option(MEASURES, "What to measure.")
    batch_sizes: tuple[int, ...] = option(
        (16, 32, 64, 128), "Batch size per level, finest first (the paper's)."
    )
    sizes: tuple[int, ...] = option((64, 128, 256, 512), "Image sizes that depths are timed on.")
    depths: tuple[int, ...] = option((1, 2, 3, 4, 5), "Numbers of levels that are timed.")
    rounds: int = option(7, "Rounds; medians over them are reported.")
    seconds_per_round: float = option(1.0, "Least time of each candidate in a round.")
    stage_steps: int = option(40, "Steps of the shortest stage in the run that switches stages.")
    output: str = option("benchmark", "Folder for benchmark.md, benchmark.json and the plots.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "rounds", "stage_steps")
        check_positive(self, "seconds_per_round")
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown or not self.measures:
            raise ValueError(
                f"--measures are some of {', '.join(MEASURES)}. Received: {', '.join(unknown)}."
            )
        if not self.sizes or not self.depths or min(*self.sizes, *self.depths, 1) < 1:
            raise ValueError(
                "--sizes and --depths are positive and not empty. "
                f"Received: {self.sizes}, {self.depths}."
            )
        finest, deepest = min(self.sizes), max(self.depths)
        if any(size % 2 ** (deepest - 1) for size in self.sizes) or (
            finest < COARSEST * 2 ** (deepest - 1)
        ):
            raise ValueError(
                f"Every size halves {deepest - 1} times to {COARSEST} pixels or more. Received: "
                f"--sizes={self.sizes}, --depths={self.depths}."
            )


def batch_sizes(settings: BenchmarkSettings, size: int, depth: int) -> tuple[int, ...]:
    """Batch sizes that double from level to level, of as many finest pixels on every image size.

    Args:
        settings: The settings; their finest batch goes with their image size.
        size: Image size.
        depth: Number of levels.
    """
    finest = settings.batch_sizes[0] * settings.image_size**2 // size**2
    finest = min(max(finest, 1), max(LARGEST_BATCH, settings.batch_sizes[0]))
    return tuple(finest * 2**level for level in range(depth))
