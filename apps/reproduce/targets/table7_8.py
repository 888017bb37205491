"""Tables 7 and 8: the settings, as the preset `paper` has them."""

from __future__ import annotations

import pathlib
from typing import Any

from ...experiment import presets
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

NAMES = {"table7_8": "PaperSettings"}

# Tasks and the networks that the paper trains on them.
COLUMNS = {
    "denoising": ("paper_resnet", "paper_unet"),
    "deblurring": ("paper_resnet", "paper_unet"),
    "inpainting": ("paper_resnet", "paper_unet"),
    "super_resolution": ("paper_sr_resnet", "paper_sr_convnet"),
}
LEFT_OUT = ("preset", "given", "data_dir", "output", "portable", "baseline", "compare", "seed")


def settings(key: Key, given: Given) -> Row:
    """All that `apps.train` is told of a task, and the parameters of its networks."""
    from ...experiment import building
    from ...experiment.options import as_dict
    from ...experiment.settings import Settings

    made = presets.make(Settings, "paper", task=key["task"])
    task = building.make_task(made)
    of_task = {name: getattr(task, name) for name in ("t_range", "sigma") if hasattr(task, name)}
    sizes = {
        name: building.make_network(
            presets.make(Settings, "paper", task=key["task"], network=name)
        ).count_params()
        for name in key["networks"]
    }
    return {"options": {**as_dict(made), **of_task}, "parameters": sizes}


class PaperSettings(Target):
    """What differs from the defaults of `apps.train`, or is told by the task."""

    title = "Tables 7 and 8, settings"
    makes = "the settings of all tasks, as the preset `paper` has them"
    costs = Costs("10 s", "10 s")

    def cells(self, asked: Asked) -> list[Cell]:
        """A cell a task; its key holds the preset's values, so that a change of these shows."""
        return [Cell(_name(task), settings, _key(task)) for task in COLUMNS]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """Settings by task, and parameters by network."""
        options = {task: rows[_name(task)]["options"] for task in COLUMNS}
        lines = [(name, *(_shown(of[name]) for of in options.values())) for name in _told(options)]
        sizes = [
            (network, task, f"{count:,}")
            for task in COLUMNS
            for network, count in rows[_name(task)]["parameters"].items()
        ]
        return [
            Table("Settings", ("", *COLUMNS), lines),
            Table("Networks", ("network", "task", "parameters"), sizes),
        ]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """The learning rate over a run, by task."""
        import numpy as np

        from ...experiment import plots

        figure, ((axes,),) = plots.panels(1, 1, (6.0, 3.5))
        done = np.linspace(0.0, 1.0, 101)
        for task in COLUMNS:
            axes.plot(done, _rates(rows[_name(task)]["options"], done), label=task)
        axes.set(xlabel="share of the iterations", ylabel="learning rate", yscale="log")
        axes.legend()
        plots.save(figure, path)


def _rates(options: Any, done: Any) -> Any:
    import numpy as np

    first, last = options["learning_rate"], options["final_learning_rate"]
    if options["decay"] == "constant":
        return np.full_like(done, first)
    return last + (first - last) * (1.0 + np.cos(np.pi * done)) / 2.0


def _name(task: str) -> str:
    return f"settings/{task}"


def _key(task: str) -> dict[str, Any]:
    return {
        "task": task,
        "networks": COLUMNS[task],
        "preset": presets.values("paper", task, COLUMNS[task][0]),
    }


def _told(options: dict[str, Any]) -> list[str]:
    """Names of what the preset decides for some task, or a task tells."""
    decided = {name for part in presets.PRESETS["paper"].values() for name in part}
    names = dict.fromkeys(name for of in options.values() for name in of)
    extra = {"optimizer", "image_size", "t_range", "sigma"}
    return [name for name in names if name in decided | extra and name not in LEFT_OUT]


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
