r"""Races ways to train on photographs and masks: whose masks are best after equal seconds?

    python -m apps.segmentation --data_dir=train --target_dir=train_labels \
        --val_data_dir=val --val_target_dir=val_labels --classes=11 --void=11      # 3 hours
    python -m apps.segmentation ... --networks=unet --seeds=0 --rates=1e-3 --seconds=60 \
        --contestants=plain_1,small_crops,coarse_to_fine                          # minutes

For every network, each contestant (1) tries every learning rate of --rates for --trial_seconds on
four fifths of the pairs of --data_dir, which the other fifth judges; (2) trains on all of them for
--seconds with each of --seeds; (3) is judged by all pairs of --val_data_dir, whole pictures. Leaves
in --output a JSON file per run, which a second start reads instead of training again, wherever the
first one was stopped, and the table segmentation.md, the plots segmentation.png and
segmentation_work_units.png, and a sheet of masks per network, NETWORK.png.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from ..experiment import flags
from .settings import SegmentationSettings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from .race import Race, Raced


def run(settings: SegmentationSettings) -> str:
    """Runs all races; writes tables, plots and sheets after each contestant.

    Returns:
        The tables, in Markdown.

    Raises:
        ValueError: If one of the runs would be refused, or the output cannot be written to.
    """
    from ..experiment import output_folder
    from . import race

    race.check(settings)
    with output_folder.held(settings.output):
        return _raced(settings)


def _raced(settings: SegmentationSettings) -> str:
    from ..races.progress import Progress
    from . import race, results

    progress = Progress(_budgets(settings))
    races: dict[str, dict[str, race.Raced]] = {}
    for network in settings.networks:
        of_network, raced = race.Race(settings, network, progress), races.setdefault(network, {})
        for name in settings.contestants:
            raced[name] = of_network.raced(name)
            _write(settings, races, of_network)
        print(f"\n**{network}**\n\n{results.as_table(raced)}", flush=True)
    output = pathlib.Path(settings.output)
    print(f"Look at {output / 'segmentation.md'}, and the plots and sheets beside it.")
    return results.report(settings, races)


def _budgets(settings: SegmentationSettings) -> list[float]:
    trials = len(settings.rates) if len(settings.rates) > 1 else 0
    of_one = [settings.trial_seconds] * trials + [settings.seconds] * len(settings.seeds)
    return of_one * (len(settings.networks) * len(settings.contestants))


def _write(settings: SegmentationSettings, races: dict[str, dict[str, Raced]], last: Race) -> None:
    from keras_ms import safe_files

    from . import drawing, results

    output, network = pathlib.Path(settings.output), list(races)[-1]
    safe_files.write_text(output / "segmentation.md", results.report(settings, races))
    drawing.save_curves(races, "seconds", output / "segmentation.png")
    drawing.save_curves(races, "work_units", output / "segmentation_work_units.png")
    drawing.save_sheet(last.shown, races[network], last.pairs, output / f"{network}.png")


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("segmentation", SegmentationSettings, run)


if __name__ == "__main__":
    main()
