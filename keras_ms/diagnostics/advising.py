"""From the figures of a report to coarse problems compared, commands, and what is printed."""

from __future__ import annotations

from typing import Any

from keras_ms.diagnostics.advised_command import Advice, advised
from keras_ms.diagnostics.coarse_problem import CoarseProblem, plain
from keras_ms.diagnostics.coarse_report import CoarseReport

LevelReport = Any  # what `report` defines, which imports this module


def compared(report: LevelReport) -> CoarseReport:
    """Coarse problems compared: all that were measured, or the only one with doing without."""
    if report.coarse is not None:
        return report.coarse
    problems = tuple(_problem(report, level) for level in range(1, report.num_levels))
    finest = plain(report.squared_norm[0], report.variance[0])
    return CoarseReport(report.mesh_sizes, problems, finest, report.batch_size)


def _problem(report: LevelReport, level: int) -> CoarseProblem:
    return CoarseProblem(
        level,
        _word(report, level),
        report.squared_cosine[level],
        report.squared_cosine_error[level],
        report.squared_norm[level],
        report.variance[level],
        report.work_units[level],
    )


def _word(report: LevelReport, level: int) -> str:
    found = report.coarsening
    return found if isinstance(found, str) else found[level]


def commands(report: LevelReport) -> tuple[Advice, ...]:
    """Ways to train that the figures speak for, the advised one first."""
    found = compared(report)
    return advised(
        found.levels,
        found.coarsening,
        report.batch_sizes,
        report.control_weights,
        report.batch_size,
        report.unit,
        _word(report, 0),
        image_size=report.mesh_sizes[0],
        axes=_axes(report),
        of_pairs=report.of_pairs,
    )


def _axes(report: LevelReport) -> tuple[int, ...] | None:
    """Axes that are halved, if not all are."""
    if report.num_levels == 1:
        return None
    pairs = list(zip(*report.mesh_sizes[:2], strict=True))
    halved = tuple(axis for axis, (fine, coarse) in enumerate(pairs) if coarse < fine)
    return None if len(halved) == len(pairs) else halved


def told(report: LevelReport, details: bool, command: str) -> str:
    """Tables, advice, and commands to paste.

    Args:
        report: The report.
        details: Whether all that was measured is shown, and every program.
        command: What flags are for, such as `python -m apps.train --task=deblurring`.
    """
    chunks = f"\nThe loss is taken in chunks of {report.chunk} samples, also of a plain batch."
    first, *others = commands(report)
    more = "".join(f"\n{other.told(command, details)}" for other in others)
    return (
        f"{report.table(details)}\nSums: {report.advice}{chunks if report.chunk > 1 else ''}\n"
        f"\n{first.told(command)}{more}"
    )
