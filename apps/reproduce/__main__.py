"""Reproduces the paper: every table, figure and theorem by one command.

    python -m apps.reproduce --list
    python -m apps.reproduce --target=work_units
    python -m apps.reproduce --target=table2_denoising,table6 --dataset=folder --data_dir=PICTURES
    python -m apps.reproduce --target=all --scale=paper --data_dir=PREPARED   # a GPU, days

Leaves in --output, for every target, a table with the paper's figures beside ours (.md), a line per
cell and seed (.csv) and a plot (.png). Every cell is on file as soon as it is computed: a second
start reads it instead, wherever the first one was stopped.
"""

from __future__ import annotations

from ..experiment import flags
from .runner import run as run_targets
from .settings import ReproduceSettings


def run(settings: ReproduceSettings) -> str:
    """Reproduces the targets asked for, or lists all there are; see `runner.run`."""
    return run_targets(settings)


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("reproduce", ReproduceSettings, run, loads=False)


if __name__ == "__main__":
    main()
