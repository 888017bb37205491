"""What a host does that trains with others and is not the chief: the same steps, and no files."""

from __future__ import annotations

import pathlib
from typing import Any

from ..experiment import building, started_alike
from ..experiment.outcome import Outcome
from ..experiment.settings import Settings
from ..experiment.stopping import Signals, StoppedError
from ..experiment.unfinished import Unfinished
from . import kept_run
from .strategy import Strategy


def help_the_chief(
    settings: Settings, chosen: list[Strategy], output: pathlib.Path
) -> list[Outcome]:
    """Trains by every strategy as the chief does, from where the chief's last checkpoint is.

    Args:
        settings: Those of the run, as the chief has them.
        chosen: The strategies.
        output: The chief's folder, which this host may not have.

    Raises:
        ValueError: If the chief refuses the run, data differ, or training diverged.
        StoppedError: If a signal asked this host, or another one, to stop.
        ConnectionError: If another host is gone.
    """
    kind = building.kind_of(settings)
    with Signals() as signals:
        content = started_alike.run_of(settings)
        unfinished = Unfinished(output, settings, signals, content, writes=False)
        kind.scan()  # so that this host passes over the same files
        images = kind.load("train")
        unfinished.begin(images)
        validation = kind.validation(kind.held_out())
        return [_trained(strategy, unfinished, images, validation) for strategy in chosen]


def _trained(strategy: Strategy, unfinished: Unfinished, images: Any, validation: Any) -> Outcome:
    try:
        return kept_run.trained(strategy, unfinished, images, validation)
    except StoppedError as stop:
        text = f"stopped in {strategy.name}, which goes on with the same command on all hosts."
        raise StoppedError(stop.number, text) from stop
