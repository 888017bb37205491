"""Losses that are means by their values, and couple samples by their gradients, or the reverse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops

import keras_ms
from keras_ms.gradients.chunks import chunks_for, whole_for
from keras_ms.gradients.loss_kinds import Shown, Trial, is_silent_alone, judged, kind_of
from keras_ms.gradients.loss_law import loss_law

SIDE, COUNT = 16, 8


def examples():
    rng = np.random.default_rng(1)
    x = rng.random((COUNT, SIDE, SIDE, 1)).astype("float32")
    return x, (rng.random((COUNT, SIDE, SIDE, 1)) < 0.2).astype("float32")


def data(levels=(2, 4), **options):
    return keras_ms.MultiscaleDataset(examples(), levels=levels, steps_per_epoch=1, **options)


def compiled(loss, cls=keras_ms.MultiscaleModel, **options):
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    model = cls(inputs, outputs)
    model.compile("sgd", loss, **options)
    return model


def mse(y, p):
    return ops.mean((y - p) ** 2)


def dice(y, p):
    return 1.0 - 2.0 * ops.sum(y * p) / (ops.sum(y) + ops.sum(p) + 1e-7)


@tf.custom_gradient
def of_one_length(z):
    return z, lambda upstream: upstream / (tf.norm(upstream) + 1e-8)


@tf.custom_gradient
def of_one_length_each(z):
    def gradient(upstream):
        lengths = tf.sqrt(tf.reduce_sum(upstream**2, axis=(1, 2, 3), keepdims=True))
        return upstream * (1.0 + tf.tanh(1e6 * lengths))

    return z, gradient


@tf.custom_gradient
def halved(z):
    return z, lambda upstream: 0.5 * upstream


def sum_of_squares(y, p):
    return ops.sum((y - p) ** 2)


def still(value):
    return ops.stop_gradient(value)


@tf.function
def in_a_function(y, p):
    return mse(y, of_one_length(p))


COUPLED = [
    lambda y, p: mse(y, of_one_length(p)),
    lambda y, p: mse(y, p) / still(mse(y, p)) + 1.0,
    lambda y, p: dice(y, p) / still(dice(y, p)) + mse(y, p) / still(mse(y, p)),
    lambda y, p: mse(y, p) + dice(y, p) - still(dice(y, p)),
    lambda y, p: dice(y, p) - still(dice(y, p)),
    lambda y, p: mse(y, p) * (1.0 + ops.mean(p) - still(ops.mean(p))),
    lambda y, p: ops.mean(still(ops.std(p)) / ops.std(p)),
    in_a_function,
]
MEANS = [
    lambda y, p: mse(y, halved(p)),
    lambda y, p: mse(y, of_one_length_each(p)),
    lambda y, p: mse(y, p) - still(mse(y, p)),
    lambda y, p: mse(y, p + still(ops.round(p) - p)),
    lambda y, p: ops.mean(ops.maximum(y * p, 0.1)),
    losses.Dice(axis=(1, 2, 3)),
]
SUMS = [
    lambda y, p: 1.0 + sum_of_squares(y, p),
    lambda y, p: sum_of_squares(y, p) - still(sum_of_squares(y, p)),
    lambda y, p: sum_of_squares(y, p) + still(mse(y, p) - sum_of_squares(y, p)),
]


def law_of_all(several):
    """Of a network with an output for each loss, all tried at once."""
    inputs = keras.Input((None, None, 1))
    hidden = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    outputs = {f"o{k}": 1.0 * hidden for k in range(len(several))}
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", dict(zip(outputs, several, strict=True)))
    pairs = tf.data.Dataset.from_tensor_slices(examples())
    pairs = pairs.map(lambda x, y: (x, dict.fromkeys(outputs, y)))
    return loss_law(model, keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1))


def test_gradients_that_couple_samples_are_found_out():
    why = law_of_all(COUPLED).why
    assert "couple the samples" in why
    assert [k for k in range(len(COUPLED)) if f"output o{k}" not in why] == []


def test_no_false_alarm_for_gradients_of_ones_own():
    assert law_of_all(MEANS) == (True, "", "")


@pytest.mark.parametrize("number", range(len(SUMS)))
def test_sums_by_their_gradients_are_refused(number):
    with pytest.raises(ValueError, match="grows with the number of samples"):
        loss_law(compiled(SUMS[number]), data())


class Penalized(keras_ms.MultiscaleModel):
    """Goes through the network itself, in its loss."""

    coupled = False

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        rolled = self(x[:, ::-1], training=training)[:, ::-1]
        each = (rolled - still(y_pred)) ** 2
        other = mse(y, y_pred)
        length = still(ops.sqrt(ops.mean(each))) if self.coupled else 1.0
        return other + ops.mean(each) / length + (still(ops.mean(each)) if self.coupled else 0.0)


@pytest.mark.parametrize("coupled", [False, True])
def test_gradients_that_do_not_go_through_predictions_count(coupled):
    model = compiled("mse", Penalized)
    model.coupled = coupled
    assert loss_law(model, data()).is_mean != coupled


@pytest.mark.parametrize("loss", [sum_of_squares, losses.MeanSquaredError(reduction="none")])
def test_what_grows_with_its_batch_is_refused_on_plain_batches_too(loss):
    model = compiled(loss)
    with pytest.raises(ValueError, match=r"grows with the number of samples|must be a number"):
        model.fit(data(telescoping=False), verbose=0)


def test_a_loss_that_couples_samples_is_taken_as_it_is_of_plain_batches(capsys):
    model = compiled(losses.Dice())
    model.fit(data(telescoping=False), verbose=2)
    assert "chunks" not in capsys.readouterr().out


def contrast(y, p):
    """Likeness of different samples alone: of one, there is nothing to compare."""
    features = ops.mean(p, axis=(1, 2))
    return ops.mean((features - ops.transpose(features)) ** 2)


@pytest.mark.parametrize(("chosen", "what"), [(chunks_for, "chunks"), (whole_for, "batches")])
def test_a_loss_that_says_nothing_of_one_sample_is_warned_of(chosen, what):
    with pytest.warns(UserWarning, match=rf"no gradient of contrast.*{what} of 1\. Use"):
        chosen(compiled(contrast), data((1, 2)))


def test_nobody_is_warned_of_it_in_larger_chunks_nor_of_other_losses_alone(recwarn):
    assert chunks_for(compiled(contrast), data((2, 4))).size == 2
    assert chunks_for(compiled(dice), data((1, 4))).size == 1
    assert not [w for w in recwarn if "no gradient" in str(w.message)]


def shown(value, *gradient):
    rows = np.array(gradient, float).reshape(-1, 1) if gradient else None
    return Shown(np.array(float(value)), rows)


def test_what_trials_come_to():
    alone = (shown(1.0, 2.0), shown(3.0, 6.0))
    mean, total = Trial(shown(2.0, 1.0, 3.0), alone), Trial(shown(4.0, 2.0, 6.0), alone)
    assert [kind_of(mean), kind_of(total)] == ["mean", "sum"]
    bent = Trial(shown(2.0, 1.0, 2.0), alone)
    assert kind_of(bent) == "bent"
    assert kind_of(Trial(shown(2.0, 1.0, np.nan), alone)) == "coupled"
    assert kind_of(Trial(shown(3.0, 1.0, 2.0), alone)) == "coupled"
    assert judged("it", [bent, bent]).kind == "coupled"
    assert judged("it", [bent, mean, mean]).is_mean  # rounding has picked another maximum
    assert kind_of(Trial(shown(2.0), None)) == "coupled"
    assert judged("it", [mean, total]).kind == "coupled"
    assert judged("it", [mean], "no reading").note == "no reading"
    silent = (shown(1.0, 0.0), shown(1.0, 0.0))
    assert is_silent_alone([Trial(shown(2.0, 1.0, 1.0), silent)])
    assert not is_silent_alone([Trial(shown(2.0, 1.0, 1.0), silent), mean])
