"""A frontier's runs on one problem: all contestants shortly, the best of them often and long."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from ..experiment import building
from ..experiment.settings import Settings
from ..races import running
from ..races.equal_race import EqualRace
from ..races.mask_quality import judged
from ..races.progress import Progress
from ..races.settings import refuse_negative_losses
from . import plan
from .entries import Entry
from .problems import Named
from .runs import settings_of
from .settings import FrontierSettings


class Frontier(EqualRace):
    """All runs on one problem.

    Args:
        options: The settings, whose contestants all differ.
        problem: What is learned.
        progress: Says how far all problems are.
    """

    def __init__(self, options: FrontierSettings, problem: Named, progress: Progress) -> None:
        super().__init__(options, pathlib.Path(options.output) / problem.file, progress)
        self._options, self.problem = options, problem

    def entries(self) -> Iterator[Mapping[str, Entry]]:
        """Makes all runs, or reads them; yields what there is after each contestant's."""
        options, found = self._options, {}
        short, long = plan.short(options), plan.long(options)
        for name in options.contestants:
            found[name] = Entry(self.best_rate(name), {})
            self._run_all(name, found[name], options.seeds[:1], short)
            yield found
        for name in plan.refined(options, found):
            self._run_all(name, found[name], options.seeds[1:], short)
            self._run_all(name, found[name], options.seeds[:1], long)
            yield found

    def _run_all(
        self, name: str, entry: Entry, seeds: Sequence[int], budgets: Sequence[float]
    ) -> None:
        for seed in seeds:
            for budget in budgets:
                special = {"seed": seed, "learning_rate": entry.rate, "seconds": budget}
                settings = self.settings_of(name, **special)
                run = self.run(name, settings, budget, f"run-{budget:g}")
                entry.runs.setdefault(budget, []).append(run)

    def settings_of(
        self, name: str | None, trial_seconds: float | None = None, **special: Any
    ) -> Settings:
        """See `EqualRace.settings_of`."""
        return settings_of(self._options, self.problem, name, trial_seconds, **special)

    def judged(self, model: keras.Model, path: pathlib.Path) -> dict[str, Any]:
        """The loss over all that is held out, and of masks how good they are."""
        pairs, whole = self.data.train, self.data.whole
        if classes := getattr(pairs, "num_classes", None):
            found = judged(model, whole, classes, pairs.void)
            return {"loss": found.pop("crossentropy"), **found}
        return model.evaluate(whole, verbose=0, return_dict=True)

    def told(self, content: dict[str, Any]) -> str:
        """The loss; of a trial, that of its curve."""
        last = content["points"][-1]
        return f"loss {content.get('loss', last['loss']):.4g} after {last['seconds']:.0f} s"

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return building.kind_of(self.settings_of(None)).loss_name


def check(options: FrontierSettings, problem: Named) -> None:
    """Raises `ValueError` if a run would be refused, before the first one is made."""
    common = settings_of(options, problem, None)
    own = common.target_dir is not None  # of which trials hold out others
    for name in options.contestants:
        for trial_seconds in (None, options.trial_seconds) if own else (None,):
            settings = settings_of(options, problem, name, trial_seconds)
            refuse_negative_losses(settings)
            if settings.image_size > common.image_size:
                raise ValueError(
                    f"{name} has crops of {settings.image_size} px, which are larger than those of "
                    f"the finest mesh. Received: --image_size={common.image_size}. Leave it out of "
                    "--contestants, or take larger images."
                )
            if own:
                building.kind_of(settings).held_out()
            running.check(settings)
    building.make_network(common)
