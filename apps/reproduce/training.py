"""A training as a cell: its key says all that `apps.train` is told, its row what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import images, weights
from .contestants import CONTESTANTS, FULL, PLAIN
from .scales import PRESET, Options, Scale
from .target import Asked, Cell, Given, Key, Row

if TYPE_CHECKING:
    from ..experiment.settings import Settings


class Entry(NamedTuple):
    """One line of a comparison.

    Attributes:
        network: Name of the network.
        row: The contestant, one of `CONTESTANTS`.
        paper: What the paper reports, as it prints it; `""` where it reports nothing.
        levels: Number of levels; `None` for the usual one.
        budget: Work units, in the place of iterations; `None` for these.
        more: Options of `apps.train` and their values, instead of others.
        plain_batch: Images in a step of plain training; `None` for those of the scale.
    """

    network: str
    row: str
    paper: str = ""
    levels: int | None = None
    budget: int | None = None
    more: tuple[tuple[str, Any], ...] = ()
    plain_batch: int | None = None


def name_of(asked: Asked, task: str, entry: Entry, seed: int) -> str:
    """The name of an entry's cell: targets whose entries are alike share it."""
    parts = [entry.row, *([f"{entry.levels}levels"] if entry.levels else [])]
    parts += [f"{entry.budget}wu"] if entry.budget else []
    return f"{folder_of(asked, task, entry.network)}/{'-'.join((*parts, str(seed)))}"


def folder_of(asked: Asked, task: str, network: str) -> str:
    """Where cells of one problem are."""
    return f"{asked.dataset}-{task}-{network}"


def cells_of(asked: Asked, scale: Scale, task: str, entries: Sequence[Entry]) -> list[Cell]:
    """A cell an entry and seed, those that others come after first."""
    ordered = sorted(entries, key=lambda entry: bool(CONTESTANTS[entry.row].equal))
    return [cell_of(asked, scale, task, entry, seed) for seed in asked.seeds for entry in ordered]


def cell_of(asked: Asked, scale: Scale, task: str, entry: Entry, seed: int) -> Cell:
    """The cell that trains an entry with a seed."""
    from ..experiment import presets
    from ..experiment.options import as_dict
    from ..experiment.settings import Settings

    equal = CONTESTANTS[entry.row].equal
    options = {**options_of(scale, task, entry), **asked.data, "seed": seed}
    settings = presets.make(Settings, PRESET, **options)
    key = {**as_dict(settings), "given": tuple(options), "equal": equal}
    after = (name_of(asked, task, entry._replace(row=FULL), seed),) if equal else ()
    return Cell(name_of(asked, task, entry, seed), trained, key, _guess(scale, settings), after)


def options_of(scale: Scale, task: str, entry: Entry) -> Options:
    """Options of `apps.train` beside the preset, for an entry at a scale."""
    common = scale.options(task, entry.network, entry.levels)
    found = {**common, **dict(entry.more), **CONTESTANTS[entry.row].options}
    if found["single_scale_batch"] == PLAIN:
        found["single_scale_batch"] = entry.plain_batch or scale.plain_batch
    if entry.budget is not None and not CONTESTANTS[entry.row].equal:
        found["work_units"] = float(entry.budget)
    return found


def _guess(scale: Scale, settings: Settings) -> float:
    """About how long a training takes."""
    import keras_ms

    levels = keras_ms.Levels(settings.batch_sizes)
    steps, a_unit, start = max(settings.iterations), *scale.seconds
    if settings.strategy == "single_scale":
        units = float(steps * settings.single_scale_batch)
        return start + a_unit * (settings.work_units or units)
    if settings.strategy == "multiscale":
        return start + a_unit * (settings.work_units or steps * levels.work_units())
    units = levels.full_multiscale_work_units(settings.stage_iterations)
    return levels.num_levels * start + a_unit * (settings.work_units or units)


def trained(key: Key, given: Given) -> Row:
    """Trains a network and saves its weights.

    Returns:
        `points`, the validations; `work_units` and `seconds` in the end; `last` and `best` of the
        loss and both kinds of SSIM.
    """
    from ..experiment import building, presets
    from ..experiment.options import replaced
    from ..experiment.settings import Settings
    from ..races import running

    settings = presets.make(Settings, PRESET, **{name: key[name] for name in key["given"]})
    if key["equal"]:
        (other,) = given.rows.values()
        settings = replaced(settings, **{key["equal"]: other[key["equal"]]})
    limits = {"train": settings.limit, "validation": settings.validation_samples}
    train, held_out = (
        images.load(key, split, limit, settings.enlarged_by) for split, limit in limits.items()
    )
    validation = building.make_validation(settings, held_out)
    outcome = running.outcome_of(settings, train, validation)
    row = running.recorded(outcome)
    if outcome is None:
        return row
    final, ends = outcome.curve.final, outcome.curve.ends()
    row |= {"work_units": final.work_units, "seconds": final.seconds}
    row |= {which: {n: values[i] for n, values in ends.items()} for i, which in enumerate(WHICH)}
    return row | weights.save(outcome.model, given)


WHICH = ("last", "best")


def value(row: Row, metric: str, which: str = "best") -> Any:
    """A metric of a row: `"loss"`, `"ssim"`, `"authors_ssim"`; `None` if it could not start."""
    return row[which][metric] if which in row else None
