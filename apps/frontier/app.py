r"""Quality against budget, and how many times as fast as plain training each way to train is.

    python -m apps.time_to_quality --frontier --dataset=folder --data_dir=BSDS500/train # 10 hours
    python -m apps.time_to_quality --frontier --problems=camvid/unet --data_dir=train \
        --target_dir=train_labels --val_data_dir=val --val_target_dir=val_labels --classes=11 \
        --void=11                                                                     # 4 hours
    python -m apps.time_to_quality --frontier --problems=denoising/resnet --budgets=10,40 \
        --contestants=plain_1,coarse_to_fine --rates=3e-3 --seeds=0                   # minutes

For every problem: (1) each contestant tries every learning rate of --rates for --trial_seconds on
four fifths of the training data, which the other fifth judges; (2) each trains with the first of
--seeds for all of --budgets but the last, every run with a schedule of its own; (3) --default, the
best plain training and the best two others train with all --seeds, and with the first for the last
of --budgets. The whole held-out data judge every end. Leaves in --output a JSON file per run, which
a second start reads instead of training again, wherever the first one was stopped, and for each
problem a table and a plot, NAME-NETWORK.md and .png, from the first contestant on.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from ..experiment import flags
from . import plan, problems
from .settings import FrontierSettings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from collections.abc import Mapping

    from .entries import Entry
    from .race import Frontier


def run(settings: FrontierSettings) -> str:
    """Makes all runs; writes table and plot of a problem after each contestant.

    Returns:
        The tables, in Markdown.

    Raises:
        ValueError: If one of the runs would be refused, or the output cannot be written to.
    """
    from ..experiment import output_folder
    from ..races.progress import Progress
    from . import race, runs

    chosen = problems.chosen(settings)
    taking = {problem: runs.distinct(settings, problem) for problem in chosen}
    for problem, (options, _) in taking.items():
        race.check(options, problem)
    progress = Progress([b for options, _ in taking.values() for b in plan.budgets(options)])
    tables = []
    with output_folder.held(settings.output):
        for problem, (options, names) in taking.items():
            one = race.Frontier(options, problem, progress)
            for entries in one.entries():
                table = _write(options, one, names, entries)
            print(f"\n{table}", flush=True)
            tables.append(table)
    return "\n".join(tables)


def _write(
    options: FrontierSettings, one: Frontier, names: Mapping[str, str], entries: Mapping[str, Entry]
) -> str:
    from keras_ms import safe_files

    from ..experiment.tables import loss_label
    from . import drawing, results

    output, problem = pathlib.Path(options.output), one.problem
    table = results.report(options, problem.title, one.loss_name, entries, names)
    safe_files.write_text(output / f"{problem.file}.md", table)
    plot = output / f"{problem.file}.png"
    drawing.save_plot(options, problem.title, loss_label(one.loss_name), entries, plot)
    return table


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("time_to_quality", FrontierSettings, run)
