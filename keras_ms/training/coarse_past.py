"""What `fit` does about moving statistics of a coarser mesh: it remembers them, and says so.

A model may be trained on coarse meshes by one `fit` and on the finest by the next. So how long ago
that was is kept with the model.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_ms.gradients.moving_statistics import REMEMBERED, coarse_share, keeping_statistics
from keras_ms.training.statistics import STEPS, refresh_statistics

Logs = dict[str, Any] | None


class CoarsePast(keras.callbacks.Callback):
    """Counts the model's fine steps since coarse ones, and refreshes when training ends if few.

    Put it last, and its `look` first: callbacks between may put back weights and statistics of an
    earlier epoch, as `EarlyStopping` does.

    Args:
        run: The run of the `fit`.
        refresh: Whether to refresh, or say what the statistics are of.
        verbose: Whether to print a line.
    """

    def __init__(self, run: Any, refresh: bool, verbose: bool) -> None:
        super().__init__()
        self._run, self._refresh, self._verbose = run, refresh, verbose
        self._level: int | None = None
        self._seen: list[np.ndarray] = []
        self._back = False
        self.look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self._look())

    def on_train_begin(self, logs: Logs = None) -> None:
        """Notes where a run goes on, of which nothing is left but its end."""
        epoch, _ = self._run.position
        # Else `on_epoch_begin` does so, when stages are known.
        if 0 < epoch == self._run.course.epochs:
            self._recall(epoch)
            self._level = self._run.stage(epoch - 1).finest
            self._look()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes a coarse stage; and, of a run that goes on, those before."""
        if self._level is None:
            self._recall(epoch)
        self._level = self._run.stage(epoch).finest
        if self._level:
            self._count(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Counts fine steps."""
        if not self._level:
            self._count(epoch)
        self._notice_what_is_back()

    def on_train_end(self, logs: Logs = None) -> None:
        """Refreshes if the moving statistics still remember a coarser mesh."""
        self._notice_what_is_back()
        layers, fine = keeping_statistics(self.model), self.model.steps_since_coarse
        if self._level is None or fine is None or not layers or not self._refresh:
            return
        if self._level:
            self._say(self._of_coarse(len(layers)))
        elif self._back:
            self._say_refreshed("weights of an earlier epoch were put back")
        elif coarse_share(self.model) >= REMEMBERED:
            self._say_refreshed(f"{fine} steps on it are few for their moving means")

    def _recall(self, epochs: int) -> None:
        if self.model.steps_since_coarse is None:
            for before in range(epochs):
                self._count(before)

    def _count(self, epoch: int) -> None:
        if self._run.stage(epoch).finest:
            self.model.steps_since_coarse = 0
        elif self.model.steps_since_coarse is not None:
            self.model.steps_since_coarse += self._run.dataset.steps_per_epoch

    def _statistics(self) -> list[np.ndarray]:
        layers = keeping_statistics(self.model)
        return [np.array(v.numpy()) for x in layers for v in (x.moving_mean, x.moving_variance)]

    def _look(self) -> None:
        known = self.model.steps_since_coarse is not None
        self._seen, self._back = self._statistics() if known else [], False

    def _notice_what_is_back(self) -> None:
        """Statistics that a callback has changed may be of any earlier epoch."""
        pairs = zip(self._seen, self._statistics() if self._seen else [], strict=False)
        if not all(np.array_equal(one, other, equal_nan=True) for one, other in pairs):
            self._look()
            self._back = True
        if self._back and self.model.steps_since_coarse is not None:
            self.model.steps_since_coarse = 0

    def _of_coarse(self, count: int) -> str:
        mesh = "x".join(map(str, self._run.dataset.mesh_sizes[self._level]))
        return (
            f"The run ends on level {self._level} ({mesh} px), and {count} BatchNormalization "
            "layers have statistics of that mesh. keras_ms.refresh_statistics(model, dataset) "
            "estimates those of level 0."
        )

    def _say_refreshed(self, why: str) -> None:
        count = refresh_statistics(self.model, self._run.dataset, STEPS)
        if count:
            self._say(
                f"Statistics of {count} BatchNormalization layers estimated anew on {STEPS} "
                f"batches of level 0: {why}. (keras_ms.RefreshStatistics does so before every "
                "validation.)"
            )

    def _say(self, line: str) -> None:
        if self._verbose:
            print(line)
