"""Where images come from: photographs, folders, data sets by name."""

from keras_ms.data.sources.registry import Source, get, names

__all__ = ["Source", "get", "names"]
