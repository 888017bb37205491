"""Batches as a `train_step` of one's own gets them: a plain step can be unpacked as a pair.

A `MultiscaleBatch` is a named tuple of three fields. So `x, y, sample_weight = data`, as the Keras
guide has it, would take fields for a pair and train on nonsense. Here a step that is a plain pair
unpacks as that pair, and any other step says what to do instead.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_ms.data import MultiscaleBatch
from keras_ms.keras_internals.fitting import first_epoch
from keras_ms.keras_internals.graphs import spec_of_call
from keras_ms.levels import Stage

# They go through all tensors of a structure, and want the fields.
_STRUCTURES = ("tensorflow.", "keras.src.tree", "optree")

_MOST_EPOCHS = 100_000
"""Of which the stages are looked at."""


class NoPairError(ValueError):
    """A step that is a telescoping sum was taken apart as a pair."""


class StepBatch(MultiscaleBatch):
    """A `MultiscaleBatch` for the `train_step` of a subclass.

    Fields and properties are those of `MultiscaleBatch`. Where one level alone is active, it can
    also be taken apart as `(x, y)` or `(x, y, sample_weight)`.
    """

    owner = "the model"

    def __iter__(self) -> Iterator[Any]:
        return tuple.__iter__(self) if _in_structures() else iter(self._pair())

    def __getitem__(self, index: Any) -> Any:
        return tuple.__getitem__(self, index) if _in_structures() else self._pair()[index]

    def __len__(self) -> int:
        return tuple.__len__(self) if _in_structures() else len(self._pair())

    def __bool__(self) -> bool:
        return True

    def _replace(self, **fields: Any) -> MultiscaleBatch:  # type: ignore[override]
        return MultiscaleBatch(self.fine, self.coarse, self.weights, self.fresh)._replace(**fields)

    def _asdict(self) -> dict[str, Any]:
        return MultiscaleBatch(self.fine, self.coarse, self.weights, self.fresh)._asdict()

    def _pair(self) -> tuple[Any, ...]:
        if len(self.active_levels) == 1:
            return tuple(self.fine[self.finest])
        raise NoPairError(
            f"`{self.owner}.train_step` takes its data apart as (x, y), but this step is a "
            "telescoping sum of levels, not one pair. Received: a MultiscaleBatch of levels "
            f"{self.active_levels}. Override `compute_loss` in place of `train_step`, or call "
            "`super().train_step(data)`, or take the pairs from `data.fine[level]` and "
            "`data.coarse[level]` (see keras_ms.MultiscaleBatch). Or train on plain pairs alone, "
            "with MultiscaleDataset(..., telescoping=False)."
        )


def unpackable(step: Callable[[Any], Any], owner: str) -> Callable[[Any], Any]:
    """A `train_step` whose batches are `StepBatch`es.

    Args:
        step: What takes the data of a step.
        owner: Name of the class that it belongs to, for the error.
    """
    own = type("StepBatch", (StepBatch,), {"owner": owner})

    def given(data: Any) -> Any:
        if isinstance(data, MultiscaleBatch) and not isinstance(data, StepBatch):
            data = own(data.fine, data.coarse, data.weights, data.fresh)
        return step(data)

    return given


class StepOnSums(keras.callbacks.Callback):
    """Tries, when training starts, whether an own step takes sums that come later.

    The step is traced on symbols: nothing is computed, and no variable changes. What else a trace
    raises is left to the step itself.

    Args:
        run: The run of the `fit`.
        epochs: First epoch and end, as `fit` was given them.
        rehearses: Whether the finest stage is rehearsed, which tells as well.
    """

    def __init__(self, run: Any, epochs: tuple[int, int], rehearses: bool) -> None:
        super().__init__()
        self._run, self._epochs, self._rehearses = run, epochs, rehearses

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Raises what the step would raise at its first sum."""
        start, end = self._epochs
        epochs = range(first_epoch(self.model, start), end)
        finest = self._run.finest_ahead(epochs) if self._rehearses else None
        if self._run.built and not (finest and len(finest.batch_sizes) > 1):
            stage = self._first_sum(epochs[:_MOST_EPOCHS])
            if stage is not None:
                self._try(stage)

    def _first_sum(self, epochs: range) -> Stage | None:
        """The first stage of sums behind plain steps."""
        with contextlib.suppress(Exception):  # of a schedule that cannot say yet
            for epoch in epochs:
                stage: Stage = self._run.stage(epoch)
                if len(stage.batch_sizes) > 1:
                    return stage if epoch > epochs[0] else None
        return None

    def _try(self, stage: Stage) -> None:
        finest, sizes, weights, refresh = stage
        stream = self._run.dataset.stage(finest, 0, sizes, weights, refresh=refresh)
        symbols = keras.tree.map_structure(
            lambda spec: keras.KerasTensor(tuple(spec.shape), spec.dtype), stream.element_spec
        )
        step = unpackable(self.model.train_step, type(self.model).__name__)
        try:
            spec_of_call(step, symbols)
        except NoPairError:
            raise
        except Exception:  # whatever an own step raises on symbols
            return


def _in_structures() -> bool:
    """Whether the method that asks was called by a library that maps over structures."""
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return caller.startswith(_STRUCTURES)
