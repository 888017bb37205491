"""One `fit` on a `MultiscaleDataset`: which stage each epoch trains, from which iterator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from keras_ms.data import MultiscaleDataset, geometry
from keras_ms.data.description import lines_of
from keras_ms.gradients.chunks import WHOLE, chunks_for, loops_run
from keras_ms.gradients.kept import kept_terms
from keras_ms.gradients.model_fits import built_for, check_replicas
from keras_ms.gradients.target_roles import suited
from keras_ms.gradients.terms import SharedTerms, Terms
from keras_ms.gradients.traces import loosened, plain_spec
from keras_ms.keras_internals import StageAdapter
from keras_ms.levels import Stage
from keras_ms.training.automatic import decide, described, described_choices
from keras_ms.training.hosts import check_hosts, iterator, place_of
from keras_ms.training.pace import Pace


class FitRun:
    """State of one `fit`: the epoch, one live iterator per stage, and what its steps share.

    The stage is a pure function of the epoch, and a stage's batches of the step, so a run that
    `BackupAndRestore` resumes sees what an uninterrupted one would have seen. As a context, it is
    the model's `fit_run`.

    Here, once, the model is built: its variables and those of losses, metrics and optimizer.

    Args:
        model: The model in training, compiled.
        dataset: The dataset being trained on; its targets are seen as the losses take them.
        share: Whether levels may share traces, where network, losses and metrics allow it.
            Defaults to `True`.

    Attributes:
        validating: Whether validation is in progress.
        dataset: The dataset, its coarsening decided.
        stages: What each stage holds unless a schedule says otherwise, by finest level: the
            dataset's own, or for `levels="auto"` what measured gradients advise. A level that
            `coarsening="auto"` does without has the stage of the next finer one that serves.
        chunks: How the loss of a batch is taken; its `line` says so to the user.
        terms: The gradients of the steps.
        kept: Those of steps that keep terms; `None` if no stage does.
        place: Which host this is, of those that train together.
        built: Whether the model is built; if not, its first step builds it.
        pace: What chooses how many steps an execution holds; `None` to leave it to Keras.

    Raises:
        ValueError: If the model does not fit the dataset.
    """

    def __init__(self, model: Any, dataset: MultiscaleDataset, share: bool = True) -> None:
        dataset = suited(model, dataset)
        built = built_for(model, dataset)
        if not built:
            _check_decided(model, dataset)
        self.place = place_of(model.distribute_strategy)
        check_hosts(self.place, dataset, built)
        self.chunks = chunks_for(model, dataset) if dataset.telescoping else WHOLE
        self._decision = decide(model, dataset, self.chunks)
        self.dataset, self.stages, _ = self._decision
        dataset = self.dataset
        check_replicas(self.stages, model.distribute_strategy.num_replicas_in_sync)
        self.adapter = StageAdapter(self._current_iterator, dataset.steps_per_epoch)
        share = share and built and dataset.levels.num_levels > 1
        self._plain_spec = plain_spec(model, dataset) if share else None
        self._model, self._strategy = model, model.distribute_strategy
        self.renew_terms()
        self._stage: Callable[[int], Stage] = lambda epoch: self.stage_from(0)
        self._finest: Stage | None = None
        self._rehearsed: Stage | None = None
        self._present: Stage | None = None
        self.validating = False
        self.built = built
        self.pace: Pace | None = None
        self._extra: Callable[[int], float] = lambda epoch: 0.0
        self._epoch = 0
        self._followed = False
        self._spent = [0.0]  # work units of the steps before each epoch
        # A tf.data iterator can take long to destroy, so each stage keeps its own until the end.
        self._iterators: dict[Stage, tuple[int, Iterator[Any]]] = {}

    def __enter__(self) -> FitRun:
        self._model.fit_run = self
        return self

    def __exit__(self, *error: object) -> None:
        self._model.fit_run = None

    def renew_terms(self) -> None:
        """Forgets the traces of single levels, as when the model is compiled anew."""
        chunk = self.chunks.share(self._strategy.num_replicas_in_sync)
        shared = not self._model.run_eagerly and loops_run(self._model, chunk)
        spec = self._plain_spec
        self.terms = (
            Terms(self._model, chunk)
            if spec is None or not shared
            else SharedTerms(self._model, spec, chunk)
        )
        self.kept = kept_terms(self._model, self.terms, self.stages)

    def follow(
        self,
        stage: Callable[[int], Stage],
        extra_work_units: Callable[[int], float] | None = None,
        finest: Stage | None = None,
        single: Callable[[int], bool] | None = None,
    ) -> None:
        """Makes `stage(epoch)` decide what every epoch trains on.

        Args:
            stage: The stage of an epoch: for an epoch that has begun, always the same.
            extra_work_units: What was spent beside the steps until an epoch began.
            finest: The finest stage that the run is to reach, where `stage` cannot say yet what
                later epochs train on.
            single: Whether an epoch is to be done step by step, since the run may end within it.

        Raises:
            ValueError: If another schedule leads this `fit` already.
        """
        if self._followed:
            raise ValueError(
                "One schedule leads a `fit`. Received: two or more of FullMultiscaleSchedule and "
                "AdaptiveSchedule among the callbacks. Take out all but one."
            )
        self._followed = True
        self._stage, self._spent, self._finest = stage, [0.0], finest
        self._extra = extra_work_units or (lambda epoch: 0.0)
        if self.pace is not None and single is not None:
            self.pace.single = single

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch."""
        return self._stage(epoch)

    def stage_from(self, finest: int) -> Stage:
        """The stage whose finest level is `finest`."""
        self.dataset.levels.check_level(finest)
        return self.stages[finest]

    def finest_ahead(self, epochs: range) -> Stage | None:
        """The finest stage of some epochs, if the first of them has a coarser one.

        `None` also for a model that its first step builds.
        """
        if not epochs or not self.built or self.dataset.levels.num_levels == 1:
            return None
        if self._finest is not None:
            return self._finest
        first = finest = None
        with contextlib.suppress(Exception):  # of a schedule that cannot say yet
            first = finest = self.stage(epochs[0])
            for stage in map(self.stage, epochs):
                finest = min(finest, stage, key=lambda s: s.finest)
                if finest.finest == 0:
                    break
        return finest if first and finest and finest.finest < first.finest else None

    @contextlib.contextmanager
    def rehearsing(self, stage: Stage) -> Iterator[None]:
        """Notes that steps of a stage are being rehearsed."""
        self._rehearsed = stage
        yield
        self._rehearsed = None

    def described(self, stage: Stage) -> str:
        """A stage in words."""
        levels, mesh = self.dataset.levels.num_levels, self.dataset.mesh_sizes[stage.finest]
        sizes = ", ".join(str(size) for size in stage.batch_sizes)
        return (
            f"stage {levels - stage.finest} of {levels} (level {stage.finest}, "
            f"{'x'.join(map(str, mesh))} px, batches of {sizes})"
        )

    def told(self) -> tuple[str, ...]:
        """What was decided for the user, a line each: roles, batches and chunks."""
        replicas = self._model.distribute_strategy.num_replicas_in_sync
        measured = self.dataset.allocation == "measured"
        batches = (described(self.dataset, self.stages, replicas),) if measured else ()
        chunks = (self.chunks.line,) if self.chunks.line else ()
        choices = self._decision.choices
        coarse = (described_choices(self.dataset, choices),) if choices else ()
        return (*lines_of(self.dataset), *coarse, *batches, *chunks)

    def whereabouts(self) -> str:
        """What is going on, in words."""
        if self._rehearsed is not None:
            return f"in the rehearsal of {self.described(self._rehearsed)}, before the first step"
        if self._present is None:
            return "before the first step"
        what = "in validation after" if self.validating else "on"
        return f"{what} {self.described(self._present)}, in epoch {self._epoch + 1}"

    def begin(self) -> None:
        """Forgets iterators: under tf.distribute, Keras has taken a batch before training."""
        self._iterators.clear()
        if self.pace is not None:
            self.pace.begin()
            self._model.steps_per_execution = 1  # see `counted_by`

    def steps_done(self, batch: int) -> int:
        """Steps of the epoch that are done when Keras says that `batch` ends.

        At the end of an execution of several steps, Keras names its first step before version
        3.11, and its last one since.
        """
        at_once = self.pace.count.value if self.pace else self._model.steps_per_execution
        return (batch // at_once + 1) * at_once

    def begin_epoch(self, epoch: int) -> None:
        """Says which epoch the next iterator is for."""
        self._epoch = epoch

    def work_units(self, epoch: int, steps: int) -> float:
        """Work units spent from epoch 0 to step `steps` of `epoch`."""
        for earlier in range(len(self._spent) - 1, epoch):
            cost = self._cost(earlier, self.dataset.steps_per_epoch)
            self._spent.append(self._spent[-1] + cost)
        return self._spent[epoch] + self._cost(epoch, steps) + self._extra(epoch)

    def examples_before(self, epoch: int) -> int:
        """Examples that all steps before an epoch take."""
        steps = self.dataset.steps_per_epoch
        return steps * sum(sum(self.stage(earlier).batch_sizes) for earlier in range(epoch))

    def _cost(self, epoch: int, steps: int) -> float:
        return self.dataset.levels.steps_work_units(self.stage(epoch), steps)

    def step_work_units(self, stage: Stage) -> float:
        """Work units of a step of a stage, the mean over an epoch."""
        steps = self.dataset.steps_per_epoch
        return self.dataset.levels.steps_work_units(stage, steps) / steps

    def _current_iterator(self) -> Iterator[Any]:
        stage = self.stage(self._epoch)
        if self.pace is not None:
            self.pace.begin_epoch(stage, self._epoch)
        epoch, iterator = self._iterators.get(stage, (None, None))
        if epoch is None or epoch not in (self._epoch, self._epoch - 1) or iterator is None:
            step = self._epoch * self.dataset.steps_per_epoch
            iterator = self.iterator_from(stage, step, self.examples_before(self._epoch))
        self._iterators[stage], self._present = (self._epoch, iterator), stage
        return iterator

    def iterator_from(self, stage: Stage, step: int, position: int | None = None) -> Iterator[Any]:
        """A new iterator over a stage's batches from a step on; see `MultiscaleDataset.stage`."""
        stream = self.stream(stage, step, position)
        return iterator(self._strategy, stream, whole=self.dataset.shard is None)

    def stream(self, stage: Stage, step: int, position: int | None = None) -> tf.data.Dataset:
        """A stage's batches from a step on, as the model's steps take them.

        Of a dataset that is a host's part, the batches are that host's.
        """
        finest, sizes, weights, refresh = stage
        if self.dataset.shard is not None:
            sizes = tuple(size // self.place.hosts for size in sizes)
            position = None if position is None else position // self.place.hosts
        stream = self.dataset.stage(finest, step, sizes, weights, position, refresh)
        return self.as_steps_take(stream, stage)

    def as_steps_take(self, stream: tf.data.Dataset, stage: Stage) -> tf.data.Dataset:
        """Batches of a dataset's stage in the form that the model's steps take."""
        plain = len(stage.batch_sizes) == 1 and self.chunks.size is None
        if self._plain_spec is not None and plain:
            stream = stream.map(lambda batch: loosened(batch.fine[stage.finest], self._plain_spec))
        return stream


def _check_decided(model: Any, dataset: MultiscaleDataset) -> None:
    """Refuses to measure gradients of a model that could not be built before its first step."""
    measured = {
        "levels": dataset.allocation == "measured",
        "coarsening": dataset.coarsening == geometry.AUTO,
    }
    for name, use in (("levels", "Levels or a tuple of batch sizes"), ("coarsening", "a name")):
        if measured[name]:
            raise ValueError(
                f"{name}='auto' measures gradients of a model that runs on symbols. Received: "
                f"{type(model).__name__}, which could not be built before its first step. Give "
                f"{use}."
            )
