"""What a diagnosis comes to: flags and Python to paste, of the advised way to train."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_ms.diagnostics.rule import plain_batch

SHARE = 4
"""Coarse to fine starts with the plain batch over this: in all races so far small batches won."""
FINEST_STEPS = 250
"""Of level 0 in a plan, twice as many on each coarser level (the paper's). With a budget only the
proportions count."""
EPOCHS = 40
STEPS = 50
SECONDS = 180

_FIT = "model.fit(dataset, epochs={epochs}{callbacks})"
_STAGED = "schedule = keras_ms.FullMultiscaleSchedule({iterations}, steps_per_epoch={steps})\n"
_SCHEDULES = {
    "adaptive": (
        "rate = keras.optimizers.schedules.CosineDecay(float(model.optimizer.learning_rate), 1.0)\n"
        f"schedule = keras_ms.AdaptiveSchedule(seconds={SECONDS}, learning_rate=rate)\n"
    ),
    "progressive": _STAGED,
    "full_multiscale": _STAGED,
}
"""By strategy; others are a plain `fit`."""


class Advice(NamedTuple):
    """A way to train, as `apps.train` and `MultiscaleDataset` are told it.

    Attributes:
        strategy: Name of a strategy of the applications.
        why: In a sentence.
        batch_sizes: Finest first.
        coarsening: One word, or one for every level.
        control_weights: One per pair of levels; empty if all are 1, or there is no sum.
        iterations: Steps of every stage, finest first; empty if there are no stages.
        image_size: Sides of the finest mesh.
        axes: Axes that are halved from level to level; `None` for all.
        of_pairs: Whether examples are the user's own, without a task.
    """

    strategy: str
    why: str
    batch_sizes: tuple[int, ...]
    coarsening: str | tuple[str, ...]
    control_weights: tuple[float, ...] = ()
    iterations: tuple[int, ...] = ()
    image_size: tuple[int, ...] = ()
    axes: tuple[int, ...] | None = None
    of_pairs: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Options of `apps.train` by name."""
        found: dict[str, Any] = {"strategy": self.strategy}
        if isinstance(self._side, int):
            found["image_size"] = self._side
        if len(self.batch_sizes) == 1:
            return {**found, "single_scale_batch": self.batch_sizes[0]}
        found |= {"coarsening": self.coarsening, "batch_sizes": self.batch_sizes}
        if self.iterations:
            found["iterations"] = self.iterations
        if self.control_weights:
            found["control_weights"] = self.control_weights
        return found

    @property
    def flags(self) -> str:
        """Flags of `apps.train`."""
        return flags_of(self.options)

    @property
    def python(self) -> str:
        """A program of `keras` and `keras_ms`, for a `model` that is built and compiled.

        `images` and `task`, or `pairs`, are what the diagnosed dataset was made of.
        """
        schedule = _SCHEDULES.get(self.strategy, "")
        epochs, callbacks = (
            ("schedule.epochs", ", callbacks=[schedule]") if schedule else (EPOCHS, "")
        )
        lines = (
            "model = keras_ms.MultiscaleModel.from_model(model)\n"
            "dataset = keras_ms.MultiscaleDataset(\n"
            f"    {'pairs' if self.of_pairs else 'images, task'},\n{self._arguments()}"
            ")  # and what else your dataset was told\n"
            + schedule.format(iterations=self.iterations, steps=STEPS)
        )
        return lines + _FIT.format(epochs=epochs, callbacks=callbacks)

    def _arguments(self) -> str:
        levels = repr(self.batch_sizes)
        if self.axes is not None:
            levels = f"keras_ms.Levels({levels}, spatial_axes={self.axes})"
        found: dict[str, Any] = {"image_size": self._side, "steps_per_epoch": STEPS}
        if len(self.batch_sizes) > 1:
            found["coarsening"] = self.coarsening
        if self.control_weights:
            found["control_weights"] = self.control_weights
        if self.strategy == "progressive":
            found["telescoping"] = False
        told = {"levels": levels, **{name: repr(value) for name, value in found.items()}}
        return "".join(f"    {name}={value},\n" for name, value in told.items())

    @property
    def _side(self) -> int | tuple[int, ...]:
        """One integer for squares, the usual images."""
        square = len(self.image_size) == 2 and len(set(self.image_size)) == 1
        return self.image_size[0] if square else self.image_size

    def told(self, command: str = "", python: bool = True) -> str:
        """Why, the flags and the program.

        Args:
            command: What the flags are for, such as `python -m apps.train --task=deblurring`.
            python: Whether the program is shown.
        """
        program = "".join(f"\n    {line}" for line in self.python.splitlines())
        typed = f"{command} {self.flags}".strip()
        return f"{self.why}\n    {typed}" + (f"\nor in Python:{program}" if python else "")

    def __str__(self) -> str:
        return self.told()


def flags_of(options: Mapping[str, Any]) -> str:
    """Options as they are typed.

    Example:
        >>> flags_of({"strategy": "adaptive", "batch_sizes": (4, 8), "flip": False})
        '--strategy=adaptive --batch_sizes=4,8 --noflip'
    """
    return " ".join(_flag(name, value) for name, value in options.items())


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    if isinstance(value, tuple):
        value = ",".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in value)
    return f"--{name}={shlex.quote(str(value))}"


def advised(
    serving: Sequence[int],
    coarsening: str | tuple[str, ...],
    sum_sizes: tuple[int, ...],
    sum_weights: tuple[float, ...],
    batch_size: int,
    unit: int = 1,
    of_sums: str = "task",
    **common: Any,
) -> tuple[Advice, ...]:
    """The ways to train that figures speak for, the advised one first.

    Coarse to fine where coarse levels serve, by plain batches: in the races so far telescoping sums
    lowered the variance of the steps, and not the time to a quality. The sum comes second where it
    is clearly cheaper at equal variance, and first where no coarse level serves by itself.

    Args:
        serving: Levels that are worth training on, finest first; 0 is one.
        coarsening: What serves them: one word, or one for every level.
        sum_sizes: Batch sizes of the advised sum; a single one if no sum is advised.
        sum_weights: Its control weights.
        batch_size: Of plain training on the finest mesh.
        unit: What batch sizes are multiples of.
        of_sums: The coarsening that the sum was measured with.
        **common: `image_size`, `axes` and `of_pairs` of `Advice`.
    """
    found = []
    weights = tuple(round(w, 3) for w in sum_weights) if set(sum_weights) - {1.0} else ()
    if coarsest := max(serving):
        found.append(_coarse_to_fine(serving, coarsening, batch_size, unit, **common))
    if len(sum_sizes) > 1:
        staged = coarsest > 0
        found.append(
            Advice(
                "full_multiscale" if staged else "multiscale",
                "The telescoping sum is clearly cheaper than a plain batch at equal variance:",
                sum_sizes,
                of_sums,
                weights,
                _steps(range(len(sum_sizes))) if staged else (),
                **common,
            )
        )
    if not found:
        why = "Plain training on the finest mesh: no coarse level pays."
        found.append(
            Advice("single_scale", why, (plain_batch(batch_size, unit),), "task", **common)
        )
    return tuple(found)


def _coarse_to_fine(
    serving: Sequence[int], coarsening: Any, batch_size: int, unit: int, **common: Any
) -> Advice:
    depth = max(serving) + 1
    first = plain_batch(max(1, batch_size // SHARE), unit)
    gapless = list(serving) == list(range(depth))
    skipped = ", ".join(str(level) for level in range(depth) if level not in serving)
    return Advice(
        "adaptive" if gapless else "progressive",
        f"Train coarse to fine by plain batches{f', without level {skipped}' if skipped else ''}:",
        tuple(first * 2**level for level in range(depth)),
        _of_levels(coarsening, serving),
        iterations=_steps(serving),
        **common,
    )


def _steps(levels: Sequence[int]) -> tuple[int, ...]:
    counts = [0] * (max(levels) + 1)
    for level in levels:
        counts[level] = FINEST_STEPS * 2**level
    return tuple(counts)


def _of_levels(coarsening: str | tuple[str, ...], levels: Sequence[int]) -> str | tuple[str, ...]:
    """The coarsening of plain batches of some levels, in one word if it can; level 0 has none."""
    if isinstance(coarsening, str):
        return coarsening
    used = {coarsening[level] for level in levels if level}
    return used.pop() if len(used) == 1 else coarsening[: max(levels) + 1]
