"""Where images come from: photographs, folders, data sets by name.

A data set is a file of this folder: a `Source`, and `NAMES = {"its name": "ITS_SOURCE"}`.
"""

from keras_ms.data.sources.source import Source
from keras_ms.registry import registered
from keras_ms.validation import known


def get(name: str) -> Source:
    """Returns a data set by name.

    Args:
        name: One of `names()`, for example `"photos"`.

    Returns:
        A `Source`.

    Raises:
        ValueError: If there is no data set of that name.

    Example:
        >>> source = keras_ms.data.sources.get("photos")
        >>> len(source.load("train", None, 3)), source.mean
        (3, (0.5,))
    """
    return registered(__name__)[known(name, names(), "dataset", "data set")]


def names() -> tuple[str, ...]:
    """Names that `get` knows.

    Returns:
        The names.

    Example:
        >>> "photos" in keras_ms.data.sources.names()
        True
    """
    return tuple(registered(__name__))


__all__ = ["Source", "get", "names"]
