"""A registry is a folder: what its files offer by name is found, and odd offers are refused."""

import itertools
import subprocess
import sys

import pytest

import keras_ms
from keras_ms.registry import registered

_numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes a package of the given modules, by name, and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules):
        name = f"package_of_a_test_{next(_numbers)}"
        (tmp_path / name).mkdir()
        for module, code in {"__init__": "", **modules}.items():
            (tmp_path / name / f"{module}.py").write_text(code)
        return name

    return make


def test_a_module_offers_what_its_names_lead_to(package):
    name = package(
        more="NAMES = {'b': 'B', 'a': '_a'}\nB = 2\n_a = 1\n", parts="B = 3\n", one="NAMES = {}\n"
    )
    assert list(registered(name).items()) == [("a", 1), ("b", 2)]


def test_packages_within_are_left_alone(package, tmp_path):
    name = package(one="NAMES = {'one': 'ONE'}\nONE = 1\n")
    (tmp_path / name / "slow").mkdir()
    (tmp_path / name / "slow" / "__init__.py").write_text("raise ImportError\n")
    assert registered(name) == {"one": 1}


def test_a_name_given_twice_is_refused(package):
    name = package(one="NAMES = {'same': 'A'}\nA = 1\n", two="NAMES = {'same': 'B'}\nB = 2\n")
    with pytest.raises(ValueError, match=rf"Received: 'same' in {name}\.one and in {name}\.two"):
        registered(name)


def test_a_name_that_leads_nowhere_is_refused(package):
    name = package(one="NAMES = {'a': 'Missing'}\n")
    with pytest.raises(ValueError, match=rf"NAMES\['a'\]='Missing' in {name}\.one"):
        registered(name)


@pytest.mark.parametrize("names", ["['A']", "'A'", "{'a': 3}", "{3: 'A'}", "{'a': A}", "None"])
def test_names_that_are_no_dictionary_of_strings_are_refused(package, names):
    name = package(good="NAMES = {'b': 'B'}\nB = 1\n", one=f"A = 1\nNAMES = {names}\n")
    with pytest.raises(ValueError, match=rf"all of them strings. Received: NAMES=.*{name}/one\.py"):
        registered(name)


ONE_FILE_MORE = {
    "tasks": """
from keras_ms.tasks.task import Task
NAMES = {"dimming": "Dimming"}
class Dimming(Task):
    def __init__(self, factor=0.5): self.factor = factor
    def draw(self, images, seed): return {"clean": images}
    def restrict(self, example): return example
    def pair(self, example): return self.factor * example["clean"], example["clean"]
""",
    "networks": """
import keras
NAMES = {"dimming": "Linear"}
def Linear(channels=3, width=1):
    image = keras.Input((None, None, channels))
    return keras.Model(image, keras.layers.Conv2D(channels, width, padding="same")(image))
""",
    "data.sources": """
from keras_ms.data.sources.source import Source
NAMES = {"dimming": "SOURCE"}
SOURCE = Source(lambda split, data_dir=None, limit=None: [split] * limit)
""",
}


@pytest.mark.parametrize(
    ("room", "use"),
    [
        ("tasks", "(room.get('dimming', factor=0.1).factor, room.options('dimming'))"),
        ("networks", "(room.get('dimming', width=3).count_params(), room.options('dimming'))"),
        ("data.sources", "(room.get('dimming').load('train', None, 2), room.get('dimming').mean)"),
    ],
)
def test_one_file_more_in_the_folder_is_one_name_more(room, use, tmp_path):
    (tmp_path / "one_more.py").write_text(ONE_FILE_MORE[room])
    code = (
        f"import keras_ms; from keras_ms import {room.split('.')[0]}; room = keras_ms.{room}; "
        f"room.__path__.append({str(tmp_path)!r}); assert 'dimming' in room.names(); print({use})"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout.strip() in (
        "(0.1, ('factor',))",
        "(84, ('channels', 'width'))",
        "(['train', 'train'], (0.5,))",
    )


@pytest.mark.parametrize("room", [keras_ms.tasks, keras_ms.networks, keras_ms.data.sources])
def test_names_are_sorted_and_an_unknown_one_is_refused(room):
    assert list(room.names()) == sorted(room.names())
    with pytest.raises(ValueError, match=r"There is no such .*Received: .*='nonsense'. Use one of"):
        room.get("nonsense")


@pytest.mark.parametrize("room", [keras_ms.tasks, keras_ms.networks])
def test_options_of_an_unknown_name_are_refused(room):
    with pytest.raises(ValueError, match=r"Received: .*='nonsense'"):
        room.options("nonsense")


def test_names_of_the_library():
    assert {"denoising", "deblurring", "inpainting"} <= set(keras_ms.tasks.names())
    assert {"resnet", "resnet18", "resnet50", "unet", "unet5", "espcn"} <= set(
        keras_ms.networks.names()
    )
    assert {"photos", "folder", "stl10", "celeb_a", "urban100"} <= set(
        keras_ms.data.sources.names()
    )
