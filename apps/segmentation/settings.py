"""What a race on masks can be told."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from ..experiment import choices
from ..experiment.option_names import NETWORK_OPTIONS, NOISE_OPTIONS, TASK_OPTIONS
from ..experiment.options import check_choice, check_positive, option
from ..experiment.problem import IMAGES, LEVELS, NETWORK, RESULTS
from ..races import on_masks
from ..races.equal_settings import EqualOptions
from ..races.settings import RACE
from .contestants import CONTESTANTS


@dataclasses.dataclass(frozen=True)
class SegmentationSettings(EqualOptions):
    """Options of `apps.segmentation`, one flag each."""

    # Of a race on masks, or what every run has its own of.
    UNUSED: ClassVar[tuple[str, ...]] = (
        *("preset", "task", "network", "seed", "learning_rate", "dataset", "bands", "restriction"),
        *("t_low", "t_high", "loss", "mean", "std", "validation_samples", "enlarged_by"),
        *(*TASK_OPTIONS, *NOISE_OPTIONS, *NETWORK_OPTIONS),
    )

    data_dir: str | None = option(None, "Folder of photographs to train on.", theme=IMAGES)
    value_range: tuple[float, ...] | None = option(
        None, "Values of black and white in the files of the photographs.", theme=IMAGES
    )
    image_size: int = option(
        on_masks.IMAGE_SIZE, "Side of the crops on the finest mesh, in pixels.", theme=IMAGES
    )
    batch_sizes: tuple[int, ...] = option(
        on_masks.BATCH_SIZES,
        "Batch size per level, finest first, where there are levels.",
        theme=LEVELS,
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
    rates: tuple[float, ...] = option(
        (3e-4, 1e-3, 3e-3), "Learning rates to choose from.", theme=RACE
    )
    class_names: tuple[str, ...] = option((), "Names of the classes, for the table.", theme=RESULTS)
    output: str = option("segmentation", "Folder for runs, table, plots and sheets.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "seconds", "work_units")
        check_choice(self, "networks", (*on_masks.NETWORKS, *choices.of_library("networks")))
        check_choice(self, "contestants", CONTESTANTS)
        self._check_given()
        if not (self.networks and self.contestants):
            raise ValueError(
                "--networks and --contestants are not empty. "
                f"Received: {self.networks}, {self.contestants}."
            )

    def _check_given(self) -> None:
        needed = ("data_dir", "target_dir", "val_data_dir", "val_target_dir", "classes")
        missing = [f"--{name}" for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(
                "A race on masks needs folders to train and to validate on, and classes. "
                f"Received: no {', '.join(missing)}. Use for example --data_dir=PHOTOS "
                "--target_dir=MASKS --val_data_dir=OTHERS --val_target_dir=THEIRS --classes=11."
            )
