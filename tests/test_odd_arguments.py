"""Public callables refuse arguments of odd types and values by a `ValueError`, whatever it is."""

import inspect

import keras
import numpy as np
import PIL.Image
import pytest
from conftest import pair_dataset

import keras_ms
from keras_ms import callbacks, data, inference, networks, tasks
from keras_ms.training.checks import checked_rate

PHOTOS = [np.full((32, 32, 3), shade, np.uint8) for shade in (0, 90, 180)]
ODD = (
    "x",
    None,
    float("nan"),
    float("inf"),
    -1,
    2.5,
    [],
    object(),
    (1, "a"),
    ["a"],
    {},
)
SMALL = {
    "HalfResNet": {"width": 4, "depth": 1},
    "ResNet": {"width": 4, "depth": 1},
    "UNet": {"width": 4, "multipliers": (1, 2)},
    "ResNetEncoder": {"width": 4, "blocks": (1,)},
}
TASKS = {name: (type(tasks.get(name)), {}) for name in tasks.names()}
NETWORKS = {name: (getattr(networks, name), options) for name, options in SMALL.items()}
OTHERS = {
    "Levels": (keras_ms.Levels, {"batch_sizes": (2, 4)}),
    "MultiscaleDataset": (
        keras_ms.MultiscaleDataset,
        {"images": PHOTOS, "task": tasks.Denoising(), "levels": (1, 2), "image_size": 16},
    ),
    "evaluation_pairs": (
        data.evaluation_pairs,
        {"images": PHOTOS, "task": tasks.Denoising(), "image_size": 16},
    ),
    "FullMultiscaleSchedule": (keras_ms.FullMultiscaleSchedule, {"iterations": (5, 10)}),
    "AdaptiveSchedule": (keras_ms.AdaptiveSchedule, {"work_units": 9.0}),
    "Checkpoint": (callbacks.Checkpoint, {"directory": "run"}),
    "RefreshStatistics": (keras_ms.RefreshStatistics, {}),
    "ValidationImages": (
        callbacks.ValidationImages,
        {"log_dir": "logs", "data": (np.stack(PHOTOS), np.stack(PHOTOS))},
    ),
    "StopOnDivergence": (callbacks.StopOnDivergence, {}),
    "WarmUpPerStage": (callbacks.WarmUpPerStage, {"learning_rate": 1e-3, "steps": 2}),
}
FREE = {"name", "cache_bytes"}
"""What Keras checks, and what has room for any number."""


def refusals(function, usual):
    """Every odd value of every argument: what was raised that is no proper `ValueError`."""
    faults = []
    for argument in inspect.signature(function).parameters.values():
        if argument.kind in (argument.VAR_KEYWORD, argument.VAR_POSITIONAL):
            continue
        for value in () if argument.name in FREE else ODD:
            try:
                function(**{**usual, argument.name: value})
            except ValueError as error:
                if "Received: " not in str(error):
                    faults.append(f"{argument.name}={value!r}: no Received: {error}")
            except Exception as error:
                faults.append(f"{argument.name}={value!r}: {type(error).__name__}: {error}")
    return faults


@pytest.mark.parametrize("name", [*TASKS, *NETWORKS, *OTHERS])
def test_odd_values_are_refused_in_words(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some values are paths
    assert refusals(*{**TASKS, **NETWORKS, **OTHERS}[name]) == []


@pytest.mark.parametrize(
    "odd",
    [{"channels": value} for value in ("x", None, 2.5, [])]
    + [{"alpha": value} for value in ("x", None, float("nan"), [])]
    + [{"layers": 2.5}],
    ids=str,
)
def test_an_encoder_that_is_slow_to_build_refuses_odd_values(odd):
    with pytest.raises(ValueError, match="Received: "):
        networks.MobileNetV2Encoder(**{"width": 4, "alpha": 0.35, **odd})


SOURCES = {
    "FolderPairs": (data.FolderPairs, {"inputs": "x", "targets": "y"}),
    "FolderImages": (data.FolderImages, {"directory": "x"}),
    "folder": (data.folder, {"directory": "x"}),
    "read_image": (data.read_image, {"path": "x/a.png"}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources_of_files_refuse_odd_values(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        for file in ("a.png", "b.png"):
            PIL.Image.fromarray(PHOTOS[1]).save(tmp_path / folder / file)
    assert refusals(*SOURCES[name]) == []


def test_arrays_of_several_numbers_are_no_count():
    with pytest.raises(ValueError, match="Received: steps=array"):
        keras_ms.RefreshStatistics(steps=np.ones(2, int))


@pytest.mark.parametrize(
    "odd",
    [{name: value} for name in ("mean", "std") for value in ("x", None, float("nan"), {})]
    + [{"path": value} for value in (None, 3, [])]
    + [{"formats": value} for value in (3, None, "onnx", ("onxx",))],
    ids=str,
)
def test_an_export_refuses_odd_values(odd, tmp_path):
    model = networks.ResNet(width=4, depth=1)
    with pytest.raises(ValueError, match="Received: "):
        inference.export(model, **{"path": tmp_path / "model", **odd})


@pytest.mark.parametrize(
    "rate", [lambda share: 1e-3, lambda: "x", keras.optimizers.schedules.CosineDecay]
)
def test_an_optimizer_whose_rate_fails_is_refused_before_training(rate):
    model = keras_ms.MultiscaleModel.from_model(networks.ResNet(width=4, depth=1))
    model.compile(keras.optimizers.SGD(rate), "mse")
    with pytest.raises(ValueError, match=r"`learning_rate` of an optimizer.* Received: one of SGD"):
        model.fit(pair_dataset((2, 4)), verbose=0)


def test_a_function_of_something_else_than_the_share_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate=.*, which gives 'nothing'"):
        checked_rate(lambda: 1e-3, 0.5)


@pytest.mark.parametrize("telescoping", [True, False])
@pytest.mark.parametrize("levels", [(2, 4), "auto"])
def test_a_model_without_a_loss_is_refused_before_training(levels, telescoping):
    model = keras_ms.MultiscaleModel.from_model(networks.ResNet(width=4, depth=1))
    model.compile("sgd")
    size = {"image_size": 16} if levels == "auto" else {}
    dataset = pair_dataset(levels, telescoping=telescoping, **size)
    with pytest.raises(ValueError, match=r"learns by its `loss`\. Received: compile\(loss=None\)"):
        model.fit(dataset, verbose=0)
