"""Which host this is, which rows it takes, and what is refused on several."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.training import hosts
from keras_ms.training.agreement import for_this_host, naming_lost_hosts, optimizer_of
from keras_ms.training.hosts import Place, place_of


class Strategy(tf.distribute.MultiWorkerMirroredStrategy):
    """As TensorFlow's would be, if TF_CONFIG were so."""

    def __init__(self, cluster, kind, index):
        spec = types.SimpleNamespace(as_dict=lambda: cluster)
        self.resolver = types.SimpleNamespace(
            cluster_spec=lambda: spec, task_type=kind, task_id=index
        )

    @property
    def cluster_resolver(self):
        return self.resolver


TWO = {"worker": ["a:1", "b:1"]}
LED = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "evaluator": ["d:1"]}
PLACES = [
    (TWO, "worker", 0, Place(0, 2)),
    (TWO, "worker", 1, Place(1, 2)),
    (LED, "chief", 0, Place(0, 3)),
    (LED, "worker", 0, Place(1, 3)),
    (LED, "worker", 1, Place(2, 3)),
    (LED, "evaluator", 0, Place(0, 1)),
    ({}, None, None, Place(0, 1)),
]


@pytest.mark.parametrize(("cluster", "kind", "index", "place"), PLACES)
def test_the_place_is_that_of_tf_config(cluster, kind, index, place):
    assert place_of(Strategy(cluster, kind, index)) == place


def test_one_process_is_the_chief():
    assert place_of(tf.distribute.get_strategy()).is_chief


@pytest.mark.parametrize("size", [6, None])
def test_rows_of_all_hosts_are_the_batch(size):
    whole = np.arange(18.0).reshape(6, 3)
    tensor = tf.compat.v1.placeholder_with_default(whole, (size, 3)) if size is None else whole
    parts = [hosts._rows_of(Place(index, 3), tf.constant(tensor)) for index in range(3)]
    np.testing.assert_array_equal(tf.concat(parts, axis=0), whole)


def test_replicas_of_a_host_share_its_rows():
    whole = tf.reshape(tf.range(12), (6, 2))
    np.testing.assert_array_equal(hosts._split(3, whole)[1], whole[2:4])


def test_those_that_write_are_the_chiefs():
    callbacks = [
        keras.callbacks.EarlyStopping(),
        keras.callbacks.ModelCheckpoint("a.keras"),
        keras.callbacks.BackupAndRestore("backup"),
        keras.callbacks.CSVLogger("a.csv"),
    ]
    own = keras.callbacks.Callback()
    own.chief_only = True
    chief, other = (Strategy(TWO, "worker", index) for index in range(2))
    assert for_this_host([*callbacks, own], chief) == [*callbacks, own]
    assert for_this_host([*callbacks, own], other) == callbacks[:1]


def test_the_part_of_another_host_is_refused():
    data = keras_ms.MultiscaleDataset(
        (small_images(8), small_images(8)), levels=(2, 4), steps_per_epoch=1, shard=(1, 2)
    )
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"shard=\(1, 2\), on host 0 of 1"):
        model.fit(data, verbose=0)
    with pytest.raises(ValueError, match=r"Use shard=\(0, 2\)"):
        hosts.check_hosts(Place(0, 2), data, built=True)
    hosts.check_hosts(Place(1, 2), data, built=True)


def test_what_hosts_would_decide_differently_is_refused():
    images = small_images(4)
    measured = keras_ms.MultiscaleDataset((images, images), levels="auto", steps_per_epoch=1)
    with pytest.raises(ValueError, match="What is measured differs from host to host"):
        hosts.check_hosts(Place(0, 2), measured, built=True)
    with pytest.raises(ValueError, match="Build it first"):
        hosts.check_hosts(Place(0, 2), pair_dataset(), built=False)
    hosts.check_hosts(Place(0, 1), measured, built=False)


class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """One of the user's, which cannot say what it was made with."""

    def __call__(self, step):
        return 1e-3

    def get_config(self):
        return {"own": object()}


def test_optimizers_are_compared_by_what_they_were_made_with():
    def said(optimizer):
        return optimizer_of(types.SimpleNamespace(optimizer=optimizer))

    adams = [keras.optimizers.Adam(rate) for rate in (1e-3, 1e-3, 0.5)]
    assert said(adams[0]) == said(adams[1]) != said(adams[2])
    assert '"optimizer.learning_rate": 0.5' in said(adams[2])[:400]
    assert said(keras.optimizers.SGD(Rate())) == said(keras.optimizers.SGD(Rate()))


def test_a_lost_host_is_told_in_one_line():
    error = tf.errors.UnavailableError(
        None, None, "A step:\n {{node a/b}} is aborted by: task:1 is gone"
    )
    said, two = r"'is aborted by: task:1 is gone' \(on host 0 of 2\)", Strategy(TWO, "worker", 0)
    with pytest.raises(ConnectionError, match=said) as told, naming_lost_hosts(two):
        raise error
    assert "\n" not in str(told.value)
    alone = tf.distribute.get_strategy()
    with pytest.raises(tf.errors.UnavailableError), naming_lost_hosts(alone):
        raise error
