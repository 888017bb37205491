"""Tables: on the terminal, in Markdown, and those of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .option_names import SSIMS
from .printable import printable, units_text

if TYPE_CHECKING:
    from .outcome import Outcome
    from .quality import Quality

MIN_WIDTH = 100  # columns, where the output is not a terminal
METRICS = {"ssim": "SSIM", "authors_ssim": "authors' SSIM", "mean_iou": "mean IoU"}

Rows = Sequence[Sequence[str]]


def show(title: str, columns: Sequence[str], rows: Rows) -> None:
    """Prints a table: the first column to the left, all others to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def plain(cell: str) -> Text:  # names may hold what rich would take for markup
        return Text(printable(cell))

    table = Table(title=Text(printable(title), style="table.title"), box=box.SIMPLE)
    for index, name in enumerate(columns):
        table.add_column(plain(name), justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(plain, row))
    console = Console()
    console.width = max(console.width, MIN_WIDTH)
    console.print(table)


def markdown(columns: Sequence[str], rows: Rows) -> str:
    """A table in Markdown, with a line break at its end."""
    lines = [[_in_markdown(cell) for cell in line] for line in (columns, *rows)]
    text = [f"| {' | '.join(line)} |" for line in lines]
    text.insert(1, "|" + "---|" * len(columns))
    return "\n".join(text) + "\n"


def _in_markdown(cell: str) -> str:
    return printable(cell).replace("|", "\\|")


def print_costs(
    outcomes: Sequence[Outcome], loss: str, what: str = "photographs", of: str = "normalised images"
) -> None:
    """Prints one row per strategy: cost, loss, and when it reached the last one's final loss.

    Args:
        outcomes: What was trained.
        loss: Name of the loss.
        what: What was held out.
        of: What the loss is of.
    """
    goal, label = outcomes[-1].curve.final.loss, loss_label(loss)
    columns = ["strategy", "batch", "steps", "seconds", "WU", label, f"best {label}"]
    if len(outcomes) > 1:
        columns.append(f"{label} {goal:.4f} after")
    rows = [_cost_row(outcome) for outcome in outcomes]
    if len(outcomes) > 1:
        rows = [[*row, _reached(one, goal)] for row, one in zip(rows, outcomes, strict=True)]
    show(f"Held-out {what}, {label} of {of}", columns, rows)


def _cost_row(outcome: Outcome) -> list[str]:
    final = outcome.curve.final
    return [
        outcome.label,
        ",".join(str(size) for size in outcome.batch_sizes),
        f"{int(outcome.model.optimizer.iterations):,}",
        f"{final.seconds:.0f}",
        units_text(final.work_units),
        f"{final.loss:.4f}",
        f"{outcome.curve.best.loss:.4f}",
    ]


def print_metrics(outcomes: Sequence[Outcome], what: str = "photographs") -> None:
    """Prints the last and the best value of what was measured beside the loss, if there is any.

    Args:
        outcomes: What was trained.
        what: What was held out.
    """
    ends = {outcome.label: outcome.curve.ends() for outcome in outcomes}
    names = [name for name in next(iter(ends.values())) if name != "loss"]
    if not names:
        return
    shown = [METRICS.get(name, name) for name in names]
    columns = ["strategy", *(text for name in shown for text in (name, f"best {name}"))]
    rows = [
        [label, *(f"{value:.4f}" for name in names for value in of_run[name])]
        for label, of_run in ends.items()
    ]
    show(f"Held-out {what}, validations", columns, rows)


def _reached(outcome: Outcome, goal: float) -> str:
    point = outcome.curve.first_reaching(goal)
    return f"{point.seconds:.0f} s, {point.work_units:,.0f} WU" if point else "-"


def print_quality(reached: Mapping[str, Quality], labels: Mapping[str, str]) -> None:
    """Prints PSNR, SSIM and the error of the mean colour, one row per way of restoring.

    Args:
        reached: By the name of the way.
        labels: What to call some of them.
    """
    shown = {"degraded": "nothing (degraded)", **labels}
    rows = [
        [
            shown.get(name, name),
            f"{values.psnr:.2f} dB",
            f"{values.ssim:.4f}",
            f"{values.colour:.1f}",
        ]
        for name, values in reached.items()
    ]
    columns = ["restored by", "PSNR", "SSIM", "colour off by (of 255)"]
    show("Held-out photographs, means", columns, rows)


def print_restored(compared: Mapping[str, tuple[Quality, Quality]]) -> None:
    """Prints one row per file: PSNR and SSIM of the input and of what was restored."""
    columns = ["file", "PSNR before", "restored", "SSIM before", "restored"]
    both = {name: np.array(pair) for name, pair in compared.items()}
    both["mean"] = np.mean(list(both.values()), axis=0)
    rows = [
        [name, *(f"{psnr:.2f} dB" for psnr in pair[:, 0]), *(f"{ssim:.4f}" for ssim in pair[:, 1])]
        for name, pair in both.items()
    ]
    show("Against the clean pictures", columns, rows)


def loss_label(loss: str) -> str:
    """What tables and plots call a loss."""
    shown = {"crossentropy": "cross-entropy", **{name: f"-{METRICS[name]}" for name in SSIMS}}
    return shown.get(loss, loss.upper())
