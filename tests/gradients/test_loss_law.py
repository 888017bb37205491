"""Is the loss of a batch the mean of the losses of its samples? Found out before the first step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops

import keras_ms
from keras_ms.gradients.chunks import chunks_for
from keras_ms.gradients.loss_law import loss_law
from keras_ms.keras_internals.models import build

SIDE, CLASSES = 16, 3


def net(channels, activation):
    inputs = keras.Input((None, None, 1))
    hidden = keras.layers.Conv2D(channels, 3, padding="same", activation=activation)(inputs)
    return inputs, hidden


COUNT = 8


def targets(kind, count=COUNT):
    """Masks, most of them empty; class maps; class maps one-hot; signs."""
    rng = np.random.default_rng(3)
    if kind == "classes":
        return rng.integers(0, CLASSES, (count, SIDE, SIDE)).astype("int32")
    if kind == "one_hot":
        return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, (count, SIDE, SIDE))]
    if kind == "signs":
        return np.sign(rng.random((count, SIDE, SIDE, 1)) - 0.5).astype("float32")
    masks = (rng.random((count, SIDE, SIDE, 1)) < 0.2).astype("float32")
    masks[: count - 2] = 0.0  # all that the trial sees, too
    return masks


def data(y=None, weights=None, levels=(2, 4), **options):
    y = targets("masks") if y is None else y
    x = np.random.default_rng(1).random((COUNT, SIDE, SIDE, 1)).astype("float32")
    leaves = (x, y) if weights is None else (x, y, weights)
    pairs = tf.data.Dataset.from_tensor_slices(leaves)
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=2, **options)


def compiled(loss, channels=1, activation="sigmoid", cls=keras_ms.MultiscaleModel, **options):
    model = cls(*net(channels, activation))
    model.compile("sgd", loss, **options)
    return model


def law(loss, y=None, weights=None, **options):
    model, dataset = compiled(loss, **options), data(y, weights)
    build(model, dataset.pair_spec(0))
    return loss_law(model, dataset)


PER_PIXEL = np.random.default_rng(5).random((8, SIDE, SIDE)).astype("float32")
PER_SAMPLE = PER_PIXEL[:, :1, :1]
SOFTMAX = {"channels": CLASSES, "activation": "softmax"}
MEANS = {
    "masks": [
        losses.MeanSquaredError(),
        losses.MeanAbsoluteError(),
        losses.MeanAbsolutePercentageError(),
        losses.MeanSquaredLogarithmicError(),
        losses.Huber(),
        losses.LogCosh(),
        losses.Poisson(),
        losses.CosineSimilarity(),
        losses.BinaryCrossentropy(label_smoothing=0.1),
        losses.BinaryFocalCrossentropy(),
        losses.KLDivergence(),
        keras_ms.losses.NegativeSSIM((0.0, 1.0)),
    ],
    "signs": [losses.CategoricalHinge()],
    "one_hot": [
        losses.CategoricalCrossentropy(),
        losses.CategoricalFocalCrossentropy(),
    ],
    "classes": [
        losses.SparseCategoricalCrossentropy(),
        losses.CategoricalGeneralizedCrossEntropy(),
    ],
}
EVERY_MEAN = [(kind, loss) for kind, group in MEANS.items() for loss in group]


TRIALS = [(None, True), (PER_PIXEL, True), (PER_SAMPLE, True), (None, False), (PER_PIXEL, False)]


@pytest.mark.parametrize(("weights", "known"), TRIALS)
def test_losses_of_keras_are_means(weights, known, monkeypatch):
    """By what they are, and by trial where that is not looked at."""
    if not known:
        monkeypatch.setattr("keras_ms.gradients.loss_law._is_of_samples", lambda loss: False)
    for kind, loss in EVERY_MEAN:
        if weights is not None and isinstance(loss, keras_ms.losses.NegativeSSIM):
            continue  # one value per image: weights of pixels do not fit
        several = SOFTMAX if kind in ("one_hot", "classes") else {}
        assert law(loss, targets(kind), weights, **several).is_mean, loss.name


def soft_dice(y, p):
    return 1.0 - 2.0 * ops.sum(y * p) / (ops.sum(y) + ops.sum(p) + 1e-7)


def labelled_only(y, p):
    """The mean over pixels that are not marked as unknown; no trial example has a mark."""
    known = ops.cast(y < 200.0, "float32")
    return ops.sum(known * (ops.where(y < 200.0, y, 0.0) - p) ** 2) / (ops.sum(known) + 1e-7)


def without_nan(y, p):
    known = ops.cast(ops.logical_not(ops.isnan(y)), "float32")
    return ops.sum(known * (ops.nan_to_num(y) - p) ** 2) / (ops.sum(known) + 1e-7)


def among_the_batch(y, p):
    features = ops.mean(p, axis=(1, 2))
    likeness = features @ ops.transpose(features)
    return ops.mean(ops.logsumexp(likeness, axis=1) - ops.diagonal(likeness))


def class_balanced(y, p):
    share = ops.mean(y)
    return ops.mean(ops.where(y > 0.5, 1.0 - share, share) * (y - p) ** 2)


def known_by(is_known):
    """A mean over pixels that are known, where trial examples have no other ones."""

    def marked_by_number(y, p):
        known = ops.cast(is_known(y), "float32")
        return ops.sum(known * (y - p) ** 2) / (ops.sum(known) + 1e-7)

    return marked_by_number


def flooded(y, p):
    """Flooding: differs from a mean where a batch is fitted better than the flood's level."""
    level = 0.02
    return ops.abs(ops.mean((y - p) ** 2) - level) + level


def fixed_batch(y, p):
    y, p = (ops.reshape(tf.ensure_shape(t, (4, None, None, 1)), (4, -1)) for t in (y, p))
    return ops.mean((y - p) ** 2)


def root_of_sum(y, p):
    return ops.sqrt(ops.sum((y - p) ** 2))


COUPLED = [
    losses.Dice(),
    losses.Tversky(),
    soft_dice,
    labelled_only,
    without_nan,
    among_the_batch,
    class_balanced,
    root_of_sum,
    known_by(lambda y: ops.not_equal(y, -100)),
    known_by(lambda y: y > -9000.0),
    known_by(lambda y: ops.logical_and(y >= 0.0, y <= 253.0)),
    flooded,
]


@pytest.mark.parametrize(
    "loss", COUPLED, ids=lambda loss: getattr(loss, "name", None) or loss.__name__
)
def test_losses_that_couple_samples_are_found_out(loss):
    found = law(loss)
    assert not found.is_mean
    assert "the samples of a batch" in found.why


def test_so_are_those_with_a_mark_among_integers_or_a_floor_under_logits():
    def ignoring(y, p):
        known = ops.cast(ops.not_equal(y, 254), "float32")
        y = ops.where(ops.not_equal(y, 254), y, 0)
        each = losses.sparse_categorical_crossentropy(y, p, from_logits=True)
        return ops.sum(known * each) / ops.maximum(ops.sum(known), 1.0)

    def floored(y, p):
        each = losses.sparse_categorical_crossentropy(y, p, from_logits=True)
        return ops.maximum(ops.mean(each), 0.05)

    logits = {"channels": CLASSES, "activation": None}
    y = targets("classes").astype("uint8")
    assert not law(ignoring, y, **logits).is_mean
    assert not law(floored, y, **logits).is_mean


def test_a_loss_for_one_batch_size_is_found_out():
    assert not loss_law(compiled(fixed_batch), data(levels=(4, 8))).is_mean


def test_so_are_those_that_leave_pixels_out():
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=2)
    found = law(ignoring, targets("classes"), **SOFTMAX)
    assert not found.is_mean
    assert found.why == "sparse_categorical_crossentropy couples the samples of a batch"
    weighted = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert not law(weighted, weights=PER_PIXEL).is_mean
    assert law(weighted).is_mean


OWN_MEANS = [
    lambda y, p: ops.mean((y - p) ** 2),
    lambda y, p: ops.mean((y - p) ** 2, axis=-1),
    lambda y, p: ops.sum((y - p) ** 2, axis=(1, 2, 3)),
    lambda y, p: ops.mean(ops.max(ops.abs(y - p), axis=(1, 2, 3))),
    lambda y, p: ops.mean(y * p) - ops.mean((1.0 - y) * p),
    lambda y, p: 1e-6 * ops.mean((y - p) ** 2),
    lambda y, p: 1e6 + ops.mean(1e6 * (y - p) ** 2),
    lambda y, p: ops.mean(ops.log(1.0 + y) - ops.log(p)),
    losses.Dice(axis=(1, 2, 3)),
    lambda y, p: ops.mean(ops.where(ops.abs(y - p) > 0.3, ops.abs(y - p), (y - p) ** 2)),
]


@pytest.mark.parametrize("number", range(len(OWN_MEANS)))
def test_no_false_alarm_for_means_of_ones_own(number):
    assert law(OWN_MEANS[number]).is_mean


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_no_false_alarm_in_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        assert law(lambda y, p: ops.mean((y - p) ** 2)).is_mean
    finally:
        keras.config.set_dtype_policy("float32")


class OwnLoss(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = ops.mean((y - y_pred) ** 2) if self.mean else ops.sqrt(ops.mean((y - y_pred) ** 2))
        return loss + sum(self.losses, start=0.0)


@pytest.mark.parametrize("mean", [True, False])
def test_an_own_compute_loss_counts(mean):
    model = compiled("mse", cls=OwnLoss)
    model.mean = mean
    assert loss_law(model, data()).is_mean == mean


class OwnSum(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return tf.nn.compute_average_loss(ops.mean((y - y_pred) ** 2, (1, 2, 3)), None, 16)


REFUSED = [
    (lambda y, p: ops.sum((y - p) ** 2), "Received: lambda, whose loss of 4 samples is the sum"),
    (losses.MeanSquaredError(reduction="none"), "mean_squared_error with reduction='none', of sha"),
    (losses.MeanSquaredError(reduction=None), r"reduction=None, of shape \(4, 8, 8\)"),
]


@pytest.mark.parametrize(("loss", "message"), REFUSED)
def test_losses_that_grow_with_their_batch_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        law(loss)


def test_so_is_an_own_compute_loss_that_divides_by_a_fixed_number():
    with pytest.raises(ValueError, match="Received: compute_loss of OwnSum, whose loss of 4"):
        loss_law(compiled("mse", cls=OwnSum), data())


def test_the_loss_to_blame_is_named_with_its_output():
    inputs, hidden = net(1, "sigmoid")
    outputs = {"mask": hidden, "image": keras.layers.Conv2D(1, 1, name="last")(hidden)}
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", {"mask": losses.Dice(), "image": "mse"}, loss_weights=[0.5, 2.0])
    dataset = data({"mask": targets("masks"), "image": targets("signs")})
    build(model, dataset.pair_spec(0))
    assert loss_law(model, dataset).why == "dice of output mask couples the samples of a batch"
    model.compile("sgd", {"mask": None, "image": soft_dice})
    build(model, dataset.pair_spec(0))
    assert "soft_dice couples" in loss_law(model, dataset).why
    model.compile("sgd", {"mask": None, "image": "mse"})
    build(model, dataset.pair_spec(0))
    assert loss_law(model, dataset).is_mean


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (losses.Hinge(), 0.7 * targets("masks")),
        ("hinge", targets("signs")),
        ("squared_hinge", targets("masks")),
    ],
)
def test_losses_that_look_for_zeros_and_ones_in_a_whole_batch_couple_samples(loss, y):
    """Keras makes signs of labels 0 and 1 if a batch has no others; an average has others."""
    model, dataset = compiled(loss), data(y)
    before = loss_law(model, dataset)
    build(model, dataset.pair_spec(0))
    assert before == loss_law(model, dataset)
    assert not before.is_mean
    assert "hinge couples the samples of a batch" in before.why


def test_a_sum_beside_a_loss_that_is_known_to_couple_is_refused_as_it_is_alone():
    inputs, hidden = net(1, "sigmoid")
    model = keras_ms.MultiscaleModel(inputs, {"a": hidden, "b": 1.0 * hidden})
    model.compile("sgd", {"a": losses.Dice(), "b": lambda y, p: ops.sum((y - p) ** 2)})
    dataset = data({"a": targets("masks"), "b": targets("masks")})
    build(model, dataset.pair_spec(0))
    with pytest.raises(ValueError, match="output b, whose loss of 4 samples is the sum"):
        loss_law(model, dataset)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_loss_that_says_nothing_is_not_taken_for_a_mean(value):
    found = law(lambda y, p: value * ops.mean(p))
    assert not found.is_mean
    assert "could not be found out (it is not finite, or does not vary" in found.why


def test_nor_is_one_that_raises():
    def raises(y, p):
        raise RuntimeError("no luck today")

    model, dataset = compiled(raises), data()
    assert "could not be found out (no luck today" in loss_law(model, dataset).why


def test_one_can_say_what_it_is():
    model = compiled(soft_dice)
    model.loss_is_mean = True
    assert chunks_for(model, data((targets("masks")), levels=(2, 3))).size is None
    model.compile("sgd", "mse")
    model.loss_is_mean = False
    assert chunks_for(model, data()).size == 2


class Counting(losses.Loss):
    """Counts its calls in a variable, and draws at random."""

    def __init__(self):
        super().__init__(name="counting")
        self.calls = keras.Variable(0.0)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, y_true, y_pred):
        self.calls.assign_add(1.0)
        noise = keras.random.normal((), seed=self.seeds)
        return (y_true - y_pred) ** 2 + 0.0 * noise


def test_nor_does_it_change_variables_of_tensorflow():
    calls = tf.Variable(0.0, trainable=False)

    def counting(y, p):
        calls.assign_add(1.0)
        return ops.mean((y - p) ** 2)

    assert loss_law(compiled(counting), data()).is_mean
    assert float(calls) == 0.0


class MixUp(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean((y - y_pred) ** 2 * keras.random.uniform(ops.shape(y)))


def test_a_loss_at_random_is_not_taken_for_a_mean():
    model, dataset = compiled("mse", cls=MixUp), data()
    assert not loss_law(model, dataset).is_mean
    model.fit(dataset, verbose=0)


def test_the_trial_leaves_no_traces():
    inputs, hidden = net(2, "tanh")
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
    model = keras_ms.MultiscaleModel(inputs, [hidden[..., :1], hidden[..., 1:]])
    counting = Counting()
    model.compile("sgd", [counting, "mse"], metrics=["mae", "mae"])
    dataset = data((targets("masks"), targets("signs")))
    build(model, dataset.pair_spec(0))
    variables = [*model.variables, *model.metrics_variables, counting.calls, counting.seeds.state]
    before = [v.numpy() for v in variables]
    assert loss_law(model, dataset).is_mean
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


class Unsymbolic(keras_ms.MultiscaleModel):
    """Cannot be built on symbols: it looks at values."""

    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")

    def call(self, x, training=False):
        np.asarray(x)
        return self.conv(x)


@pytest.mark.parametrize(("loss", "mean"), [(soft_dice, False), (OWN_MEANS[0], True)])
def test_models_that_do_not_run_on_symbols_are_tried_on_real_examples(loss, mean, capsys):
    model = Unsymbolic()
    model.compile("sgd", loss, run_eagerly=True)
    model.fit(data(), verbose=2)
    assert ("loss: soft_dice couples" in capsys.readouterr().out) != mean
