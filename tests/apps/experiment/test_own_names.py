"""A task and a network of one's own by `module:attribute`, from the command line."""

import keras
import pytest

from apps import train
from apps.experiment import building, flags
from apps.experiment.settings import Settings

MODULE = '''
import keras
import keras_ms


class Dimming(keras_ms.tasks.NoisyTask):
    """Makes images darker."""

    def degrade(self, example):
        return 0.5 * example["clean"]


def build(channels=3, conditional=False, width=4):
    inputs = keras.Input((None, None, channels))
    hidden = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Conv2D(channels, 3, padding="same")(hidden))


def built_of_nothing():
    return None


task = Dimming()
'''
TINY = {
    "batch_sizes": (2, 4),
    "iterations": (2, 2),
    "image_size": 16,
    "dtype_policy": "float32",
    "validation_samples": 2,
    "validations": 2,
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "dimming_of_ones_own.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [path for path in flags.sys.path if path])
    return "dimming_of_ones_own"


def test_both_are_found_in_the_present_folder_and_train(module, parse, tmp_path):
    given = [f"--{name}={value}" for name, value in (("seed", 1), ("width", 5))]
    made = parse(Settings, f"--task={module}:Dimming", f"--network={module}:build", *given)
    assert made.image_size == 128  # no preset has values for it
    settings = Settings(
        task=f"{module}:Dimming",
        network=f"{module}:build",
        strategy="progressive",
        output=str(tmp_path / "out"),
        width=5,
        **TINY,
    )
    (outcome,) = train.run(settings)
    assert outcome.model.name == "build"
    assert outcome.model.layers[1].filters == 5
    assert (tmp_path / "out" / "model" / "saved_model.pb").exists()
    assert train._output_of(Settings(task=f"{module}:Dimming")).name == "Dimming"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "no_such_module_here:Task"}, "named module:attribute.*no_such_module_here"),
        ({"task": "{}:Brightening"}, "named module:attribute.*Brightening"),
        ({"task": "{}:task"}, "A task is a class derived from Task"),
        ({"task": ":"}, "named module:attribute"),
        ({"network": "{}:task"}, "A network is a function"),
        ({"task": "dimming"}, "--task is one of"),
        ({"network": "built"}, "--network is one of"),
    ],
)
def test_what_is_none_is_refused_by_name(module, options, message, monkeypatch):
    monkeypatch.syspath_prepend(".")
    with pytest.raises(ValueError, match=message):
        Settings(**{name: value.format(module) for name, value in options.items()})


def test_a_function_that_returns_no_model_is_refused(module, monkeypatch):
    monkeypatch.syspath_prepend(".")
    with pytest.raises(ValueError, match=r"NoneType of --network=.*Return keras\.Model"):
        building.make_network(Settings(network=f"{module}:built_of_nothing"))


def test_on_the_command_line_a_wrong_name_is_refused_before_anything_is_loaded(parse):
    with pytest.raises(ValueError, match=r"--task is one of .*or module:attribute"):
        parse(Settings, "--task=dimming")


def test_networks_of_the_library_keep_their_names():
    settings = Settings(network="resnet", width=4, depth=1)
    assert isinstance(building.make_network(settings), keras.Model)
    assert building.short_name("resnet") == "resnet"
