"""Programs of the documentation as they are pasted, but cut down to a few seconds each.

They run to their end, with their own data, networks and calls. Only this is less:

- a stage of a schedule has one step, and so has an epoch;
- budgets of seconds or work units pay for one step;
- a plain `fit` ends after a step, validation after a batch;
- `diagnose` takes 8 samples and times each batch once; what `fit` measures begins after one step;
- the photographs that come with scikit-image are cut to 256 px;
- steps run eagerly, since tracing takes longer than they do.
"""

import functools
import inspect

import keras

import keras_ms
from keras_ms.diagnostics import seconds
from keras_ms.keras_internals.fitting import StageAdapter
from keras_ms.training import automatic

MOST_EPOCHS = 4
SAMPLES = 8
TINY_BUDGET = 1e-3
SIDE = 256
_photos = keras_ms.data.photos


def cut_down(monkeypatch):
    """Makes runs short until the end of the test."""
    for thing, name, change in (
        (keras_ms.MultiscaleDataset, "__init__", _one_step_an_epoch),
        (keras_ms.FullMultiscaleSchedule, "__init__", _one_step_a_stage),
        (keras_ms.AdaptiveSchedule, "__init__", _tiny_budget),
        (keras_ms, "diagnose", _few_samples),
        (keras.Model, "fit", _few_steps),
        (keras.Model, "compile", _eagerly),
    ):
        monkeypatch.setattr(thing, name, _changed(getattr(thing, name), change))
    monkeypatch.setattr(keras_ms.data, "photos", _small_photos)
    monkeypatch.setattr(automatic, "WARM_UP", 1)
    monkeypatch.setattr(automatic, "SAMPLES", 1)
    monkeypatch.setattr(seconds, "REPEATS", 1)


def _changed(function, change):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def changed(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        change(bound.arguments)
        return function(*bound.args, **bound.kwargs)

    return changed


@functools.cache
def _small_photos(split="train"):
    return [photo[:SIDE, :SIDE].copy() for photo in _photos(split)]


def _one_step_an_epoch(given):
    given["steps_per_epoch"] = 1


def _one_step_a_stage(given):
    given["steps_per_epoch"] = 1
    given["iterations"] = [min(1, steps) for steps in given.get("iterations", (1, 1, 1, 1))]


def _tiny_budget(given):
    given.pop("seconds", None)
    given["work_units"] = TINY_BUDGET


def _few_samples(given):
    given["samples"] = SAMPLES


def _few_steps(given):
    if given.get("validation_data") is not None:
        given["validation_steps"] = 1
    given["epochs"] = min(given.get("epochs", 1), MOST_EPOCHS)
    if not isinstance(given["x"], StageAdapter):  # ordinary data
        given["epochs"], given["steps_per_epoch"] = 1, 1


def _eagerly(given):
    given["run_eagerly"] = True
