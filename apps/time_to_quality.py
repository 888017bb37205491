r"""Seconds until every strategy is as good as plain training is after some minutes.

    python -m apps.time_to_quality --dataset=folder --data_dir=BSDS500/train       # hours
    python -m apps.time_to_quality --tasks=denoising --networks=resnet --seeds=0 \
        --reference_seconds=20 --trial_seconds=3 --budgets=5,10 --rates=3e-3       # minutes

For every task and network: (1) each strategy tries every learning rate of --rates for
--trial_seconds (single_scale for three times as long) with four seeds of their own; (2)
single_scale trains for --reference_seconds with each of --seeds, and the mean of the validation
losses it ends with is the target; (3) each strategy trains within the least of --budgets whose run
ends at the target or below, and the time from which on it stays there counts. Leaves in --output a
JSON file per run, which a second run reads instead of training again (in the precision that the
first one chose, with --dtype_policy=auto), and the table and the plot, time_to_quality.md and .png.

    python -m apps.time_to_quality --frontier ...    # quality against budget instead of one quality
    python -m apps.time_to_quality --frontier --help # has other options
"""

from __future__ import annotations

import itertools
import pathlib
import sys
from math import nan

from .experiment import flags
from .frontier import app as frontier
from .races.contestants import REFERENCE
from .races.settings import RaceSettings


def run(settings: RaceSettings) -> str:
    """Runs all races; writes the table and the plot.

    Returns:
        The table, in Markdown.

    Raises:
        ValueError: If one of the runs would be refused, or the output cannot be written to.
    """
    from .experiment import output_folder
    from .races import race

    problems = list(itertools.product(settings.tasks, settings.networks))
    for problem in problems:
        race.check(settings, *problem)
    with output_folder.held(settings.output):
        return _raced(settings, problems)


def _raced(settings: RaceSettings, problems: list[tuple[str, str]]) -> str:
    from keras_ms import safe_files

    from .races import race, results

    lines: list[str] = []
    plotted: dict[str, results.Result] = {}
    for task, network in problems:
        title, raced = f"{task}, {network}", race.Race(settings, task, network, settings.output)
        reference = raced.reference()
        reached = {name: raced.reached(name, reference.loss) for name in settings.strategies}
        rates = {name: raced.best_rate(name) for name in settings.strategies}
        rate = nan if settings.target is not None else raced.best_rate(REFERENCE)
        plotted[title] = results.Result(reference, reached)
        lines.append(results.as_table(title, plotted[title], rates, rate))
        print(f"\n{lines[-1]}", flush=True)
        text = "\n".join(lines)
        safe_files.write_text(pathlib.Path(settings.output, "time_to_quality.md"), text)
        results.save_plot(plotted, pathlib.Path(settings.output, "time_to_quality.png"))
    return "\n".join(lines)


FRONTIER = "--frontier"


def main() -> None:
    """Runs the app on the flags of the command line; with `--frontier`, another one."""
    if FRONTIER in sys.argv[1:]:
        sys.argv.remove(FRONTIER)  # it is no option of either
        frontier.main()
        return
    flags.start("time_to_quality", RaceSettings, run)


if __name__ == "__main__":
    main()
