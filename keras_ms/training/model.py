"""MultiscaleModel: a Keras model whose `fit` estimates gradients across levels."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_ms.data import MultiscaleBatch, MultiscaleDataset
from keras_ms.data.own_errors import own_errors
from keras_ms.gradients.loss_law import check_stream
from keras_ms.gradients.terms import Terms
from keras_ms.keras_internals import custom_gradients
from keras_ms.keras_internals.attribute import attribute
from keras_ms.keras_internals.fitting import as_it_is_built, with_an_axis
from keras_ms.keras_internals.models import become_functional, build, is_built, pickled
from keras_ms.training.agreement import naming_lost_hosts
from keras_ms.training.checks import (
    check_evaluation_data,
    check_fit_arguments,
    check_no_step,
    check_optimizer,
)
from keras_ms.training.exhaustion import naming_mends
from keras_ms.training.fit_counts import check_callbacks
from keras_ms.training.fit_run import FitRun
from keras_ms.training.fitting import Extras, asked_for, trained
from keras_ms.training.from_model import made_of
from keras_ms.training.hosts import finite, place_of
from keras_ms.training.own_step import unpackable
from keras_ms.training.remat import rematerialized
from keras_ms.training.run_callbacks import with_arranged
from keras_ms.training.several_steps import StepFunction
from keras_ms.training.watch import Watch

Tensor = Any


@keras.saving.register_keras_serializable(package="keras_ms")
class MultiscaleModel(keras.Model):
    """A `keras.Model` that trains by Multiscale Gradient Estimation (Algorithm 1).

    Built as `MultiscaleModel(inputs, outputs)` or subclassed, it is an ordinary Keras model;
    `fit` on anything but a `MultiscaleDataset` is exactly Keras's. On a `MultiscaleDataset`,
    one step descends along the telescoping sum of equation 6,

        sum_{l=s}^{L-2} (g_l(b_l) - g_(l+1)(b_l)) + g_(L-1)(b_(L-1)),

    whose expectation is the gradient on the finest active mesh `s`. Level `l + 1` occurs in two
    terms; both occurrences go through the network in one batch, so there are as many forward
    passes as levels, and BatchNormalization sees the two occurrences alike, without which their
    expectations would not cancel. Only the finest active level keeps side effects: batch
    statistics, added losses, metrics, and the reported `loss`. With control weights, level `l + 1`
    counts `a_l` times in both of its terms, which leaves the expectation as it is.

    `compile` takes all that Keras's does. The network must accept any image size
    (`keras.Input((None, None, channels))`).

    Example:
        >>> network = keras_ms.networks.ResNet(width=16)
        >>> model = keras_ms.MultiscaleModel(network.input, network.output)
        >>> model.compile("adam", "mse")
        >>> dataset = keras_ms.MultiscaleDataset(
        ...     keras_ms.data.photos("train"), keras_ms.tasks.Denoising(),
        ...     levels=(2, 4, 8), image_size=32, steps_per_epoch=3)
        >>> history = model.fit(dataset, epochs=1, verbose=0)
        >>> history.history["work_units"]
        [12.75]
    """

    fit_run: FitRun | None = None
    """The state of the `fit` on a `MultiscaleDataset` in progress; callbacks may read it."""
    watch: Watch | None = None
    """What notes steps whose numbers are not finite, once a callback has asked for it."""
    loss_is_mean: bool | None = None
    """Whether the loss of a batch is the mean of those of its samples; `None` to find out."""
    steps_since_coarse: int | None = None
    """Steps on level 0 since moving statistics were last of a coarser one; `None` if none are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Makes a functional model of `(inputs, outputs)`, a subclassed one otherwise."""
        become_functional(self, args, kwargs)
        super().__init__(*args, **kwargs)

    @classmethod
    def from_model(cls, model: keras.Model) -> MultiscaleModel:
        """A `MultiscaleModel` of a model's layers, compiled as the model is.

        Layers, weights, optimizer, losses and metrics are shared with the model, not copied:
        training one trains the other, as with `keras.Model(model.input, model.output)`. If the
        model's input has fixed sides, the new one takes images of any size, where layers allow it.

        Args:
            model: A functional or Sequential model, also of `keras.applications`. One that is an
                instance of this class already is returned as it is. If it is not compiled, neither
                is the new one.

        Raises:
            ValueError: If it is subclassed, has a step or a loss of its own, or is not built.

        Example:
            >>> model = keras.Sequential([
            ...     keras.Input((None, None, 3)), keras.layers.Conv2D(3, 3, padding="same")])
            >>> model.compile("adam", "mse")
            >>> multiscale = keras_ms.MultiscaleModel.from_model(model)
            >>> multiscale.optimizer is model.optimizer
            True
        """
        return made_of(cls, model)

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Makes the variables that a saved model had; for what `get_build_config` returns."""
        if config and not self.built:
            super().build_from_config(config)
            # Keras makes the variables of a model with a `call` of its own, and forgets to say so.
            self.built: bool = is_built(self)
        if self.built and self.compiled and self.optimizer and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def __reduce__(self) -> tuple[Any, ...]:
        """How pickle saves the model: as Keras's own."""
        return pickled(super().__reduce__())

    @custom_gradients.call_ending_with_graphs
    def fit(
        self,
        x: Any = None,
        *args: Any,
        rehearse: bool = True,
        remat: bool = False,
        refresh_statistics: bool = True,
        group_steps: bool = True,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains the model; arguments are those of `keras.Model.fit`, and more.

        With a `MultiscaleDataset` as `x`, the arguments that say how to cut data into batches and
        epochs (`y`, `batch_size`, `sample_weight`, `class_weight`, `validation_split`,
        `steps_per_epoch`) belong to the dataset and are refused. Each epoch trains on all levels
        unless a `FullMultiscaleSchedule` or an `AdaptiveSchedule` is among the callbacks. The logs
        gain `stage`, `resolution` and `work_units`, and those of epochs `loss_level_k` of every
        active level `k`. Callbacks that misfire where stages change are warned of: see
        `keras_ms.callbacks.PerStage`.

        Args:
            x: A `MultiscaleDataset`, or anything that Keras takes.
            *args: As for `keras.Model.fit`.
            rehearse: Whether a run that starts on a coarse level first tries one step of the
                finest stage that it is to reach, on made-up numbers; see
                `docs/guide/memory.md`. All variables are put back, so the run ends as without it.
            remat: Whether activations are computed again in the backward pass in place of being
                kept, which takes less memory and about a third more time. For functional models.
            refresh_statistics: Whether statistics of BatchNormalization are estimated anew at the
                end of a run whose steps on level 0, after coarse ones, were too few for their
                moving means. `RefreshStatistics` among the callbacks takes this over.
            group_steps: Whether several steps may go into one execution where measuring finds that
                faster, which changes no weight. Steps stay single under `tf.distribute`, with
                `run_eagerly=True`, and with callbacks of your own that have hooks of batches,
                unless these say `several_steps_safe = True`. A `steps_per_execution` above 1 of
                `compile` goes before.
            **kwargs: As for `keras.Model.fit`.

        Raises:
            ValueError: For such an argument, a network of fixed input size, an output that does
                not match the target, batch sizes that the replicas cannot share, a loss that is a
                sum or has to be taken in chunks that do not divide the batches, or a model that
                `remat` cannot cut.
            MemoryError: If memory runs out in Python.
            tf.errors.ResourceExhaustedError: If memory runs out in TensorFlow.
        """
        # Over 60 lines with its docstring, 30 without.
        if remat:
            with rematerialized(self):
                options = {"refresh_statistics": refresh_statistics, "group_steps": group_steps}
                return MultiscaleModel.fit(self, x, *args, rehearse=rehearse, **options, **kwargs)
        if not isinstance(x, MultiscaleDataset):
            check_no_step(x, "fit")
            if isinstance(spec := getattr(x, "element_spec", None), MultiscaleBatch):
                build(self, _finest(spec))
                check_stream(self, x)
            check_evaluation_data(kwargs.get("validation_data"), "fit(validation_data=...)")
            check_callbacks(kwargs.get("callbacks"))
            return super().fit(x, *args, **with_arranged(kwargs))
        arguments = inspect.signature(super().fit).bind(x, *args, **kwargs).arguments
        check_fit_arguments(arguments, x, self.steps_per_execution)
        check_optimizer(getattr(self, "optimizer", None))
        with naming_mends(lambda: "while the model was built and measured"), own_errors(x):
            run = FitRun(self, x, not self._has_own_step, asked_for(arguments, x))
        extras = Extras(rehearse, refresh_statistics, group_steps)
        with self._on_hosts():
            return trained(self, run, arguments, extras, not self._has_own_step, super().fit)

    @contextlib.contextmanager
    def _on_hosts(self) -> Iterator[None]:
        """What is different on several hosts or replicas; nothing on a single one."""
        several = self.distribute_strategy.num_replicas_in_sync > 1 and is_built(self)
        built = as_it_is_built(self) if several else contextlib.nullcontext()
        with naming_lost_hosts(self.distribute_strategy), built:
            yield

    @custom_gradients.call_ending_with_graphs
    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates the model; arguments are those of `keras.Model.evaluate`.

        Raises:
            ValueError: For a `MultiscaleDataset`, which has no end.
        """
        check_evaluation_data(x, "evaluate(x=...)")
        check_no_step(x, "evaluate")
        with self._on_hosts():
            return super().evaluate(finite(self.distribute_strategy, x), *args, **kwargs)

    @custom_gradients.call_ending_with_graphs
    def predict(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Predictions; arguments are those of `keras.Model.predict`.

        Raises:
            ValueError: For a `MultiscaleDataset`, which has no end.
        """
        check_evaluation_data(x, "predict(x=...)")
        check_no_step(x, "predict")
        return super().predict(x, *args, **kwargs)

    def train_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """One step on one batch of arrays; arguments are those of `keras.Model.train_on_batch`.

        Raises:
            ValueError: For a `MultiscaleBatch` or a `MultiscaleDataset`.
        """
        check_no_step(x, "train_on_batch")
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Losses and metrics of one batch of arrays; see `train_on_batch`."""
        check_no_step(x, "test_on_batch")
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predictions for one batch of arrays; see `train_on_batch`."""
        check_no_step(x, "predict_on_batch")
        return super().predict_on_batch(x)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step: of Keras on ordinary data, of the estimator on a `MultiscaleBatch`."""
        if not isinstance(data, MultiscaleBatch):
            return super().train_step(data)
        run = self.fit_run
        if len(data.active_levels) == 1 and (run is None or run.chunks.size is None):
            return super().train_step(data.fine[data.finest])
        terms: Any = Terms(self) if run is None else run.kept if data.fresh else run.terms
        gradients, logs = terms.sum(data)
        if self.trainable_weights:
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return logs

    def make_train_function(self, force: bool = False) -> Any:
        """Makes what Keras calls for every step, anew if `force`: see `keras.Model`."""
        if force and self.fit_run is not None:
            self.fit_run.renew_terms()
        before = self.train_function
        step: Callable[[Any], Any] = self.train_step
        if self._has_own_step:
            step = unpackable(step, type(self).__name__)
        step = custom_gradients.step_ending_with_graphs(step)
        if self.watch is not None:
            step = self.watch.around(step)
        if place_of(self.distribute_strategy).hosts > 1:
            step = with_an_axis(step)
        with attribute(self, "train_step", step):
            super().make_train_function(force)
        if self.train_function is not before:
            self.train_function: Any = StepFunction(self, step, self.train_function)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """Makes what Keras calls for every step of an evaluation: see `keras.Model`."""
        step: Callable[[Any], Any] = self.test_step
        if place_of(self.distribute_strategy).hosts > 1:
            step = with_an_axis(step)
        with attribute(self, "test_step", step):
            super().make_test_function(force)
        return self.test_function

    @property
    def _has_own_step(self) -> bool:
        return getattr(self.train_step, "__func__", None) is not MultiscaleModel.train_step

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Evaluates ordinary data, or the finest active level of a `MultiscaleBatch`."""
        return super().test_step(_finest(data))


def _finest(data: Any) -> Any:
    return data.fine[data.finest] if isinstance(data, MultiscaleBatch) else data
