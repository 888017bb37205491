"""Tables 7 and 8: the settings, as the preset `paper` has them."""

from __future__ import annotations

import pathlib
from typing import Any

from ...experiment import presets
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

NAMES = {"table7_8": "PaperSettings"}

TASKS = ("denoising", "deblurring", "inpainting", "super_resolution")
NETWORKS = {
    "paper_resnet": "denoising",
    "paper_unet": "denoising",
    "paper_sr_resnet": "super_resolution",
    "paper_sr_convnet": "super_resolution",
}
LEFT_OUT = ("preset", "given", "data_dir", "output", "portable", "baseline", "compare", "seed")


def settings(key: Key, given: Given) -> Row:
    """All that `apps.train` is told of a task."""
    from ...experiment import building
    from ...experiment.options import as_dict
    from ...experiment.settings import Settings

    made = presets.make(Settings, "paper", task=key["task"])
    task = building.make_task(made)
    of_task = {name: getattr(task, name) for name in ("t_range", "sigma") if hasattr(task, name)}
    return {"options": {**as_dict(made), **of_task}}


def network(key: Key, given: Given) -> Row:
    """Parameters of a network, as a task makes it."""
    from ...experiment import building
    from ...experiment.settings import Settings

    made = presets.make(Settings, "paper", task=key["task"], network=key["network"])
    return {"parameters": building.make_network(made).count_params()}


class PaperSettings(Target):
    """What differs from the defaults of `apps.train`, or is told by the task."""

    title = "Tables 7 and 8, settings"
    makes = "the settings of all tasks, as the preset `paper` has them"
    costs = Costs("10 s", "10 s")

    def cells(self, asked: Asked) -> list[Cell]:
        """A cell a task, whose key holds the preset's values; a cell a network."""
        tasks = [Cell(_name(task), settings, _key(task)) for task in TASKS]
        return tasks + [Cell(_name(name), network, _key(NETWORKS[name], name)) for name in NETWORKS]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """Settings by task, and parameters by network."""
        options = {task: rows[_name(task)]["options"] for task in TASKS}
        lines = [(name, *(_shown(of[name]) for of in options.values())) for name in _told(options)]
        sizes = [
            (name, task, f"{rows[_name(name)]['parameters']:,}") for name, task in NETWORKS.items()
        ]
        return [
            Table("Settings", ("", *TASKS), lines),
            Table("Networks", ("network", "a task of it", "parameters"), sizes),
        ]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """The learning rate over a run, by task."""
        import numpy as np

        from ...experiment import plots

        figure, ((axes,),) = plots.panels(1, 1, (6.0, 3.5))
        done = np.linspace(0.0, 1.0, 101)
        for task in TASKS:
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


def _key(task: str, network: str = "") -> dict[str, Any]:
    return {"task": task, "network": network, "preset": presets.values("paper", task, network)}


def _told(options: dict[str, Any]) -> list[str]:
    """Names of what the preset decides for some task, or a task tells."""
    decided = {name for part in presets.PRESETS["paper"].values() for name in part}
    names = dict.fromkeys(name for of in options.values() for name in of)
    extra = {"optimizer", "image_size", "t_range", "sigma"}
    return [name for name in names if name in decided | extra and name not in LEFT_OUT]


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
