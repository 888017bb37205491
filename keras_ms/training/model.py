"""MultiscaleModel: a Keras model whose `fit` estimates gradients across levels."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleBatch, MultiscaleDataset
from keras_ms.gradients.loss_law import check_stream
from keras_ms.gradients.terms import Terms, added, scaled
from keras_ms.keras_internals import become_functional, build, pickled
from keras_ms.training.automatic import described
from keras_ms.training.checks import check_evaluation_data, check_fit_arguments
from keras_ms.training.fit_run import CostLog, FitRun

Tensor = Any


@keras.saving.register_keras_serializable(package="keras_ms")
class MultiscaleModel(keras.Model):
    """A `keras.Model` that trains by Multiscale Gradient Estimation (Algorithm 1).

    Built as `MultiscaleModel(inputs, outputs)` or subclassed, it is an ordinary Keras model;
    `fit` on anything but a `MultiscaleDataset` is exactly Keras's. On a `MultiscaleDataset`,
    one step descends along the telescoping sum of equation 8,

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
    loss_is_mean: bool | None = None
    """Whether the loss of a batch is the mean of those of its samples; `None` to find out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Makes a functional model of `(inputs, outputs)`, a subclassed one otherwise."""
        become_functional(self, args, kwargs)
        super().__init__(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """How pickle saves the model: as Keras's own."""
        return pickled(super().__reduce__())

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains the model; arguments are those of `keras.Model.fit`.

        With a `MultiscaleDataset` as `x`, the arguments that say how to cut data into batches and
        epochs (`y`, `batch_size`, `sample_weight`, `class_weight`, `validation_split`,
        `steps_per_epoch`) belong to the dataset and are refused. Each epoch trains on all levels
        unless a `FullMultiscaleSchedule` or an `AdaptiveSchedule` is among the callbacks. The logs
        gain `stage`, `resolution` and `work_units`.

        Raises:
            ValueError: For such an argument, a network of fixed input size, an output that does
                not match the target, batch sizes that the replicas cannot share, or a loss that
                is a sum or has to be taken in chunks that do not divide the batches.
        """
        if not isinstance(x, MultiscaleDataset):
            if isinstance(spec := getattr(x, "element_spec", None), MultiscaleBatch):
                build(self, _finest(spec))
                check_stream(self, x)
            return super().fit(x, *args, **kwargs)
        arguments = inspect.signature(super().fit).bind(x, *args, **kwargs).arguments
        check_fit_arguments(arguments, x, self.steps_per_execution)
        own_step = type(self).train_step is not MultiscaleModel.train_step
        callbacks = arguments.pop("callbacks", None)
        with FitRun(self, x, share=not own_step) as run:
            if x.allocation == "measured" and arguments.get("verbose", "auto"):
                print(described(x, run.stages, self.distribute_strategy.num_replicas_in_sync))
            if run.chunks.line and arguments.get("verbose", "auto"):
                print(run.chunks.line)
            log = CostLog(run)
            arguments |= {"x": run.adapter, "callbacks": self._with_costs(callbacks, log)}
            try:
                return super().fit(**arguments)
            finally:
                if isinstance(callbacks, keras.callbacks.CallbackList):
                    callbacks.callbacks.remove(log)

    def _with_costs(self, callbacks: Any, log: CostLog) -> Any:
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            # First, so that the user's callbacks and the progress bar see the costs.
            return [log, *keras.tree.flatten(callbacks or [])]
        log.set_model(self)
        callbacks.callbacks.insert(0, log)
        return callbacks

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates the model; arguments are those of `keras.Model.evaluate`.

        Raises:
            ValueError: For a `MultiscaleDataset`, which has no end.
        """
        check_evaluation_data(x, "x")
        return super().evaluate(x, *args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step: of Keras on ordinary data, of the estimator on a `MultiscaleBatch`."""
        if not isinstance(data, MultiscaleBatch):
            return super().train_step(data)
        run = self.fit_run
        if len(data.active_levels) == 1 and (run is None or run.chunks.size is None):
            return super().train_step(data.fine[data.finest])
        terms = run.terms if run else Terms(self)
        gradients, logs = terms.finest(data.fine[data.finest])
        for level in data.active_levels[1:]:
            # Else levels run side by side, and the activations of all are in memory at once.
            with tf.control_dependencies([g for g in gradients if g is not None]):
                of_level = terms.side(data.fine[level], data.coarse[level - 1])
            if data.weights:
                of_level = scaled(of_level, tf.reduce_mean(data.weights[level]))
            gradients = added(gradients, of_level)
        if self.trainable_weights:
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return logs

    def make_train_function(self, force: bool = False) -> Any:
        """Makes what Keras calls for every step, anew if `force`: see `keras.Model`."""
        if force and self.fit_run is not None:
            self.fit_run.renew_terms()
        return super().make_train_function(force)

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Evaluates ordinary data, or the finest active level of a `MultiscaleBatch`."""
        return super().test_step(_finest(data))


def _finest(data: Any) -> Any:
    return data.fine[data.finest] if isinstance(data, MultiscaleBatch) else data
