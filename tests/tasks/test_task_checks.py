"""Faults of a task of one's own are told in one line, before anything is trained."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, small_images

import keras_ms
from keras_ms.tasks import NoisyTask


class Plain(NoisyTask):
    def degrade(self, example):
        return example["clean"]


def dataset_of(task, **options):
    return keras_ms.MultiscaleDataset(small_images(), task, (1, 2, 3), 32, 2, **options)


def pairs_of(task):
    return keras_ms.data.evaluation_pairs(small_images(), task, 32, samples=2)


MADE_OF = pytest.mark.parametrize("made_of", [dataset_of, pairs_of])


def raised(made_of, task):
    with pytest.raises(ValueError, match=r"Received|cannot") as caught:
        made_of(task)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return caught.value


def test_a_task_needs_only_degrade():
    task = Plain()
    assert task.t_range == (0.0, 0.1)
    batch = next(iter(dataset_of(task).stage()))
    assert batch.fine[0][0].shape == (1, 32, 32, 3)


@MADE_OF
@pytest.mark.parametrize("name", ["share", "degrade", "noise_shape", "draw", "restrict", "pair"])
def test_a_value_in_the_place_of_a_method_is_refused(name, made_of):
    task = Plain()
    setattr(task, name, 0.1)
    message = str(raised(made_of, task))
    assert f"`{name}` is a method of" in message
    assert f"Plain.{name}=0.1. Use another name" in message


@pytest.mark.parametrize("name", ["share", "noise_shape", "draw", "restrict", "pair", "degrade"])
@pytest.mark.parametrize("base", [NoisyTask, Plain, keras_ms.tasks.Inpainting])
def test_a_class_whose_value_hides_a_method_is_refused(base, name):
    with pytest.raises(ValueError, match=rf"`{name}` is a method of .*Mine\.{name}=\(0, 1\)"):
        type("Mine", (base,), {name: (0, 1)})


@pytest.mark.parametrize("name", ["draw", "restrict", "pair"])
def test_methods_of_tasks_without_noise_are_kept_too(name):
    with pytest.raises(ValueError, match=rf"`{name}` is a method of"):
        type("Mine", (Blur,), {name: None})


@pytest.mark.parametrize("name", ["t_range", "conditional", "keep_contrast"])
def test_an_argument_of_noisy_tasks_is_no_attribute_of_a_class(name):
    with pytest.raises(ValueError, match=rf"{name}: .*Mine\.{name}=3.*super\(\)\.__init__"):
        type("Mine", (Plain,), {name: 3})


@MADE_OF
@pytest.mark.parametrize("name", ["t_range", "conditional", "keep_contrast"])
def test_an_argument_of_noisy_tasks_keeps_its_meaning(name, made_of):
    task = Plain()
    setattr(task, name, 0.7)
    assert f"`{name}` " in str(raised(made_of, task))
    assert f"{name}=0.7" in str(raised(made_of, task))


def test_a_method_may_be_given_to_an_instance():
    task = Plain((0.5, 0.5))
    task.share = lambda t: 0.0 * t
    x, y = next(iter(pairs_of(task)))
    np.testing.assert_array_equal(x, y)


@MADE_OF
@pytest.mark.parametrize("laws", ["crop", ("crop",), {"coarsening"}, None])
def test_laws_that_nobody_knows_are_refused(laws, made_of):
    task = Plain()
    task.invariant_under = laws
    assert f"Plain.invariant_under={laws!r}" in str(raised(made_of, task))


SHAPES = {
    "smaller": lambda clean: clean[:, ::2, ::2],
    "one channel": lambda clean: clean[..., :1],
    "no batch": lambda clean: clean[0],
    "flat": lambda clean: tf.reshape(clean, (-1, 32 * 32 * 3)),
}


@MADE_OF
@pytest.mark.parametrize("what", SHAPES)
def test_a_degradation_that_changes_the_shape_is_refused(what, made_of):
    class Shrinking(NoisyTask):
        def degrade(self, example):
            return SHAPES[what](example["clean"])

    message = str(raised(made_of, Shrinking()))
    assert message.startswith("The task Shrinking cannot `pair`. `degrade` must keep the shape of")
    assert "Received: a result of shape (" in message
    assert "32, 32, 3)." in message


def test_a_degradation_may_change_the_size_if_the_noise_does():
    class Halving(NoisyTask):
        scale = 2

        def noise_shape(self, images):
            _, height, width, channels = images.shape
            return (tf.shape(images)[0], height // 2, width // 2, channels)

        def degrade(self, example):
            return example["clean"][:, ::2, ::2]

    x, y = next(iter(pairs_of(Halving())))
    assert (x.shape, y.shape) == ((2, 16, 16, 3), (2, 32, 32, 3))


ERRORS = [TypeError("no\n  way"), KeyError("mask"), ValueError("no. Received: x=3."), OSError("no")]


@MADE_OF
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["draw", "pair", "restrict"])
def test_a_method_that_raises_is_named_in_one_line(method, error, made_of):
    if (method, made_of) == ("restrict", pairs_of):
        pytest.skip("One level has nothing to restrict.")

    def raising(self, *arguments):
        raise error

    got = raised(made_of, type("Mine", (Blur,), {method: raising})())
    assert str(got).startswith("The task Mine cannot")
    assert " ".join(str(error).split()) in str(got)
    assert got.__cause__ is not None


@pytest.mark.parametrize("method", ["draw", "pair"])
def test_a_method_that_raises_is_named_where_pairs_are_coarsened(method):
    def raising(self, *arguments):
        raise TypeError("no way")

    task = type("Mine", (Blur,), {method: raising})()
    with pytest.raises(ValueError, match=f"^The task Mine cannot `{method}`. TypeError: no way$"):
        dataset_of(task, coarsening="degrade_first")


def test_branches_on_tensors_still_work_in_tasks():
    class Branching(Blur):
        def pair(self, example):
            clean = example["clean"]
            if tf.reduce_mean(clean) > 100.0:
                clean = clean - 100.0
            return clean, example["clean"]

    x, y = next(iter(pairs_of(Branching())))
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("offer", "match"),
    [
        (3, "Received: 3 for 'mine'"),
        (dict, "derived from Task"),
        (type("Mine", (NoisyTask,), {}), "Received: Mine without degrade"),
    ],
)
def test_what_is_no_whole_task_is_refused_by_name(offer, match, monkeypatch):
    monkeypatch.setattr("keras_ms.registry.registered", lambda package: {"mine": offer})
    for use in (keras_ms.tasks.get, keras_ms.tasks.options):
        with pytest.raises(ValueError, match=match):
            use("mine")


@pytest.mark.parametrize(
    ("task", "options"), [("deblurring", {"sigma": 1e9}), ("inpainting", {"max_rectangles": 10**8})]
)
def test_degradations_without_end_are_refused(task, options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"`{name}` .*1,000.* Received: {name}="):
        keras_ms.tasks.get(task, **options)
