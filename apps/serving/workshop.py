"""Restores what the page sends, within one folder: nothing else is written, and little is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keras_ms.data.sources.pillow_reader import UnreadableError
from keras_ms.inference import Restorer

from ..experiment import one_picture
from ..experiment.one_picture import How
from . import previews

KEPT = 4  # results: the page shows one, and may be open more than once
UPLOAD, RESTORED, BEFORE, AFTER = "upload", "restored", "before.png", "after.png"
PARTS = (RESTORED, BEFORE, AFTER)


class EndedError(Exception):
    """A picture that nobody waits for any more."""


class Workshop:
    """Models and results; every picture has a folder of its own, named by chance.

    Names of files that people send never reach it.

    Args:
        folder: Where everything is written.
        hows: How pictures are restored, by the model's name on the page.
    """

    def __init__(self, folder: pathlib.Path, hows: Mapping[str, How]) -> None:
        self.hows = hows
        self._folder = folder
        self._kept: list[str] = []
        self._stopped = threading.Event()

    @contextlib.contextmanager
    def place(self) -> Iterator[pathlib.Path]:
        """A new folder for one picture, removed in the end unless there is a result in it."""
        place = self._folder / secrets.token_hex(16)
        place.mkdir()
        try:
            yield place
        finally:
            if place.name not in self._kept:
                shutil.rmtree(place, ignore_errors=True)

    def how(self, model: str, noise_level: float | None) -> How:
        """How a picture is restored by a model of the page.

        Raises:
            ValueError: If there is no such model, or the noise level is missing or not wanted.
        """
        if model not in self.hows:
            raise ValueError(f"There is no such model. Received: {model}.")
        how = self.hows[model]
        if how.restorer.conditional and noise_level is None:
            raise ValueError("This model is told the noise level: give t.")
        if not how.restorer.conditional and noise_level is not None:
            raise ValueError("This model is not told the noise level: leave t out.")
        return how._replace(noise_level=noise_level)

    def restore(self, place: pathlib.Path, how: How, is_over: Callable[[], bool]) -> dict[str, Any]:
        """Restores the file `UPLOAD` in a place, which is removed; keeps what came of it.

        Args:
            place: What `place` gave.
            how: What `how` returned.
            is_over: Whether nobody waits for it any more; asked before every tile.

        Returns:
            What the page is told, for JSON.

        Raises:
            ValueError: If the file cannot be restored, in words for the page.
            EndedError: If nobody waits for it any more, or the workshop is closed.
        """
        begun = time.monotonic()
        ends = self._until(how.restorer, lambda: is_over() or self._stopped.is_set())
        made = _restored(how._replace(restorer=ends), place)
        picture = made.picture
        shared = picture.alpha, picture.orientation
        before = previews.write(picture.pixels, *shared, place / BEFORE)
        after = previews.write(made.restored, *shared, place / AFTER)
        (place / UPLOAD).unlink()
        self._keep(place.name)
        return {
            "result": place.name,
            "before": before._asdict(),
            "after": after._asdict(),
            "remarks": made.remarks,
            "seconds": round(time.monotonic() - begun, 1),
        }

    def part(self, result: str, part: str) -> pathlib.Path | None:
        """The file of a part of a result, if it is kept."""
        if result not in self._kept or part not in PARTS:
            return None
        return self._folder / result / part

    def close(self) -> None:
        """Ends what is under way, at its next tile."""
        self._stopped.set()

    def _keep(self, result: str) -> None:
        self._kept.append(result)
        while len(self._kept) > KEPT:
            shutil.rmtree(self._folder / self._kept.pop(0), ignore_errors=True)

    @staticmethod
    def _until(restorer: Restorer, is_over: Callable[[], bool]) -> Restorer:
        """A model that stops between two tiles."""

        def function(*arguments: Any) -> Any:
            if is_over():
                raise EndedError
            return restorer.function(*arguments)

        return dataclasses.replace(restorer, function=function)


def _restored(how: How, place: pathlib.Path) -> one_picture.Made:
    """Restores a file; errors do not name it, since the page has another name for it."""
    upload, target = place / UPLOAD, place / RESTORED
    try:
        return one_picture.restore(how, upload, target)
    except UnreadableError as error:
        named = str(place) in error.reason
        reason = "its format is none that is known" if named else error.reason
        raise ValueError(f"This file cannot be read as a picture: {reason}.") from error
    except ValueError as error:
        text = str(error).replace(str(upload), "This picture").replace(str(target), "The result")
        raise ValueError(text) from error
