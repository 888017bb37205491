"""One `fit` on a `MultiscaleDataset`: which stage each epoch trains, from which iterator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.description import lines_of
from keras_ms.gradients.chunks import loops_run
from keras_ms.gradients.compiled_fits import check_compiled, check_has_loss
from keras_ms.gradients.kept import kept_terms
from keras_ms.gradients.level_losses import PREFIX, losses_of
from keras_ms.gradients.model_fits import check_replicas
from keras_ms.gradients.terms import SharedTerms, Terms
from keras_ms.gradients.traces import plain_spec
from keras_ms.keras_internals.fitting import StageAdapter, begin_at_epoch, forget_evaluation
from keras_ms.levels import Stage
from keras_ms.training.beginning import decided, looked_at
from keras_ms.training.course import Course
from keras_ms.training.extent import WITHOUT_END, Extent
from keras_ms.training.hosts import check_hosts, place_of
from keras_ms.training.pace import Pace
from keras_ms.training.run_words import noted, stage_in_words, whereabouts
from keras_ms.training.spending import Spending
from keras_ms.training.stage_iterators import StageIterators
from keras_ms.training.step_room import check_room
from keras_ms.training.streams import StageStreams


class FitRun:
    """State of one `fit`: the epoch, one live iterator per stage, and what its steps share.

    The stage is a pure function of the epoch, and a stage's batches of the step, so a run that
    `BackupAndRestore` resumes sees what an uninterrupted one would have seen. As a context, it is
    the model's `fit_run`.

    Here, once, the model is built: its variables and those of losses, metrics and optimizer.

    Args:
        model: The model in training, compiled.
        dataset: The dataset being trained on; its targets are seen as the losses take them.
        share: Whether steps are Keras's or ours, so that levels may share traces where network,
            losses and metrics allow it. Defaults to `True`.
        extent: What the run is to take. Defaults to as much as it likes.

    Attributes:
        validating: Whether validation is in progress.
        dataset: The dataset, its coarsening decided.
        stages: What each stage holds unless a schedule says otherwise, by finest level: the
            dataset's own, or for `levels="auto"` what measured gradients advise. A level that
            `coarsening="auto"` does without has the stage of the next finer one that serves.
        chunks: How the loss of a batch is taken; its `line` says so to the user.
        terms: The gradients of the steps.
        kept: Those of steps that keep terms; `None` if no stage does.
        streams: A stage's batches as the steps take them.
        place: Which host this is, of those that train together.
        course: Which stage each epoch trains.
        spending: What the epochs cost.
        losses: Those of single levels in the present epoch.
        figures: Numbers for the logs of the present epoch, such as what was measured.
        names: Names of all such numbers that the run may log.
        built: Whether the model is built; if not, its first step builds it.
        at_the_end: What is to be ended with the `fit` takes a callback here.
        pace: What chooses how many steps an execution holds; `None` to leave it to Keras.
        position: The epoch in progress, or that comes next, and steps of it that are done.

    Raises:
        ValueError: If the model does not fit the dataset.
    """

    def __init__(
        self,
        model: Any,
        dataset: MultiscaleDataset,
        share: bool = True,
        extent: Extent = WITHOUT_END,
    ) -> None:
        given = dataset
        dataset, built = looked_at(model, dataset)
        if share:  # steps of one's own may have losses of their own
            check_has_loss(model, dataset)
            check_compiled(model, dataset)
        self.place = place_of(model.distribute_strategy)
        check_hosts(self.place, dataset, built)
        self.chunks, decision = decided(model, dataset, extent)
        self.dataset, self.stages = decision.dataset, decision.stages
        dataset = self.dataset
        check_replicas(self.stages, model.distribute_strategy.num_replicas_in_sync)
        check_room(model, dataset, self.stages)
        self.adapter = StageAdapter(self._current_iterator, dataset.steps_per_epoch)
        share = share and built and dataset.levels.num_levels > 1
        self._plain_spec = plain_spec(model, dataset) if share else None
        self._model, self._strategy = model, model.distribute_strategy
        of_plain_steps = self._plain_spec if self.chunks.size is None else None
        self.streams = StageStreams(dataset, self.place, self._strategy, of_plain_steps)
        # Else the train function may want an iterator of TensorFlow.
        self._steps_are_ours = type(model).make_train_function.__module__.startswith("keras_ms.")
        self.losses = losses_of(model, dataset.levels.num_levels)
        self.renew_terms()
        self.course = Course(lambda epoch: self.stage_from(0))
        self.spending = Spending(dataset.levels, dataset.steps_per_epoch, self.course)
        self.figures: dict[str, float] = {}
        self.names = {f"{PREFIX}{level}" for level in range(dataset.levels.num_levels)}
        self._rehearsed: Stage | None = None
        self._present: Stage | None = None
        self.validating = False
        self.built = built
        self.pace: Pace | None = None
        self._epoch = 0
        self.position = self._resumed = (0, 0)
        self._metrics: Sequence[Any] = ()
        self._iterators = StageIterators()
        self.at_the_end = contextlib.ExitStack()
        self._given, self._notes = given, noted(model, decision, self.chunks)

    def __enter__(self) -> FitRun:
        self._model.fit_run = self
        self._given.last_fit = self._notes
        return self

    def __exit__(self, *error: object) -> None:
        self._model.fit_run = None
        begin_at_epoch(self._model, None)  # else the next `fit` would begin there as well
        forget_evaluation(self._model)  # Keras does so only if nothing was raised
        self._iterators.end()
        self.adapter.end()
        self.at_the_end.close()
        # The schedule knows the run, which knows the data.
        self.course.settle(self._epoch + 2)
        self.pace = None

    def renew_terms(self) -> None:
        """Forgets the traces of single levels, as when the model is compiled anew."""
        chunk = self.chunks.share(self._strategy.num_replicas_in_sync)
        shared = not self._model.run_eagerly and loops_run(self._model, chunk)
        spec = self._plain_spec
        self.terms = (
            Terms(self._model, chunk, self.losses)
            if spec is None or not shared
            else SharedTerms(self._model, spec, chunk, self.losses)
        )
        self.kept = kept_terms(self._model, self.terms, self.stages)

    def follow(
        self,
        stage: Callable[[int], Stage],
        extra_work_units: Callable[[int], float] | None = None,
        finest: Stage | None = None,
        single: Callable[[int], bool] | None = None,
        end: Callable[[int], bool] | None = None,
        share: Callable[[int], float] | None = None,
    ) -> None:
        """Makes `stage(epoch)` decide what every epoch trains on.

        Args:
            stage: The stage of an epoch: for an epoch that has begun, always the same.
            extra_work_units: What was spent beside the steps until an epoch began.
            finest: The finest stage that the run is to reach, where `stage` cannot say yet what
                later epochs train on.
            single: Whether an epoch is to be done step by step, since the run may end within it.
            end: Ends the present stage after an epoch, and says whether there is another; by
                default what is left of it in `stage` is left out.
            share: Share of the run that is done when an epoch begins; by default that of the work
                units.

        Raises:
            ValueError: If another schedule leads this `fit` already.
        """
        self.course.follow(stage, finest, end, share)
        self.spending.lead(extra_work_units)
        if self.pace is not None and single is not None:
            self.pace.single = single

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch."""
        return self.course.stage(epoch)

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
        return self.course.finest_ahead(epochs)

    @contextlib.contextmanager
    def rehearsing(self, stage: Stage) -> Iterator[None]:
        """Notes that steps of a stage are being rehearsed."""
        self._rehearsed = stage
        yield
        self._rehearsed = None

    def described(self, stage: Stage) -> str:
        """A stage in words."""
        return stage_in_words(self.dataset, stage)

    def told(self) -> tuple[str, ...]:
        """What was decided for the user, a line each: roles, batches and chunks."""
        return (*lines_of(self.dataset), *self._notes.lines)

    def whereabouts(self) -> str:
        """What is going on, in words."""
        return whereabouts(self, self._epoch, self._present, self._rehearsed)

    def begin(self) -> None:
        """Forgets iterators: under tf.distribute, Keras has taken a batch before training."""
        self._iterators.end()
        self._notes.stages.clear()
        if getattr(self._model, "watch", None) is not None:
            self._model.watch.begin(armed=False)
        if self.pace is not None:
            self.pace.begin()
            self._model.steps_per_execution = 1  # see `counted_by`

    def steps_done(self, batch: int) -> int:
        """Steps of the epoch that are done when Keras says that `batch` ends.

        At the end of an execution of several steps, Keras names its first step before version
        3.11, and its last one since.
        """
        at_once = self.pace.count.value if self.pace else self._model.steps_per_execution
        return self.first_step(self._epoch) + (batch // at_once + 1) * at_once

    def begin_epoch(self, epoch: int) -> None:
        """Says which epoch the next iterator is for."""
        self._epoch, self.position = epoch, (epoch, self.first_step(epoch))
        if self.first_step(epoch) and self._metrics:  # which Keras has just reset
            for variable, value in zip(self.sums, self._metrics, strict=True):
                variable.assign(value)

    def resume(self, epoch: int, step: int, metrics: Sequence[Any] = ()) -> None:
        """Goes on with what an earlier run has begun.

        Args:
            epoch: The epoch that the `fit` begins with.
            step: Steps of it that are done.
            metrics: Values of `sums` after these steps.
        """
        self._resumed = self.position = (epoch, step)
        self._metrics = metrics

    @property
    def variables(self) -> list[tf.Variable]:
        """What steps depend on beside the variables of the model."""
        return [] if self.kept is None else self.kept.variables

    @property
    def sums(self) -> list[Any]:
        """What an epoch adds up: variables of the metrics, and of the losses of levels."""
        return [*self._model.metrics_variables, *self.losses.variables]

    def first_step(self, epoch: int) -> int:
        """Steps of an epoch that an earlier run has done."""
        return self._resumed[1] if epoch == self._resumed[0] else 0

    def changes(self, first: int = 0) -> bool:
        """Whether epochs from one on train on different levels, as far as is known."""
        return self.dataset.levels.num_levels > 1 and self.course.changes(first)

    def figures_of(self, epoch: int, loss: float | None) -> dict[str, float]:
        """What is logged of an epoch beside its cost: losses by level, and what was measured.

        Args:
            epoch: The epoch, at its end.
            loss: Its loss, which is that of its finest level.
        """
        stage = self.stage(epoch)
        levels = range(stage.finest, stage.finest + len(stage.batch_sizes))
        finest = {} if loss is None else {f"{PREFIX}{stage.finest}": loss}
        found = {**finest, **self.losses.results(levels[1:]), **self.figures}
        self.figures = {}
        return found

    def _current_iterator(self) -> Iterator[Any]:
        stage = self.stage(self._epoch)
        if self.pace is not None:
            self.pace.begin_epoch(stage, self._epoch)
        self._present = self._notes.stages[self._epoch] = stage
        lent = self._iterators.of(stage, self._epoch, self._iterator_of)
        return lent if self._steps_are_ours else lent.itself

    def _iterator_of(self, stage: Stage, epoch: int) -> Iterator[Any]:
        first = self.first_step(epoch)
        step = epoch * self.dataset.steps_per_epoch + first
        position = self.spending.examples_before(epoch) + first * sum(stage.batch_sizes)
        return self.streams.iterator(stage, step, position)
