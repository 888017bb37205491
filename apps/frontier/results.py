"""What a frontier came to: tables in Markdown, under lines that say how it was measured."""

from __future__ import annotations

from collections.abc import Mapping

from ..experiment import tables
from ..races.ends import cut_short, spread
from ..races.equal_race import TRIAL_SEED
from . import reading
from .contestants import WHAT_THEY_ARE
from .entries import Entry
from .headline import headline, of_plain
from .settings import FrontierSettings

Entries = Mapping[str, Entry]

UNEQUAL = 1.05  # times as many measured seconds for one budget
DIGITS = ".4g"
METRICS = {"mean_iou": "mean IoU"}


def report(
    options: FrontierSettings,
    title: str,
    loss_name: str,
    entries: Entries,
    names: Mapping[str, str],
) -> str:
    """All of one problem.

    Args:
        options: Of the frontier.
        title: What was learned by which network.
        loss_name: Name of the loss.
        entries: What came of every contestant.
        names: Of all contestants, the name that each takes part under.
    """
    label = tables.loss_label(loss_name)
    parts = [f"**{title}**", headline(options, entries)]
    parts += [f"{label} of held-out data at the end of each budget:", ends(options, entries)]
    for metric, name in METRICS.items():
        if any(metric in run for run in _runs(entries)):
            parts += [f"{name} at the same places:", ends(options, entries, metric)]
    parts += [*unequal(options, entries), *cut_short(_named(entries))]
    parts += [f"How many times as fast as plain training, by {label}:", gains(options, entries)]
    parts += [how_measured(options)]
    rows = [
        (name, WHAT_THEY_ARE[name] if under == name else f"the same as {under} here")
        for name, under in names.items()
    ]
    parts += [tables.markdown(("contestant", "what it is"), rows)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _runs(entries: Entries) -> list[dict]:
    return [run for _, run in _named(entries)]


def _named(entries: Entries) -> list[tuple[str, dict]]:
    return [
        (f"{name}, {budget:g} s", run)
        for name, entry in entries.items()
        for budget, runs in entry.runs.items()
        for run in runs
    ]


def ends(options: FrontierSettings, entries: Entries, metric: str = "loss") -> str:
    """One line per contestant, one column per budget: median (least to most), seconds measured."""
    columns = ("contestant", "rate", *(f"{budget:g} s" for budget in options.budgets), "measured")
    rows = [
        (
            name,
            f"{entry.rate:g}",
            *(_cell(entry, budget, metric) for budget in options.budgets),
            ", ".join(f"{entry.seconds(b):.0f}" for b in sorted(entry.runs) if entry.ends(b)),
        )
        for name, entry in entries.items()
    ]
    return tables.markdown(columns, rows)


def _cell(entry: Entry, budget: float, metric: str) -> str:
    runs, ended = entry.runs.get(budget, []), entry.ends(budget)
    if len(ended) < len(runs):
        started = sum(bool(run["points"]) for run in runs)
        what = "ended with a number" if len(ended) < started else "started"
        return f"{len(ended)} of {len(runs)} {what}"
    return spread([run.get(metric) for run in ended], DIGITS) if runs else ""


def unequal(options: FrontierSettings, entries: Entries) -> list[str]:
    """A line for budgets for which contestants took unequal seconds, as measured."""
    lines = []
    for budget in options.budgets:
        measured = {
            name: entry.seconds(budget) for name, entry in entries.items() if entry.ends(budget)
        }
        if not measured:
            continue
        least, most = (f(measured, key=measured.__getitem__) for f in (min, max))
        if measured[most] > UNEQUAL * measured[least]:
            lines.append(
                f"Seconds are unequal: for {budget:g} s, {least} took {measured[least]:.0f} s and "
                f"{most} {measured[most]:.0f} s. Speed-ups go by measured seconds."
            )
    return lines


def gains(options: FrontierSettings, entries: Entries) -> str:
    """Speed-ups over the plain training that is soonest at each quality; plain's seconds first."""
    plain = of_plain(options, entries)
    losses = reading.qualities(list(plain.values()))
    times = [reading.soonest(plain.values(), loss) for loss in losses]
    titles = [f"{loss:{DIGITS}}" for loss in losses]
    if titles:
        titles[-1] += " (converged)"
    rows = [
        (
            "plain training",
            *(_seconds(plain, when, loss) for when, loss in zip(times, losses, strict=True)),
        )
    ]
    for name, entry in entries.items():
        cells = [_gain(entry, when, loss) for when, loss in zip(times, losses, strict=True)]
        rows.append((name, *cells))
    return tables.markdown(("contestant", *titles), rows)


def _seconds(plain: Mapping[str, reading.Curve], when: reading.Reached | None, loss: float) -> str:
    if when is None:
        return "not reached"
    who = next(name for name, curve in plain.items() if reading.reached(curve, loss) == when)
    return f"{when.seconds:.0f} s ({who})"


def _gain(entry: Entry, plain: reading.Reached | None, loss: float) -> str:
    when = reading.reached(entry.curve, loss)
    if when is None or plain is None:
        return "not reached"
    found = reading.speed_up(plain, when)
    return "-" if found is None else str(found)


def how_measured(options: FrontierSettings) -> str:
    """What was trained for how long, what was chosen on what, and how speed-ups are read."""
    rates, seeds = (
        ", ".join(f"{v:g}" for v in values) for values in (options.rates, options.seeds)
    )
    *short, last = (f"{budget:g} s" for budget in options.budgets)
    budgets = ", ".join(short) or last
    lines = [
        "Every run has a schedule of its own for its budget: the rate decays by a cosine to nearly "
        "0 at its end. Tracing, compiling and measuring gradients count; validation does not.",
        f"All contestants have {budgets} with seed {options.seeds[0]}. {options.default}, the "
        "plain training and the two others with the least loss after these have seeds "
        f"{seeds}{f', and {last} with the first' if short else ''}. Cells are medians (least to "
        "most) over seeds.",
        f"{_chosen(options, rates)} What is held out chose nothing, but that adaptive leaves a "
        "level if the loss on a part of it has not improved for three validations.",
        "All that is held out judges every end, the same for all contestants: of photographs, "
        "fixed crops of the finest mesh's size with as many pixels as they have together.",
        "Times between budgets are read off the least median so far, with the logarithm of "
        "measured seconds linear in the loss, and never beyond the budgets: `at least` is who is "
        "there before the shortest one ends, `at most` where plain training is, `-` where both "
        f"are. Converged is within {100.0 * (reading.CONVERGED - 1.0):.0f} % of the least loss of "
        f"plain training ({', '.join(options.plain)}); at every loss, that of them counts which is "
        "there first.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _chosen(options: FrontierSettings, rates: str) -> str:
    if len(options.rates) == 1:
        return f"All contestants have the rate {rates}."
    return (
        f"Every contestant chose its rate among {rates} by one trial each "
        f"({options.trial_seconds:g} s, seed {TRIAL_SEED}; longer where none could start up) on "
        "four fifths of the training data, judged by the other fifth."
    )
