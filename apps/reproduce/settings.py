"""What `apps.reproduce` can be told."""

from __future__ import annotations

import dataclasses

from ..experiment import choices
from ..experiment.options import check_choice, listed, option
from .registry import ALL, names
from .target import Asked, Target

WHAT, IMAGES, RESULTS = "What is reproduced", "Images", "Results"
SCALES = ("quick", "paper")
OF_TESTS = "tiny"
USUAL_DATA = "photos"


@dataclasses.dataclass(frozen=True)
class ReproduceSettings:
    """Options of `apps.reproduce`, one flag each."""

    target: tuple[str, ...] = option(
        (), f"Tables, figures and theorems of the paper, or {ALL}.", (*names(), ALL), WHAT
    )
    list: bool = option(
        False, "Show all targets, what each needs, makes and costs, and stop.", theme=WHAT
    )
    scale: str = option(
        "quick",
        "paper is the paper's setting, for a machine with its data and a GPU; quick the same, "
        "smaller: minutes on two cores.",
        SCALES,
        WHAT,
    )
    seeds: tuple[int, ...] = option((0,), "Seeds.", theme=WHAT)
    dataset: str | None = option(
        None,
        f"Where images come from; by default the paper's with --scale=paper, else {USUAL_DATA}.",
        choices.of_library("data", "sources"),
        IMAGES,
    )
    data_dir: str | None = option(
        None,
        "Folder of images, with --dataset=folder; for stl10, celeb_a and urban100 TFDS's.",
        theme=IMAGES,
    )
    output: str = option("reproduced", "Folder for tables, plots and cells.", theme=RESULTS)

    def __post_init__(self) -> None:
        check_choice(self, "target", (*names(), ALL))
        check_choice(self, "scale", (*SCALES, OF_TESTS))
        if not self.list and not self.target:
            raise ValueError(
                "Say what to reproduce. Received: no --target. Use for example "
                f"--target=work_units, or {ALL}; --list shows what there is."
            )
        if not self.seeds or len({*self.seeds}) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(
                "--seeds, each once, are not empty and not negative. "
                f"Received: --seeds={listed(self.seeds)}."
            )

    def asked_of(self, target: Target) -> Asked:
        """What a target is asked for."""
        own = target.paper_data if self.scale == "paper" else USUAL_DATA
        dataset = None if target.paper_data is None else self.dataset or own
        by_name = self.dataset is not None
        return Asked(self.scale, dataset, self.data_dir if dataset else None, self.seeds, by_name)
