"""One command for all apps: `keras-ms COMMAND OPTIONS`, or `python -m apps` in a clone."""

from __future__ import annotations

import importlib
import sys
from typing import NamedTuple

from .experiment.command import IN_A_CLONE


class Command(NamedTuple):
    """Where a command is, and what it does."""

    module: str
    does: str


COMMANDS = {
    "train": Command("train", "Trains a network and shows what it cost."),
    "restore": Command("restore", "Restores photographs with a trained model."),
    "evaluate": Command("evaluate", "Judges trained models beside classical methods."),
    "diagnose": Command("diagnose", "Measures what every level is worth."),
    "reproduce": Command("reproduce.__main__", "Reproduces tables and figures of the paper."),
    "time-to-quality": Command("time_to_quality", "Races strategies to one quality."),
    "segmentation": Command("segmentation.__main__", "Races strategies on masks of your own."),
    "benchmark": Command("benchmark.__main__", "Times steps, beside rivals."),
}
HELP = ("--help", "-help", "-h", "help")


def usage() -> str:
    """What there is, one line a command."""
    rows = [f"  {name:<17}{command.does}" for name, command in COMMANDS.items()]
    program = "python -m apps" if IN_A_CLONE else "keras-ms"
    lines = [
        "Multiscale training of convolutional networks.",
        "",
        f"Usage: {program} COMMAND [--option=value ...]",
        "",
        *rows,
        "",
        f"{program} COMMAND --help lists the options of a command.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Runs the app that the first argument names on all others."""
    program, *arguments = sys.argv
    if not arguments or arguments[0] in HELP:
        print(usage())
        return
    name, *options = arguments
    if name not in COMMANDS:
        print(
            f"keras-ms: there is no such command. Received: {name}. Use {', '.join(COMMANDS)}.",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.argv = [f"{program} {name}", *options]
    importlib.import_module(f".{COMMANDS[name].module}", __package__).main()


if __name__ == "__main__":
    main()
