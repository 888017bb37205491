import pytest

import keras_ms
from apps import strategies
from apps.experiment import choices


@pytest.fixture
def package(tmp_path):
    (tmp_path / "sharpening.py").write_text(
        'import no_such_module\n\nNAMES = {"sharpening": "Sharpening", "blurring": "Blurring"}\n'
    )
    (tmp_path / "annotated.py").write_text('NAMES: dict[str, str] = {"annotated": "Annotated"}\n')
    (tmp_path / "base.py").write_text("class Base:\n    NAMES = {'inner': 'no'}\n")
    (tmp_path / "text.txt").write_text("NAMES = {'text': 'Text'}")
    return tmp_path


def test_names_are_read_without_importing(package):
    assert choices.names_in(package) == ("annotated", "blurring", "sharpening")


def test_names_of_several_folders_are_one_list(package, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "third.py").write_text('NAMES = {"aaa": "A"}\n')
    assert choices.names_in(package, other)[0] == "aaa"


UNREADABLE = {
    "computed": "NAMES = dict(computed='Computed')\n",
    "list": "NAMES = ['one']\n",
    "numbers": "NAMES = {'one': 3}\n",
    "twice": "NAMES = {'one': 'One'}\nNAMES['two'] = 'Two'\n",
    "longer": "NAMES = {'one': 'One'}\nNAMES |= {'two': 'Two'}\n",
    "hidden": "if True:\n    NAMES = {'one': 'One'}\n",
    "imported": "from elsewhere import OFFER as NAMES\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_names_that_cannot_be_read_are_refused_with_their_file(name, package):
    (package / f"{name}.py").write_text(UNREADABLE[name])
    with pytest.raises(ValueError, match=rf"written out. Received: .*/{name}\.py, line [12]\. Use"):
        choices.names_in(package)


def test_a_file_with_an_error_of_syntax_is_named(package):
    (package / "broken.py").write_text("x = 1\nNAMES = {'one': \n")
    with pytest.raises(ValueError, match=r"Received: .*/broken\.py \(.*broken\.py, line 2\)"):
        choices.names_in(package)


def test_unreadable_names_are_passed_over_until_an_app_starts(package, monkeypatch):
    monkeypatch.setattr(choices, "STRATEGIES", package)
    assert choices.check() is None
    (package / "computed.py").write_text(UNREADABLE["computed"])
    assert choices.strategies() == ("annotated", "blurring", "sharpening")
    with pytest.raises(ValueError, match=r"computed\.py"):
        choices.check()


def test_a_constant_that_is_no_literal_is_not_guessed(package):
    (package / "computed.py").write_text("NAMES = dict(computed='Computed')\nNAMES_TOO = 1\n")
    assert choices.literal(package / "computed.py", "NAMES", "nothing") == "nothing"
    assert choices.literal(package / "computed.py", "NAMES_TOO", None) == 1
    assert choices.literal(package / "base.py", "NAMES", None) is None


def test_strategies_on_file_are_those_of_the_registry():
    assert choices.strategies() == strategies.names()


def test_coarsenings_on_file_are_those_of_the_library():
    from keras_ms.data.geometry import OFFERED

    assert choices.constant_of_library("data/geometry.py", "OFFERED") == OFFERED


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("tasks",), keras_ms.tasks.names),
        (("networks",), keras_ms.networks.names),
        (("data", "sources"), keras_ms.data.sources.names),
    ],
)
def test_names_on_file_are_those_of_the_library(path, names):
    assert choices.of_library(*path) == names()
