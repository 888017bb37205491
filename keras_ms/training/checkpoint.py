"""Checkpoint: a `fit` that was killed goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import keras

from keras_ms.keras_internals.fitting import begin_at_epoch
from keras_ms.training import run_state
from keras_ms.training.changes import changes, plain, traits_of
from keras_ms.training.moments_to_save import JointMoments, Moments, moments_of
from keras_ms.training.snapshots import Snapshot, Snapshots, found_by_chief, where
from keras_ms.validation import is_number, known, path_of, positive_integer, shown

Logs = dict[str, Any] | None
RESUME = ("auto", "never", "must")


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole state of a `fit` every so often, and goes on from it.

    The same script, started again, ends with the weights that it would have ended with had it not
    been killed, bit for bit. A checkpoint holds all variables (weights, optimizer with its count of
    steps and rate, metrics, seeds of Dropout and of losses of your own), stage, epoch and step
    within it, from which the next batches follow, the history, and what callbacks remember:
    `AdaptiveSchedule`, `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint`, `SwapEMAWeights`,
    `CSVLogger`, and all with the methods `get_state` and `set_state`,
    which return and take numbers, texts, lists, arrays, and dictionaries with texts as keys.

    Each is one file, written aside and then renamed, with checksums. The last ones stay: if the
    newest is damaged, the one before it is taken. One that cannot be written, as on a full disk,
    costs a warning and no training; so do weights that are not finite. Wherever it is among the
    callbacks, `MultiscaleModel.fit` calls it after all others. In the `fit` of other data than a
    `MultiscaleDataset` it saves at ends of epochs only, and the data must come in the same order
    again. Of several hosts, each with the callback, the chief reads and writes; all go on alike.

    Args:
        directory: Folder of the checkpoints of this one run; made if need be.
        every_seconds: Seconds between two. It also saves at ends of stages and of the run. 0 saves
            after every step. Defaults to 30.
        keep: How many stay. Defaults to 2.
        resume: `"auto"` (default) goes on if there is a checkpoint, `"must"` refuses to start
            without one, `"never"` removes them and starts anew.
        configuration: What else must be as it was for a run to go on, by name; data, levels,
            meshes, optimizer and `FullMultiscaleSchedule` are compared in any case.
        free: Names of what may have changed, as errors call them: "optimizer.learning_rate".
        verbose: Whether to print where it goes on (never if `fit(verbose=0)`).

    Attributes:
        resumed: The `Snapshot` that the present `fit` went on from, or `None`.

    Raises:
        ValueError: If an argument is out of range; when training starts, if the run is another one,
            naming what changed, if no checkpoint is sound, if there is none and there must be, or
            if nothing can be written to the folder.

    Example:
        >>> network = keras_ms.networks.ResNet(width=8)
        >>> model = keras_ms.MultiscaleModel(network.input, network.output)
        >>> model.compile("adam", "mse")
        >>> checkpoint = keras_ms.callbacks.Checkpoint("run1", every_seconds=60)
        >>> model.fit(dataset, epochs=9, callbacks=[checkpoint])  # doctest: +SKIP
    """

    several_steps_safe = True
    comes_last = True  # for `fit`: what other callbacks do after a step belongs to the step

    def __init__(
        self,
        directory: str | os.PathLike[str],
        every_seconds: float = 30.0,
        keep: int = 2,
        resume: str = "auto",
        configuration: Mapping[str, Any] | None = None,
        free: Collection[str] = (),
        verbose: bool = True,
    ) -> None:
        super().__init__()
        _check(every_seconds, configuration, free)
        self._resume = known(resume, RESUME, "resume", "way to resume")
        self._every, self._verbose = float(every_seconds), verbose
        self._snapshots = Snapshots(path_of(directory, "directory"), positive_integer(keep, "keep"))
        self._configuration, self._free = dict(configuration or {}), frozenset(free)
        self._beside: list[Any] = []
        self._stop: BaseException | None = None
        self._moments = Moments(self._every)
        self.resumed: Snapshot | None = None

    def beside(self, callbacks: list[Any]) -> None:
        """Says which callbacks' states belong to the run; `MultiscaleModel.fit` does so."""
        self._beside = [one for one in callbacks if one is not self]

    def save_and_stop(self, error: BaseException) -> None:
        """Has the `fit` save as soon as it can, after a step, and then raise an error.

        If one of several hosts is asked to, all of them stop after the same step.
        """
        self._stop = error

    def asked_by(self, host: int, number: int) -> BaseException:
        """What the `fit` of this host raises when another one is asked to stop.

        Args:
            host: The other host.
            number: The attribute `number` of the error there; -1 if it has none.
        """
        return InterruptedError(f"Host {host} was asked to stop. All have, the chief has saved.")

    def on_train_begin(self, logs: Logs = None) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        self._run: Any = getattr(self.model, "fit_run", None)
        self._moments = moments_of(self.model, self._every, self.asked_by)
        traits = traits_of(self.model, self._run, self._beside)
        self._traits = plain({**self._configuration, **traits})
        self._saved: tuple[int, int] | None = None
        self._history: dict[str, Any] | None = None
        joint = isinstance(self._moments, JointMoments)
        self.resumed = found = self._found_by_chief() if joint else self._found()
        if found is not None:
            self._go_on(found)
        elif self._resume == "must":
            raise ValueError(
                "There is no checkpoint to go on from. Received: "
                f"directory={str(self._snapshots.folder)!r}, resume='must'. Use resume='auto'."
            )
        self._resume = "auto"  # should this callback train on
        self._moments.saved()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Gives the history back, and saves what a new stage starts from."""
        self._give_history_back()
        run = self._run
        if run is not None and epoch > 0 and run.stage(epoch) != run.stage(epoch - 1):
            self._moments.begin_stage()
            self._save(epoch, run.first_step(epoch))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Saves if it is time."""
        if self._run is None:
            return
        self._moments.count()
        epoch, step = self._run.position
        # After the last step of an epoch its end is still to come: validation, other callbacks.
        if step >= self._run.dataset.steps_per_epoch or self.model.stop_training:
            return
        if self._moments.come(self._stop):
            self._save(epoch, step)
            self._stop_if_told()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves if it is time, or if this was the last one."""
        ends = bool(self.model.stop_training)
        last = ends or epoch + 1 == (self.params or {}).get("epochs")
        if self._moments.come(self._stop, last) or last:
            self._save(epoch + 1, 0, (epoch, dict(logs or {})), ends)
        self._stop_if_told()

    def on_train_end(self, logs: Logs = None) -> None:
        """Gives the history back to a run that had nothing left to do."""
        self._give_history_back()
        begin_at_epoch(self.model, None)  # else the next `fit` would begin there as well

    @property
    def _is_chief(self) -> bool:
        return self._run is None or self._run.place.is_chief

    def _found_by_chief(self) -> Snapshot | None:
        strategy = self.model.distribute_strategy
        return found_by_chief(strategy, self._found, self._snapshots.folder)

    def _found(self) -> Snapshot | None:
        self._snapshots.probe()
        if self._resume == "never":
            self._snapshots.clear()
        found = self._snapshots.newest()
        if found is not None:
            self._check_same(found)
        return found

    def _check_same(self, found: Snapshot) -> None:
        changed = changes(found.content["traits"], self._traits, self._free)
        if changed:
            raise ValueError(
                "The checkpoint is of another run. Received: "
                f"{'; '.join(changed)}. Use what it had, another folder, or resume='never'."
            )

    def _stop_if_told(self) -> None:
        if self._moments.ending is not None:
            self._stop = None
            raise self._moments.ending

    def _go_on(self, found: Snapshot) -> None:
        content = found.content
        run_state.given_back(self.model, content)
        self.model.stop_training = bool(content["ended"])  # for callbacks that ask how it ended
        run_state.states_given_back(self._beside, content["callbacks"])
        self._history = content["history"]
        self._saved = (content["epoch"], content["step"])
        for line in found.damaged:
            warnings.warn(f"A checkpoint is damaged, the one before is taken: {line}", stacklevel=2)
        if self._verbose and self._is_chief and (self.params or {}).get("verbose", 1):
            print(f"Going on from {found.path.name}: {where(content)}.", flush=True)

    def _save(
        self, epoch: int, step: int, done: tuple[int, Logs] | None = None, ended: bool = False
    ) -> None:
        self._moments.saved()
        # Within an epoch all hosts read their metrics, which nobody can alone.
        alone = step == 0
        if (self._saved == (epoch, step) and not ended) or (alone and not self._is_chief):
            return
        taken = run_state.taken(self.model, epoch, step, alone)
        if not self._is_chief:
            return
        if not run_state.is_sound(self.model):
            warnings.warn("Weights are not finite: the checkpoint before stays.", stacklevel=2)
            return
        content = {
            "ended": ended,
            **taken,
            "traits": self._traits,
            "callbacks": run_state.states_of(self._beside),
            "history": run_state.history_of(self.model, done),
        }
        try:
            self._snapshots.write(content)
            self._saved = (epoch, step)
        except (OSError, TypeError, ValueError) as error:  # full disks, states of odd callbacks
            warnings.warn(f"The checkpoint cannot be written ({error}).", stacklevel=2)
        self._moments.saved()

    def _give_history_back(self) -> None:
        found = getattr(self.model, "history", None)
        if self._history is not None and found is not None:
            found.epoch, found.history = self._history["epoch"], self._history["history"]
        self._history = None


def _check(every_seconds: Any, configuration: Any, free: Any) -> None:
    if not is_number(every_seconds) or not every_seconds >= 0.0:
        raise ValueError(
            "`every_seconds` is a number of seconds, 0 or more. "
            f"Received: every_seconds={shown(every_seconds)}."
        )
    if not isinstance(configuration, Mapping | None):
        raise ValueError(
            f"`configuration` is a dictionary, by name. Received: "
            f"configuration={shown(configuration)}."
        )
    names = isinstance(free, Collection) and not isinstance(free, str)
    if not names or not all(isinstance(name, str) for name in free):
        raise ValueError(f"`free` is a tuple of names. Received: free={shown(free)}.")
