"""What the package offers: found by `__all__`, from `keras_ms` down."""

import types

import keras_ms


def modules(module=keras_ms):
    """The public modules."""
    yield module
    for name in module.__all__:
        if isinstance(getattr(module, name), types.ModuleType):
            yield from modules(getattr(module, name))


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in modules()
    for name in module.__all__
    if name != "__version__" and not isinstance(getattr(module, name), types.ModuleType)
}
"""Functions, classes and objects by full name."""
