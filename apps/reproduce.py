"""Reproduces the table of variances: what multilevel sums cost, by task, network, size, coarsening.

    python -m apps.reproduce --dataset=folder --data_dir=BSDS500/train      # about half an hour
    python -m apps.reproduce --tasks=denoising --networks=resnet --sizes=64 --seeds=0 --steps=50

Every network is trained for --steps plain Adam steps at --image_size, then diagnosed at every size
with every coarsening. Leaves in --output a report per row and seed, which a second run reads
instead of measuring again, and levels.md, the table of means and standard deviations over seeds.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from .experiment import choices, flags, presets, tables
from .experiment.option_names import PAIR_OPTIONS
from .experiment.options import as_dict, check_counts, option
from .experiment.problem import NETWORK, RESULTS, TASK, Problem

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    import numpy as np

    import keras_ms

MEASURING = "Measuring"
COARSEST_SIDE = 16
MOST_LEVELS = 4
COARSENINGS = {
    "degrade, then stride": ("degrade_first", "stride"),
    "degrade, then average": ("degrade_first", "average"),
    "task-consistent": ("task", "average"),
}


@dataclasses.dataclass(frozen=True)
class ReproduceSettings(Problem):
    """Options of `apps.reproduce`, one flag each."""

    # Every row has its own of these, and nothing is validated.
    UNUSED: ClassVar[tuple[str, ...]] = (
        "task",
        "network",
        "seed",
        "batch_sizes",
        "restriction",
        "validation_samples",
        *PAIR_OPTIONS,
    )

    tasks: tuple[str, ...] = option(
        ("denoising", "deblurring"), "Tasks.", choices.of_library("tasks"), TASK
    )
    networks: tuple[str, ...] = option(
        ("resnet", "unet"), "Networks.", choices.of_library("networks"), NETWORK
    )
    sizes: tuple[int, ...] = option(
        (64, 128, 256), "Sides of the crops that are diagnosed.", theme=MEASURING
    )
    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds.", theme=MEASURING)
    steps: int = option(600, "Adam steps before diagnosing.", theme=MEASURING)
    train_batch: int = option(4, "Plain batch of those steps.", theme=MEASURING)
    samples: int = option(
        64, "Samples on the finest level; twice as many on each coarser one.", theme=MEASURING
    )
    output: str = option("reproduced", "Folder for the reports and the table.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "steps", "train_batch", "samples")
        if not self.seeds or any(side < COARSEST_SIDE or side % 8 for side in self.sizes):
            raise ValueError(
                f"--sizes are multiples of 8, at least {COARSEST_SIDE}, and --seeds not empty. "
                f"Received: --sizes={self.sizes}, --seeds={self.seeds}."
            )


def run(settings: ReproduceSettings) -> str:
    """Measures every row and writes the table.

    Returns:
        The table, in Markdown.
    """
    from .experiment import building

    one_each = itertools.product(settings.tasks, settings.networks, settings.seeds)
    problems = [problem(settings, *one) for one in one_each]
    output = pathlib.Path(settings.output)
    output.mkdir(parents=True, exist_ok=True)
    _check_same(settings, output / "settings.json")
    images = building.images_in_memory(settings, "train")
    for row in problems:
        measure(row, settings, images, output)
    table = as_table(settings, output)
    (output / "levels.md").write_text(table)
    print(f"\n{table}\nThe table is in {output / 'levels.md'}.")
    return table


def _check_same(settings: ReproduceSettings, path: pathlib.Path) -> None:
    """Refuses a folder of reports that were made with other settings than these."""
    free = ("tasks", "networks", "sizes", "seeds", "output")  # in the names of the reports
    made = {name: value for name, value in as_dict(settings).items() if name not in free}
    made |= {"preset": settings.preset, "given": _given(settings)}
    made = json.loads(json.dumps(made))
    if path.exists() and (before := json.loads(path.read_text())) != made:
        differing = [name for name, value in made.items() if before.get(name) != value]
        raise ValueError(
            "--output holds reports made with other settings. Received: "
            f"{path.parent}, where {', '.join(differing)} differ. Take another folder."
        )
    path.write_text(json.dumps(made, indent=1) + "\n")


def _given(settings: ReproduceSettings) -> list[str]:
    """The options given that a preset would have decided."""
    return sorted(presets.decided_names() & set(settings.given or ()))


def problem(settings: ReproduceSettings, task: str, network: str, seed: int) -> Problem:
    """The shared options with those of a network; the task's noise is the paper's."""
    noise = {"t_low": settings.t_low, "t_high": settings.t_high}
    return presets.row(settings, Problem, task, network, seed=seed, **noise)


def measure(
    row: Problem, settings: ReproduceSettings, images: list[np.ndarray], output: pathlib.Path
) -> None:
    """Trains one network and saves its reports, those that are not there yet."""
    import keras_ms

    from .experiment import building, precision

    missing = [
        (size, name)
        for size, name in rows(settings)
        if not path_of(output, row.task, row.network, size, name, row.seed).exists()
    ]
    if not missing:
        return
    print(f"{row.task}, {row.network}, seed {row.seed}: training ...", flush=True)
    precision.set_policy(row)
    model = trained(row, settings, images)
    for size, name in missing:
        coarsening, restriction = COARSENINGS[name]
        dataset = building.make_dataset(
            dataclasses.replace(row, image_size=size),
            images,
            levels=hierarchy(size),
            coarsening=coarsening,
            restriction=restriction,
        )
        report = keras_ms.diagnose(model, dataset, settings.samples, seconds=600.0)
        report.save(path_of(output, row.task, row.network, size, name, row.seed))
        ratios = ", ".join(f"{ratio:.2f}" for ratio in report.relative_costs("work_units"))
        print(f"  {size} px, {name}: cost ratios {ratios}", flush=True)


def trained(
    row: Problem, settings: ReproduceSettings, images: list[np.ndarray]
) -> keras_ms.MultiscaleModel:
    """The network after plain training on the finest level."""
    from .experiment import building

    model = building.make_model(row, row.learning_rate)
    dataset = building.make_dataset(row, images, settings.steps, levels=(settings.train_batch,))
    model.fit(dataset, verbose=0)
    return model


def rows(settings: ReproduceSettings) -> Iterator[tuple[int, str]]:
    """Sizes and coarsenings of the table."""
    return itertools.product(settings.sizes, COARSENINGS)


def hierarchy(size: int) -> tuple[int, ...]:
    """Batch sizes, which do not matter here, for as many levels as a size bears."""
    levels = min(MOST_LEVELS, (size // COARSEST_SIDE).bit_length())
    return tuple(2**level for level in range(1, levels + 1))


def path_of(
    output: pathlib.Path, task: str, network: str, size: int, coarsening: str, seed: int
) -> pathlib.Path:
    """Where the report of a row and seed is kept."""
    short = coarsening.replace(", then ", "_").replace("-", "_")
    return output / f"{task}-{network}-{size}-{short}-{seed}.json"


def as_table(settings: ReproduceSettings, output: pathlib.Path) -> str:
    """Means and standard deviations over the seeds, one line per row."""
    columns = ["task, network, crop", "coarsening", "dV by level", "cos", "cost by levels"]
    lines = [
        _line(settings, output, *row)
        for row in itertools.product(settings.tasks, settings.networks, list(rows(settings)))
    ]
    return tables.markdown([*columns, "weighted"], lines)


def _line(
    settings: ReproduceSettings, output: pathlib.Path, task: str, network: str, of: tuple[int, str]
) -> list[str]:
    import numpy as np

    import keras_ms

    size, name = of
    reports = [
        keras_ms.LevelReport.load(path_of(output, task, network, size, name, seed))
        for seed in settings.seeds
    ]
    cosines = [[value for value in r.cosine[:1] if value is not None] for r in reports]
    return [
        f"{task}, {network}, {size} px",
        name,
        _spread([np.array(r.difference[:-1]) / r.variance[0] for r in reports]),
        _spread([np.array(c) for c in cosines if c]),
        _spread([np.array(r.relative_costs("work_units")) for r in reports], best=True),
        _spread([np.array([min(r.relative_costs("work_units", True))]) for r in reports]),
    ]


def _spread(values: Sequence[np.ndarray], best: bool = False) -> str:
    """Means ± standard deviations over the seeds, the least one bold if it is to stand out."""
    import numpy as np

    if not values:
        return "?"
    means, deviations = np.mean(values, axis=0), np.std(values, axis=0, ddof=len(values) > 1)
    cells = [f"{m:.2f} ± {d:.2f}" for m, d in zip(means, deviations, strict=True)]
    if best:
        cells[0] = "1"
        least = int(np.argmin(means))
        cells[least] = f"**{cells[least]}**"
    return ", ".join(cells)


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("reproduce", ReproduceSettings, run)


if __name__ == "__main__":
    main()
