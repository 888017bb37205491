"""Measures what every level and coarse problem is worth, and says how to train.

    python -m apps.diagnose                                     # denoising, ResNet, sample photos
    python -m apps.diagnose --task=deblurring --network=unet --image_size=256
    python -m apps.diagnose --dataset=folder --data_dir=PICTURES --steps=500

Trains plainly for a few steps first, since an untrained network says little of training: what it
finds then is what `--coarsening=auto` finds, which begins alike. Ends in a command
that trains as advised, and in the same in Python. Task-consistent levels, crops and both are
compared as coarse problems; degrading first, as the paper does, has a report of its own. Leaves in
--output: the two reports as JSON and levels.png (variance, cost ratio and gradient bias by level).
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING, ClassVar

from .experiment import flags
from .experiment.command import as_typed
from .experiment.options import check_counts, check_positive, option, options_of
from .experiment.presets import PRESETS
from .experiment.printable import printable
from .experiment.problem import RESULTS, Problem

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    import keras
    import numpy as np

    import keras_ms

MEASURING = "Measuring"

ADVISED = (
    *("strategy", "coarsening", "restriction", "batch_sizes", "control_weights", "iterations"),
    *("single_scale_batch", "image_size"),
)
"""Options of `apps.train` that an advice decides."""

COARSENINGS = {"task-consistent": "task", "degrade first": "degrade_first"}


@dataclasses.dataclass(frozen=True)
class DiagnoseSettings(Problem):
    """Options of `apps.diagnose`, one flag each."""

    UNUSED: ClassVar[tuple[str, ...]] = ("validation_samples",)

    steps: int = option(
        100, "Plain steps of one image to train for first; 0 for none.", theme=MEASURING
    )
    samples: int = option(
        128,
        "Samples on the finest level; twice as many on each coarser one.",
        theme=MEASURING,
    )
    seconds: float = option(
        60.0, "Stop measuring a coarsening after about so long.", theme=MEASURING
    )
    single_scale_batch: int = option(
        16, "Batch size of the single-scale training to compare with.", theme=MEASURING
    )
    check_steps: int = option(
        0,
        "Training steps to compare with the task-consistent report's predictions; 0 for none.",
        theme=MEASURING,
    )
    details: bool = option(
        False, "Whether all figures are shown, and all advised ways in Python too.", theme=RESULTS
    )
    output: str = option("diagnosis", "Folder for the reports and the plot.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "samples", "single_scale_batch")
        check_positive(self, "seconds")
        if self.steps < 0 or self.check_steps < 0 or self.check_steps == 1:
            raise ValueError(
                "--steps cannot be negative, and --check_steps is 0, or 2 or more. Received: "
                f"--steps={self.steps}, --check_steps={self.check_steps}."
            )


def run(settings: DiagnoseSettings) -> dict[str, keras_ms.LevelReport]:
    """Trains a little, diagnoses both coarsenings and writes what there is to see.

    Returns:
        A report by the name of each coarsening.

    Raises:
        ValueError: If data and levels do not fit together, or the output cannot be written to.
    """
    from .experiment import output_folder

    with output_folder.held(settings.output, ("levels.png",)) as output:
        return _diagnosed(settings, output)


def _diagnosed(settings: DiagnoseSettings, output: pathlib.Path) -> dict[str, keras_ms.LevelReport]:
    from keras_ms.diagnostics.plots import save_plot

    from .experiment import building, precision, prediction

    for line in building.kind_of(settings).remarks():
        print(printable(line))
    images = building.images_in_memory(settings, "train")
    precision.set_policy(settings)
    model = trained(settings, images, settings.steps)
    reports = {}
    for name, coarsening in reversed(COARSENINGS.items()):
        if coarsening == "degrade_first" and settings.target_dir:
            continue  # pairs of one's own are degraded already
        print(f"\nMeasuring the levels, {name} ...", flush=True)
        reports[name] = measured(settings, model, images, coarsening)
        reports[name].save(output / f"{coarsening}.json")
        if coarsening == "degrade_first":  # for comparison: what is advised follows at the end
            print(f"{reports[name].table(settings.details)}\n{reports[name].advice}")
    reports = dict(reversed(reports.items()))
    save_plot(reports, output / "levels.png")
    if settings.check_steps:
        dataset = building.make_dataset(settings, images)
        report = reports["task-consistent"]
        print(f"\n{prediction.check(report, model, dataset, settings.check_steps)}")
    print(f"\nLook at {output / 'levels.png'}; the reports are in {output}.\n")
    print(reports["task-consistent"].told(settings.details, train_command(settings)))
    return reports


def train_command(settings: DiagnoseSettings) -> str:
    """The command that trains on this problem, for the flags of an advice to follow."""
    from keras_ms.diagnostics.advised_command import flags_of

    taken = {field.name for field in options_of(Problem)} - {*ADVISED}
    given = {name: getattr(settings, name) for name in settings.given or () if name in taken}
    usual = next(iter(PRESETS))
    if settings.preset not in (None, usual):
        given = {"preset": settings.preset, **given}
    return as_typed(f"python -m apps.train {flags_of(given)}".strip())


def trained(
    settings: DiagnoseSettings, images: list[np.ndarray], steps: int
) -> keras_ms.MultiscaleModel:
    """The network after some plain steps of an image a device, as those that `fit` measures by."""
    from .experiment import building

    model = building.make_model(settings, settings.learning_rate)
    if steps:
        print(f"Training for {steps} steps ...", flush=True)
        batch = model.distribute_strategy.num_replicas_in_sync
        model.fit(building.make_dataset(settings, images, steps, levels=(batch,)), verbose=0)
    return model


def measured(
    settings: DiagnoseSettings, model: keras.Model, images: list[np.ndarray], coarsening: str
) -> keras_ms.LevelReport:
    """The report of one coarsening."""
    import keras_ms

    from .experiment import building

    by = settings.restriction if coarsening == "degrade_first" else "average"
    asked = "auto" if coarsening == "task" else coarsening  # then coarse problems are compared
    dataset = building.make_dataset(settings, images, coarsening=asked, restriction=by)
    return keras_ms.diagnose(
        model, dataset, settings.samples, settings.seconds, settings.single_scale_batch
    )


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("diagnose", DiagnoseSettings, run)


if __name__ == "__main__":
    main()
