"""Every public name says what it takes, returns and raises, and shows it by an example."""

import inspect

import keras
import pytest
from public_names import PUBLIC, modules

CALLABLES = {name: thing for name, thing in PUBLIC.items() if callable(thing)}
CLASSES = {name: thing for name, thing in CALLABLES.items() if isinstance(thing, type)}


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_public_modules_say_what_is_public(module):
    names = {}
    exec(f"from {module.__name__} import *", names)
    assert set(names) - {"__builtins__"} == set(module.__all__)
    if module.__file__.endswith("__init__.py"):
        own = {name for name, thing in vars(module).items() if is_of(thing, module, name)}
        assert own <= set(module.__all__)


def is_of(thing, module, name):
    """Whether it is a public function or class that was written in the module."""
    here = getattr(thing, "__module__", None) == module.__name__
    return here and callable(thing) and not name.startswith("_")


@pytest.mark.parametrize("name", CALLABLES)
def test_there_is_an_example(name):
    text = inspect.getdoc(CALLABLES[name])
    assert "Example:" in text
    assert ">>>" in text


@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_is_told(name):
    thing = CALLABLES[name]
    text = inspect.getdoc(thing)
    missing = [one for one in parameters(thing) if f"{one}:" not in text]
    assert not missing


def parameters(thing):
    """What a function, or the making of a class, takes; of a model Keras says it."""
    if isinstance(thing, type) and (
        issubclass(thing, keras.Model) or thing.__init__ is object.__init__
    ):
        return []
    taken = inspect.signature(thing).parameters.values()
    return [one.name for one in taken if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]


@pytest.mark.parametrize("name", [n for n, t in CALLABLES.items() if inspect.isfunction(t)])
def test_what_a_function_returns_is_told(name):
    function = CALLABLES[name]
    if inspect.signature(function).return_annotation not in (None, "None"):
        assert "Returns:" in inspect.getdoc(function)


@pytest.mark.parametrize("name", CALLABLES)
def test_errors_are_told(name):
    thing = CALLABLES[name]
    if "raise ValueError" in source(
        vars(thing).get("__init__") if isinstance(thing, type) else thing
    ):
        assert "Raises:" in inspect.getdoc(thing)
        assert "ValueError" in inspect.getdoc(thing)


def source(function):
    """Its text; none of what was not written, such as the making of a dataclass."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


@pytest.mark.parametrize("name", CLASSES)
def test_methods_are_documented(name):
    for method, function in methods(CLASSES[name]):
        text = inspect.getdoc(function)
        assert text, method
        if "raise ValueError" in source(function):
            assert "Raises" in text, method


def methods(thing):
    """Public methods that a class defines itself and that override nothing."""
    for name, method in vars(thing).items():
        known = any(hasattr(parent, name) for parent in thing.__mro__[1:])
        if inspect.isfunction(method) and not name.startswith("_") and not known:
            yield name, method
