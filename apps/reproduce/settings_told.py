"""With which settings a table was made, and which the paper has, as lines below it."""

from __future__ import annotations

from collections.abc import Sequence

from .contestants import CONTESTANTS, FULL, PLAIN, REFERENCE
from .scales import SCALES, Options, Scale
from .target import Asked
from .training import Entry, options_of


def lines(
    asked: Asked, scale: Scale, task: str, entries: Sequence[Entry], paper_data: str | None
) -> tuple[str, ...]:
    """What the rows of a table were trained with, and where that is not the paper's, the paper's.

    Args:
        asked: What the target is asked for.
        scale: How much smaller than the paper's the trainings are.
        task: Name of the task.
        entries: The rows of one table, of one network.
        paper_data: The data set of the paper.
    """
    used = _told([options_of(scale, task, entry) for entry in entries], entries)
    usual = [entry._replace(levels=None) for entry in entries]
    paper = _told([options_of(SCALES["paper"], task, entry) for entry in usual], usual)
    if any(entry.budget for entry in entries):
        paper = "it does not say with which batches"
    same = used == paper
    found = [f"Trained with {used}." if same else f"Trained with {used}; the paper: {paper}."]
    if asked.dataset != paper_data:
        found.append(f"The pictures are of {asked.dataset}, the paper's of {paper_data}.")
    return tuple(found)


def _told(options: Sequence[Options], entries: Sequence[Entry]) -> str:
    """The settings of some entries in words."""
    one = max(options, key=lambda found: len(found["batch_sizes"]))
    sizes = one["batch_sizes"]
    parts = [f"{one.get('image_size', 128)} px", f"batches of {_spaced(sizes)} (finest first)"]
    for row, told in ((REFERENCE, "single-scale"), (PLAIN, "plain")):
        if images := sorted(_images(row, options, entries)):
            ends = images[0] if len(images) == 1 else f"{images[0]} to {images[-1]}"
            parts.append(f"{told} batches of {ends}")
    if any(entry.row == FULL and entry.budget is None for entry in entries):
        parts.append(f"{_spaced(one['iterations'].fitted(len(sizes)))} iterations")
    parts.append(f"rate {one['learning_rate']:g}")
    return ", ".join([*parts, *([f"width {one['width']}"] if "width" in one else [])])


def _spaced(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _images(row: str, options: Sequence[Options], entries: Sequence[Entry]) -> set[int]:
    """How many images steps of single-scale or of plain training have."""
    return {
        found["single_scale_batch"]
        for found, entry in zip(options, entries, strict=True)
        if entry.row == row
        or (row == PLAIN and CONTESTANTS[entry.row].options.get("single_scale_batch") == PLAIN)
    }
