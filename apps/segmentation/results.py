"""What races on masks came to: tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..experiment import tables
from ..races.ends import cut_short, spread
from ..races.equal_race import TRIAL_SEED
from .contestants import WHAT_THEY_ARE
from .race import Raced
from .settings import SegmentationSettings

COLUMNS = ("contestant", "rate", "seconds", "steps", "work units", "cross-entropy", "mean IoU")


def report(options: SegmentationSettings, races: Mapping[str, Mapping[str, Raced]]) -> str:
    """All tables, under lines that say how they were measured.

    Args:
        options: Of the race.
        races: What came of every contestant, by network.
    """
    parts = [how_measured(options)]
    for network, raced in races.items():
        parts += [f"**{network}**", as_table(raced), *cut_short(_named(raced))]
        if name := best(raced):
            title = f"{network}, {name}: IoU by class, {_over(options)}"
            parts += [title, by_class(raced[name], options.class_names)]
    rows = [(name, WHAT_THEY_ARE[name]) for name in options.contestants]
    return "\n\n".join(part.strip() for part in (*parts, tables.markdown(_WHO, rows))) + "\n"


_WHO = ("contestant", "what it is")


def how_measured(options: SegmentationSettings) -> str:
    """What was trained for how long, and what was chosen on what."""
    rates = ", ".join(f"{rate:g}" for rate in options.rates)
    sizes = ", ".join(map(str, options.batch_sizes))
    budget = f"{options.seconds:g} s"
    if options.work_units is not None:
        budget = f"{options.work_units:g} work units (below, read parts of it for seconds)"
    lines = [
        f"- Every run trains for {budget}: tracing and compiling count; validation, and "
        "refreshing statistics of BatchNormalization for it, do not.",
        f"- The finest mesh is of crops of {options.image_size} px. Contestants with levels have "
        f"batches of {sizes}, finest first. The rate decays by a cosine to nearly 0.",
        f"- Every contestant chose its learning rate among {rates} by one trial each "
        f"({options.trial_seconds:g} s, seed {TRIAL_SEED}; longer where none could start up) on "
        "four fifths of the training pairs, by the cross-entropy on the other fifth. The pairs to "
        "validate on chose nothing, but that adaptive leaves a level if the loss on the curve's "
        "pairs has not improved for three validations.",
        "- The tables are of whole pictures, all pairs to validate on, at the end: "
        f"{_over(options)}. Curves are of about {options.curve_pairs} of these pairs. Void counts "
        "nowhere.",
    ]
    return "\n".join(lines)


def _over(options: SegmentationSettings) -> str:
    return f"median (least to most) over seeds {', '.join(map(str, options.seeds))}"


def as_table(raced: Mapping[str, Raced]) -> str:
    """One line per contestant."""
    rows = [(name, f"{one.rate:g}", *_cells(one)) for name, one in raced.items()]
    return tables.markdown(COLUMNS, rows)


def _cells(one: Raced) -> tuple[str, ...]:
    ends = [run["points"][-1] for run in one.runs if run["points"]]
    if len(ends) < len(one.runs):
        return (f"{len(ends)} of {len(one.runs)} seeds started", "", "", "", "")
    seconds, units = (np.median([end[key] for end in ends]) for key in ("seconds", "work_units"))
    steps = np.median([run["steps"] for run in one.runs])
    quality = (spread([run[key] for run in one.runs]) for key in ("crossentropy", "mean_iou"))
    return (f"{seconds:.0f}", f"{steps:,.0f}", f"{units:,.0f}", *quality)


def _named(raced: Mapping[str, Raced]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, run) for name, one in raced.items() for run in one.runs]


def best(raced: Mapping[str, Raced]) -> str | None:
    """Who has the greatest median of mean IoU, of those whose runs all started."""
    medians = {
        name: float(np.median([run["mean_iou"] for run in one.runs]))
        for name, one in raced.items()
        if all(run["points"] for run in one.runs)
    }
    return max(medians, key=medians.__getitem__) if medians else None


def by_class(one: Raced, names: Sequence[str]) -> str:
    """IoU of every class."""
    values = list(zip(*(run["iou"] for run in one.runs), strict=True))
    shown = names or [str(number) for number in range(len(values))]
    return tables.markdown(("class", "IoU"), _rows(shown, values))


def _rows(names: Sequence[str], values: Sequence[Any]) -> list[tuple[str, str]]:
    return [(name, spread(of_class)) for name, of_class in zip(names, values, strict=True)]
