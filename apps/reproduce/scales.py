"""How much smaller than the paper's a training is: the one thing that scales differ in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..experiment import presets
from ..experiment.per_stage import FittingFromFinest

Options = dict[str, Any]
PRESET = "paper"
PLAIN_BATCH = 16
"""Images in a step of plain training, as the authors' program has them."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """Divisors of the preset's numbers, and options instead of the preset's.

    Attributes:
        batches: Batch sizes are divided by this, or by the finest if that is less.
        steps: Iterations are divided by this; all stages keep their proportions.
        steps_of: The same of single tasks, by name.
        rate: Learning rates are multiplied by this, as there are fewer iterations.
        levels: Number of levels, of the paper's 4 the finest.
        widths: Channels of networks, by name; of others the usual.
        networks: Networks that take part; empty for all.
        only: Contestants that take part; empty for all.
        more: Further options of `apps.train`.
        seconds: About how long a work unit takes, and starting up a stage, for the progress.
    """

    batches: int = 1
    steps: int = 1
    steps_of: Mapping[str, int] = dataclasses.field(default_factory=dict)
    rate: float = 1.0
    levels: int = 4
    widths: Mapping[str, int] = dataclasses.field(default_factory=dict)
    networks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seconds: tuple[float, float] = (0.002, 20.0)

    def takes(self, network: str, row: str) -> bool:
        """Whether a contestant takes part by a network."""
        return (not self.networks or network in self.networks) and (
            not self.only or row in self.only
        )

    @property
    def plain_batch(self) -> int:
        """Images in a step of plain training."""
        return max(1, PLAIN_BATCH // self.batches)

    def options(self, task: str, network: str, levels: int | None = None) -> Options:
        """Options of `apps.train` beside the preset.

        Args:
            task: Name of the task.
            network: Name of the network.
            levels: Number of levels. Defaults to those of the scale.
        """
        found = presets.values(PRESET, task, network)
        usual = found["batch_sizes"][: self.levels]
        by = min(self.batches, usual[0])
        sizes = tuple(size // by for size in usual)
        less = self.steps_of.get(task, self.steps)
        steps = FittingFromFinest(max(1, count // less) for count in found["iterations"])
        of_network = {"width": self.widths[network]} if network in self.widths else {}
        return {
            "task": task,
            "network": network,
            "batch_sizes": sizes[:levels],
            "single_scale_batch": sum(sizes),
            "iterations": steps,
            "learning_rate": self.rate * found["learning_rate"],
            "measure_ssim": True,
            **of_network,
            **self.more,
        }


WIDTHS = {
    "paper_resnet": 16,
    "paper_unet": 8,
    "paper_sr_resnet": 12,
    "paper_sr_convnet": 16,
    "unet5": 8,
    "resnet18_encoder": 16,
    "resnet50_encoder": 16,
}

SCALES = {
    "paper": Scale(),
    "quick": Scale(
        batches=8,
        steps=10,
        steps_of={"inpainting": 20},  # of which fine levels have as many as coarse ones
        rate=3.0,
        levels=3,
        widths=WIDTHS,
        more={"validations": 4, "validation_samples": 64, "image_size": 64},
        seconds=(0.006, 8.0),
    ),
    "tiny": Scale(
        batches=16,
        steps=1000,
        levels=2,
        widths=dict.fromkeys(WIDTHS, 4),
        networks=("paper_resnet", "paper_sr_convnet", "unet5"),
        only=("single_scale", "full_multiscale", "plain_work"),
        more={"validations": 1, "validation_samples": 2, "image_size": 32},
    ),
}
