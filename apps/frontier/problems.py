"""What is learned in a frontier, by which network."""

from __future__ import annotations

from typing import Any, NamedTuple

TASKS = ("denoising/half_resnet", "deblurring/unet", "super_resolution/resnet")
PAIRS = ("pairs/unet",)


class Named(NamedTuple):
    """A problem.

    Attributes:
        learned: Name of the task, or what a user calls pairs.
        network: Name of the network.
    """

    learned: str
    network: str

    @property
    def title(self) -> str:
        """As it is written on the command line."""
        return f"{self.learned}/{self.network}"

    @property
    def file(self) -> str:
        """As its files are called."""
        return f"{self.learned}-{self.network}"


def chosen(settings: Any) -> list[Named]:
    """The problems that settings ask for.

    Args:
        settings: With `problems` and `target_dir`.

    Raises:
        ValueError: If there is no such task or network, or pairs are called by no plain name.
    """
    import keras_ms

    own = settings.target_dir is not None
    titles = settings.problems or (PAIRS if own else TASKS)
    known = keras_ms.networks.names()
    found = [Named(*title.partition("/")[::2]) for title in titles]
    for title, problem in zip(titles, found, strict=True):
        learnable = _is_plain(problem.learned) if own else problem.learned in keras_ms.tasks.names()
        if not learnable or problem.network not in known:
            what = "a name of your pairs" if own else f"one of {', '.join(keras_ms.tasks.names())}"
            raise ValueError(
                f"--problems are NAME/NETWORK, where NAME is {what} and NETWORK one of "
                f"{', '.join(known)}. Received: {title}."
            )
    return found


def _is_plain(name: str) -> bool:
    """Whether a name can be part of the name of a file."""
    return name.replace("_", "").replace("-", "").isalnum()
