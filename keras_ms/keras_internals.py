"""The private Keras names that keras_ms rests on, all of them, tested against the pinned range."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src import backend
from keras.src.backend import AutocastScope
from keras.src.models.functional import Functional, operation_fn, unpack_singleton
from keras.src.models.model import functional_init_arguments
from keras.src.random.seed_generator import global_seed_generator
from keras.src.trainers.data_adapters.data_adapter import DataAdapter


class StageAdapter(DataAdapter):
    """A data adapter whose stream may change from epoch to epoch within one `fit`.

    Keras fixes its dataset when `fit` starts, but one that is already distributed it takes as it
    is, and calls `iter()` on it at the start of every epoch, after the callbacks'
    `on_epoch_begin`. So the stream handed over here asks for the iterator of the moment.

    Args:
        current_iterator: Returns the iterator to draw the next epoch's batches from.
        num_batches: Steps of every epoch; `None` to find out.
    """

    def __init__(
        self, current_iterator: Callable[[], Iterator[Any]], num_batches: int | None
    ) -> None:
        self._stream = _Stream(current_iterator)
        self._num_batches = num_batches

    def end(self) -> None:
        """Lets go of what makes iterators: Keras keeps adapters in circles."""
        self._stream.end()

    def get_tf_dataset(self) -> _Stream:
        """The stream, which Keras iterates anew every epoch."""
        return self._stream

    @property
    def num_batches(self) -> int | None:
        """Steps of every epoch."""
        return self._num_batches

    @property
    def batch_size(self) -> None:
        """Unknown to Keras: every level has its own."""
        return None

    @property
    def has_partial_batch(self) -> bool:
        """Streams are endless, all batches are full."""
        return False

    @property
    def partial_batch_size(self) -> None:
        """There is no partial batch."""
        return None


class _Stream(tf.distribute.DistributedDataset):
    def __init__(self, current_iterator: Callable[[], Iterator[Any]]) -> None:
        self._current_iterator = current_iterator

    def __iter__(self) -> Iterator[Any]:
        return self._current_iterator()

    def end(self) -> None:
        self._current_iterator = lambda: iter(())


class StepsAtOnce:
    """A number of steps that may change between epochs, in which Keras's `fit` counts.

    Keras asks a model for its `steps_per_execution` when `fit` starts, as an integer, which does
    not change; but at the start of every epoch it makes a `range` with it.

    Attributes:
        value: The present number.
    """

    def __init__(self) -> None:
        self.value = 1

    def __index__(self) -> int:
        return self.value

    def __radd__(self, other: int) -> int:
        return other + self.value


def track_loss(model: Any, loss: Any, batch_size: Any) -> None:
    """Updates the model's `loss` metric, as Keras's own `train_step` does."""
    # Under tf.distribute a loss is a share of the mean over all replicas.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    model._loss_tracker.update_state(loss * replicas, sample_weight=batch_size)


def prefer_larger(metric: keras.metrics.Metric) -> None:
    """Tells callbacks in mode "auto", such as `EarlyStopping`, that larger values are better."""
    metric._direction = "up"


def become_functional(model: keras.Model, args: Any, kwargs: Any) -> None:
    """Makes a model under construction functional if its arguments are inputs and outputs.

    When a subclass of `keras.Model` is first built from inputs and outputs, Keras changes the
    *bases of that class* to functional ones, and from then on its subclasses with a `call` of
    their own break. A functional twin per class leaves the class itself as it was.
    """
    if functional_init_arguments(args, kwargs) and not isinstance(model, Functional):
        model.__class__ = _functional_twin(type(model))  # type: ignore[arg-type]


@functools.cache
def _functional_twin(cls: type) -> type:
    twin = type(cls.__name__, (cls, Functional), {"__module__": cls.__module__})
    package, _, name = keras.saving.get_registered_name(cls).rpartition(">")
    if package:
        # Saved under the name of the class, which stays the one that the name loads.
        for registered in (twin, cls):
            keras.saving.register_keras_serializable(package, name)(registered)
    return twin


def is_functional(model: Any) -> bool:
    """Whether a model is a graph of layers, from inputs to outputs."""
    return isinstance(model, Functional)


def is_plain_graph(layer: Any) -> bool:
    """Whether a layer is a model of Keras's own functional or Sequential class, and built."""
    return type(layer) in (Functional, keras.Sequential) and bool(getattr(layer, "inputs", None))


def overridden(model: keras.Model) -> list[str]:
    """Methods of a functional or Sequential model's class that compute otherwise than Keras's."""
    base = Functional if isinstance(model, Functional) else keras.Sequential
    return [name for name in _STEPS if getattr(type(model), name) is not getattr(base, name)]


_STEPS = ("call", "compute_loss", "compute_metrics", "train_step", "test_step", "predict_step")


def compile_arguments(model: keras.Model) -> dict[str, Any]:
    """What a model was compiled with, as objects: its own optimizer, losses and metrics."""
    given = dict(model._compile_config.config)
    now = ("optimizer", "run_eagerly", "steps_per_execution", "jit_compile")
    scales = isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer)
    return given | {name: getattr(model, name) for name in now} | {"auto_scale_loss": scales}


def is_built(model: keras.Model) -> bool:
    """Whether all layers of a model have their variables."""
    return all(layer.built for layer in model._flatten_layers(include_self=False))


def keep_flags(model: keras.Model, source: keras.Model) -> None:
    """Gives a model the `trainable` flag of another whose layers it shares; theirs remain."""
    flags = [(layer, layer.trainable) for layer in source._flatten_layers(include_self=False)]
    model.trainable = source.trainable
    for layer, trains in flags:  # outer ones first: they set all within
        layer.trainable = trains


def pickled(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """What `__reduce__` of a Keras model returns, with a class that pickle finds by its name."""
    _, *state = reduced
    return (keras.Model._unpickle_model, *state)


def build(model: Any, batch: Any) -> None:
    """Makes the variables of model, optimizer, losses and metrics, those that are not made yet.

    Once they are there, a step is traced once, and Keras builds nothing when training starts.

    Args:
        model: A model.
        batch: `(x, y)` or `(x, y, sample_weight)`, or their specs.
    """
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=batch)


def traced_once(function: Callable[..., Any], signature: list[Any]) -> Any:
    """A `tf.function` of one signature that stays a call in every step that calls it.

    TensorFlow would put copies of it into each step if it were let to.
    """
    attributes = {"_noinline": True}
    return tf.function(
        function,
        input_signature=signature,
        autograph=False,
        experimental_attributes=attributes,
    )


def first_epoch(model: keras.Model, initial_epoch: int) -> int:
    """The epoch that a `fit` begins with, which a callback may have set."""
    return model._initial_epoch or initial_epoch


def begin_at_epoch(model: keras.Model, epoch: int | None) -> None:
    """Has the `fit` in progress begin with an epoch; `None` leaves it to what `fit` is given."""
    model._initial_epoch = epoch


@contextlib.contextmanager
def backing_up(
    callback: keras.callbacks.BackupAndRestore,
    save: Callable[[Callable[[], None]], None],
    begin: Callable[[Callable[[], None]], None],
) -> Iterator[None]:
    """Within it, a BackupAndRestore saves and begins as told.

    Args:
        callback: The callback.
        save: Is called with what the callback would do.
        begin: Likewise, when training begins, which is where it loads.
    """
    callback._save_model = functools.partial(save, callback._save_model)
    own = callback.on_train_begin
    callback.on_train_begin = lambda logs=None: begin(lambda: own(logs))
    try:
        yield
    finally:
        del callback._save_model, callback.on_train_begin


@contextlib.contextmanager
def as_it_is_built(model: Any) -> Iterator[None]:
    """Within it, Keras's loops do not look for what is not built, of a model that is.

    On several hosts they would reduce a first batch over all of them for that, and fail.
    """
    before = model.__dict__.get("_maybe_symbolic_build")
    object.__setattr__(model, "_maybe_symbolic_build", lambda *args, **kwargs: None)
    try:
        yield
    finally:
        if before is None:
            object.__delattr__(model, "_maybe_symbolic_build")
        else:
            object.__setattr__(model, "_maybe_symbolic_build", before)


def with_an_axis(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step whose logs Keras can reduce on several hosts, where it does so along the first axis.

    The mean over that axis, and over the replicas, is what it makes of plain numbers elsewhere.
    """

    def stepped(data: Any) -> Any:
        return tf.nest.map_structure(
            lambda log: tf.reshape(log, (1,)) if len(log.shape) == 0 else log, step(data)
        )

    return stepped


def kept_variables(model: Any) -> list[Any]:
    """Variables of model and optimizer that outlive an epoch, and the seed of what has none."""
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    return [*model.variables, *optimizer, global_seed_generator().state]


def all_variables(model: Any) -> list[Any]:
    """Everything that a step may change: variables of Keras, and of TensorFlow within layers."""
    unseeded = global_seed_generator().state  # of random numbers that were given no seed
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    of_keras = [*model.variables, *optimizer, *model.metrics_variables, unseeded]
    found = {id(variable.value): variable for variable in of_keras}
    for part in tf.train.TrackableView(model).descendants():
        if isinstance(part, tf.Variable):
            found.setdefault(id(part), part)
    return list(found.values())


def graph_nodes(model: Any) -> list[Any]:
    """The calls of a functional model's layers, in the order in which they are done."""
    by_depth = model._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in nodes if node.operation and not node.is_input]


def run_nodes(nodes: list[Any], values: dict[int, Any], call: Callable[..., Any]) -> None:
    """Does calls of layers.

    Args:
        nodes: Some of `graph_nodes`.
        values: Values of symbolic tensors by their `id`; the results are added.
        call: Takes a layer, or another operation, and its arguments.
    """
    for node in nodes:
        args, kwargs = node.arguments.fill_in(values)
        made = keras.tree.flatten(call(node.operation, *args, **kwargs))
        values.update(zip(map(id, node.outputs), made, strict=True))


def checked_output_spec(model: Any, inputs: Any) -> Any:
    """What a model returns for symbolic inputs, where every layer checks its own, as when called.

    Keras's `compute_output_spec` lets a Dense layer take another number of features than it has,
    and a Concatenate layer tensors of different sides.

    Args:
        model: A built model.
        inputs: Symbolic tensors in the structure that the model takes.

    Raises:
        ValueError: If a layer does not take what it gets.
    """
    if not is_functional(model) or has_own_call(model):
        return model.compute_output_spec(inputs)
    model._assert_input_compatibility(inputs)
    values = dict(zip(map(id, model.inputs), keras.tree.flatten(inputs), strict=True))

    def spec(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.layers.Layer) and args:
            layer._assert_input_compatibility(args[0])
        if isinstance(layer, keras.layers.Concatenate):
            _check_sides(layer, args[0])
        graph = getattr(layer, "_functional", layer)  # of a Sequential model
        if is_functional(graph) and args and not has_own_call(graph):
            return checked_output_spec(graph, args[0])
        return layer.compute_output_spec(*args, **kwargs)

    run_nodes(graph_nodes(model), values, spec)
    return graph_outputs(model, values)


def _check_sides(layer: keras.layers.Concatenate, tensors: Any) -> None:
    shapes = [list(tensor.shape) for tensor in tensors]
    for shape in shapes:
        del shape[layer.axis]
    for sides in zip(*shapes, strict=True):
        if len(set(sides) - {None}) > 1:
            raise ValueError(
                f"{layer.name} puts tensors of equal sides beside each other. Received: tensors of "
                f"shapes {', '.join(str(tuple(tensor.shape)) for tensor in tensors)}."
            )


def called(training: bool | None) -> Callable[..., Any]:
    """How a functional model calls its layers: they know whether they are being trained."""
    return lambda layer, *args, **kwargs: operation_fn(layer, training=training)(*args, **kwargs)


def graph_inputs(model: Any, inputs: Any) -> dict[int, Any]:
    """Values of a functional model's symbolic inputs by their `id`."""
    return dict(zip(map(id, model.inputs), model._standardize_inputs(inputs), strict=True))


def graph_outputs(model: Any, values: dict[int, Any]) -> Any:
    """What a functional model returns, of the values of its symbolic outputs."""
    found = [values[id(symbol)] for symbol in model.outputs]
    return unpack_singleton(keras.tree.pack_sequence_as(model._outputs_struct, found))


def has_own_call(model: Any) -> bool:
    """Whether a functional model's class does not run its graph as Keras does."""
    return getattr(model.call, "__func__", None) is not Functional.call


def takes_tensors_as_they_are(layer: keras.layers.Layer) -> None:
    """Lets a layer that stands for a part of a graph cast nothing, as functional models do."""
    layer._convert_input_args = False
    layer._allow_non_tensor_positional_args = True


def uncast(variable: keras.Variable) -> Any:
    """The present value of a variable in its own type, within mixed precision too."""
    with AutocastScope(None):
        return tf.convert_to_tensor(variable.value)


def all_layers(model: Any) -> list[keras.layers.Layer]:
    """Layers of a model, those within its layers too."""
    return [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]


def compiled_losses(model: Any) -> list[Any]:
    """Losses that `compile` was given and that Keras has made objects of, with their outputs.

    Returns:
        Entries with the attributes `loss` and `name`, that of the output; empty if there is no
        loss, or it is not built yet.
    """
    return list(getattr(getattr(model, "_compile_loss", None), "_flat_losses", None) or ())


def losses_are_built(model: Any) -> bool:
    """Whether every loss that `compile` was given is an object by now."""
    compiled = getattr(model, "_compile_loss", None)
    return compiled is None or bool(compiled.built)


@contextlib.contextmanager
def recording_losses(model: Any) -> Iterator[list[tuple[Any, Any]]]:
    """Within it, a model's loss notes what each compiled loss came to.

    Yields:
        A list that grows by `(entry, value)`, an entry as of `compiled_losses`.
    """
    entries, noted = compiled_losses(model), []

    def noting(entry: Any) -> Any:
        def call(*args: Any) -> Any:
            value = entry.loss(*args)
            noted.append((entry, value))
            return value

        return entry._replace(loss=call)

    if entries:
        model._compile_loss._flat_losses = [noting(entry) for entry in entries]
    try:
        yield noted
    finally:
        if entries:
            model._compile_loss._flat_losses = entries


def loss_of(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
    """The loss of a batch, as Keras's own step of training takes it of any `compute_loss`.

    Keras gives the arguments by position, under whatever names they have, and says `training` where
    it is asked for. One that takes names alone gets them.

    Args:
        model: A compiled model.
        x: Inputs.
        y: Targets.
        y_pred: Predictions.
        sample_weight: Weights, or `None`.
    """
    given: dict[str, Any] = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
    signature = inspect.signature(model.compute_loss)
    said = {"training": True} if "training" in signature.parameters else {}
    try:
        signature.bind(*given.values(), **said)
    except TypeError:
        return model.compute_loss(**given, **said)
    return model.compute_loss(*given.values(), **said)


def build_losses(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> None:
    """Makes objects of the losses that `compile` was given, on symbols of these tensors' shapes."""

    def symbol(tensor: Any) -> Any:
        return keras.KerasTensor(tensor.shape, keras.backend.standardize_dtype(tensor.dtype))

    symbols = keras.tree.map_structure(symbol, (x, y, y_pred))
    weight = None if sample_weight is None else keras.tree.map_structure(symbol, sample_weight)
    with model.distribute_strategy.scope():
        backend.compute_output_spec(functools.partial(loss_of, model), *symbols, weight)


def mask_of(tensor: Any) -> Any:
    """The mask that layers have put on a tensor, or `None`."""
    return backend.get_keras_mask(tensor)


def with_mask(tensor: Any, mask: Any) -> Any:
    """The tensor, with a mask unless that is `None`."""
    if mask is not None:
        backend.set_keras_mask(tensor, mask)
    return tensor


def spec_of_call(function: Callable[..., Any], *symbols: Any) -> Any:
    """What a function returns for symbolic tensors, which are not computed."""
    return backend.compute_output_spec(function, *symbols)


def forget_evaluation(model: Any) -> None:
    """Drops the iterator over validation data that an interrupted `fit` leaves to a model."""
    if getattr(model, "_eval_epoch_iterator", None) is not None:
        del model._eval_epoch_iterator


def rate_schedule(optimizer: Any) -> Any:
    """The object that an optimizer has its learning rate from, if it is no number; else `None`."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales losses
    rate = getattr(inner, "_learning_rate", None)
    return None if isinstance(rate, keras.Variable) else rate


def steps_taken(optimizer: Any) -> int:
    """Steps that an optimizer has taken, as its learning rate counts them."""
    counted = getattr(optimizer, "inner_optimizer", optimizer).iterations
    return int(counted.numpy())  # of replicas `int` cannot


def writes_by_epoch(callback: Any) -> bool:
    """Whether a `TensorBoard` looks at epochs alone, and at no single step."""
    plain = type(callback) is keras.callbacks.TensorBoard and callback.update_freq == "epoch"
    return plain and not callback.write_steps_per_second and not callback._should_trace
