"""What a race on masks can be told."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from ..experiment import choices
from ..experiment.option_names import NETWORK_OPTIONS, NOISE_OPTIONS, TASK_OPTIONS
from ..experiment.options import check_choice, check_counts, check_positive, option
from ..experiment.problem import IMAGES, LEVELS, NETWORK, RESULTS, TRAINING, Problem
from .contestants import CONTESTANTS, NETWORKS

RACE = "Race"


@dataclasses.dataclass(frozen=True)
class SegmentationSettings(Problem):
    """Options of `apps.segmentation`, one flag each."""

    # Of a race on masks, or what every run has its own of.
    UNUSED: ClassVar[tuple[str, ...]] = (
        *("preset", "task", "network", "seed", "learning_rate", "dataset", "bands", "restriction"),
        *("t_low", "t_high", "loss", "mean", "std", "validation_samples"),
        *(*TASK_OPTIONS, *NOISE_OPTIONS, *NETWORK_OPTIONS),
    )

    dtype_policy: str = option(
        "float32", "Keras dtype policy, such as mixed_bfloat16.", theme=TRAINING
    )
    image_size: int = option(192, "Side of the crops on the finest mesh, in pixels.", theme=IMAGES)
    batch_sizes: tuple[int, ...] = option(
        (2, 4, 8), "Batch size per level, finest first, where there are levels.", theme=LEVELS
    )
    networks: tuple[str, ...] = option(
        ("unet", "mobilenet_v2_encoder"),
        "Networks; unet has four meshes here.",
        choices.of_library("networks"),
        NETWORK,
    )
    contestants: tuple[str, ...] = option(
        tuple(CONTESTANTS), "Who takes part.", tuple(CONTESTANTS), RACE
    )
    seconds: float = option(
        120.0, "Training time of a run, validation not counted; equal for all.", theme=RACE
    )
    work_units: float | None = option(
        None,
        "Work units of a run in the place of --seconds, which then only say how much shorter a "
        "trial is: not as fair, but the same on a busy machine.",
        theme=RACE,
    )
    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds.", theme=RACE)
    rates: tuple[float, ...] = option(
        (3e-4, 1e-3, 3e-3), "Learning rates to choose from.", theme=RACE
    )
    trial_seconds: float = option(
        30.0,
        "Training time of a trial of a learning rate, on four fifths of the pairs to train on; the "
        "other fifth judges it.",
        theme=RACE,
    )
    validations: int = option(6, "Validations of a run, for its curve.", theme=RACE)
    curve_pairs: int = option(
        16,
        "About how many pairs to validate on for curves and trials, spread evenly; all judge the "
        "end.",
        theme=RACE,
    )
    class_names: tuple[str, ...] = option((), "Names of the classes, for the table.", theme=RESULTS)
    output: str = option("segmentation", "Folder for runs, table, plots and sheets.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "validations", "curve_pairs")
        check_positive(self, "seconds", "trial_seconds", "work_units")
        check_choice(self, "networks", (*NETWORKS, *choices.of_library("networks")))
        check_choice(self, "contestants", CONTESTANTS)
        self._check_given()
        self._check_lists()

    def _check_given(self) -> None:
        needed = ("data_dir", "target_dir", "val_data_dir", "val_target_dir", "classes")
        missing = [f"--{name}" for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(
                "A race on masks needs folders to train and to validate on, and classes. "
                f"Received: no {', '.join(missing)}. Use for example --data_dir=PHOTOS "
                "--target_dir=MASKS --val_data_dir=OTHERS --val_target_dir=THEIRS --classes=11."
            )
        if self.dtype_policy == "auto":
            raise ValueError(
                "All runs of a race have one precision. Received: --dtype_policy=auto. Use "
                "float32 or mixed_bfloat16."
            )

    def _check_lists(self) -> None:
        repeated = len({*self.seeds}) < len(self.seeds) or min(self.seeds, default=0) < 0
        positive = all(0.0 < rate < math.inf for rate in self.rates)
        full = self.networks and self.contestants and self.seeds and self.rates
        if repeated or not positive or not full:
            raise ValueError(
                "--networks, --contestants, --seeds, each once, and --rates, positive and finite, "
                f"are not empty. Received: {self.networks}, {self.contestants}, {self.seeds}, "
                f"{self.rates}."
            )
