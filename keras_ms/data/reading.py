"""Which examples a step takes, each read when it is first needed, and about once."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_ms.data.example_store import ExampleStore, NoRoomError
from keras_ms.data.examples import Examples
from keras_ms.data.looking_ahead import LookingAhead
from keras_ms.data.progress import track
from keras_ms.data.python_calls import closed_at_the_end
from keras_ms.data.skipped import Skipped
from keras_ms.data.survey import Survey, UnfitValuesError
from keras_ms.validation import no_examples

_MOST_BAD = 1000
"""Bad examples in a row after which a source is given up."""
_BEHIND = 32
"""Steps that examples which are not kept stay: some are prepared in vain when a stage ends."""
AT_ONCE = min(8, os.cpu_count() or 1)
"""Steps that are prepared side by side."""
_PATIENCE = 1.0
"""Seconds that the end of a process waits for an example that is being read."""
_LOOKED_AT, _LOOKED_AT_OF_STREAMS = 64, 8
"""Examples that are looked at before sizes are decided: of known number, all are read anyway."""
_SHOWN_FROM = 64
"""Examples from which on progress is shown."""


class Reading:
    """Numbers the examples of a source in the order in which they come, and keeps them.

    A source of known length is read at once, if memory and disk have room for it. One of unknown
    length is read as far as steps need it and kept as it goes; once it ends, it is like the first
    kind. What never ends, comes out otherwise in every pass, or has no room is read on and on, each
    example once, and forgotten.

    Args:
        examples: The source.
        store: Where examples go.
        skipped: Counts those that cannot.
        seed: Seed of the order.

    Attributes:
        first: The first example that can be read, or one that is like most.
        count: How many examples there are, once they are known and kept.
        keeps: Whether examples are kept.
        whole: Whether all of them were read at once.
        failure: What ended the reading, if anything did: TensorFlow says in its own words what is
            raised within a pipeline.

    Raises:
        ValueError: If there is no example that can be used, or too many cannot.
    """

    def __init__(
        self,
        examples: Examples,
        store: ExampleStore,
        skipped: Skipped,
        seed: int,
    ) -> None:
        self._examples, self._store = examples, store
        self._skipped, self._seed = skipped, abs(seed)
        self._admits: Callable[[Any], str] = lambda example: ""
        self._survey: Survey | None = None
        self._lock = threading.Lock()
        self._read = self._least = 0  # examples below `_least` are not there any more
        self._asked = self._passes = 0
        self.count: int | None = None
        self.keeps, self.whole = True, False
        self.failure: Exception | None = None
        if examples.anew or examples.length == math.inf:
            self._only_pass_on()
        self._ahead = LookingAhead(examples.passes())
        before = self._ahead.first()
        self._source: Iterator[Any] = self._ahead.passed()
        closed_at_the_end(self)
        if not before or isinstance(before[-1][1], Exception):
            self._source = self._good(self._source)
            self._read_one()  # says what is wrong with them
        self.first: Any = before[-1][1]

    def ahead(self) -> list[tuple[str, Any]]:
        """Names and examples: the first that can be read, and some more if sizes may differ."""
        if self._examples.sizes_are_known:
            return self._ahead.some(1)
        length = self._examples.length
        known = length is not None and length != math.inf
        return self._ahead.some(_LOOKED_AT if known else _LOOKED_AT_OF_STREAMS)

    def begin(self, admits: Callable[[Any], str], survey: Survey) -> None:
        """Reads all examples, if their number is known and they have room; else the first.

        Args:
            admits: Returns why an example cannot be used, or an empty string.
            survey: Looks at every example that is read.
        """
        self._admits, length = admits, self._examples.length
        self._survey = survey
        if length is not None and self._bytes_of_first() * length > self._store.room():
            self._only_pass_on()
        at_once = self.keeps and length is not None
        self._source = self._good(self._source, tells=not at_once)
        if not at_once or length is None:
            self._read_one()
            return
        quiet = length < _SHOWN_FROM
        steps = range(int(length) + 1)  # one more than there are examples, to notice the end
        for _ in track(steps, "Reading examples", silent=quiet):
            if not self._read_one():
                break
        self.whole = self.count is not None

    def look(self, count: int) -> None:
        """Reads until so many examples were looked at, or all of them; steps find them there.

        What ends the reading, the next step raises.
        """
        with self._lock:
            try:
                while self._read < count and not self._passes and self.failure is None:
                    self._read_one()
            except Exception as error:  # of the source, whatever it is
                self.failure = error

    def forgive(self) -> None:
        """Forgets that an example did not fit what was expected of it, not what else failed."""
        if isinstance(self.failure, UnfitValuesError):
            self.failure = None

    def take(self, position: int, count: int) -> np.ndarray:
        """Numbers of the examples at `position ... position + count - 1` of the visit.

        Examples of a source that was read at once come in shuffled passes; of others the first
        pass is in the order of reading. In either case, a function of the seed and the position.
        """
        with self._lock:
            if self.failure is not None:  # what is read by now is not all there is
                raise self.failure
            try:
                return self._taken(position, count)
            except Exception as error:  # of the source, whatever it is
                self.failure = error
                raise

    def _taken(self, position: int, count: int) -> np.ndarray:
        while self.count is None:
            position = max(position, self._least)
            self._asked = max(self._asked, position + count)
            if self._read >= position + count:
                self._forget(position, count)
                return np.arange(position, position + count)
            self._read_one()
            self._forget(position, count)
        return self._visit(position, count, self.count)

    @property
    def passed_on(self) -> int:
        """How many examples steps have asked for of a source that is not kept."""
        return self._asked

    def _visit(self, position: int, count: int, total: int) -> np.ndarray:
        places = np.arange(position, position + count)
        numbers = places % total
        for number in np.unique(places // total):
            if number or self.whole:
                inside = places // total == number
                order = _shuffled(self._seed, int(number), total)
                numbers[inside] = order[numbers[inside]]
        return numbers

    def _read_one(self) -> bool:
        """Reads an example, in a new pass if need be; `False` at the end of what is kept."""
        found = next(self._source, None)
        if found is None:
            self._end_pass()
            if self.count is not None:
                return False
            self._source = self._good(self._examples.passes())
            found = next(self._source, None)
        if found is None:
            raise ValueError(
                "Examples are gone through more than once. Received: a source that has none the "
                "second time, such as a generator. Pass a function that makes it."
            )
        self._take(*found)
        return True

    def _end_pass(self) -> None:
        if not self._passes:
            # A run that has begun is not stopped by what it has done without.
            self._skipped.finish(refuse=not self._read or self._examples.length is not None)
        if not self._read:
            raise no_examples("dataset")
        self._passes += 1
        if self.keeps:
            self.count = self._read

    def _take(self, name: str, example: Any) -> None:
        number, self._read = self._read, self._read + 1
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(example)]
        try:
            self._store.add(number, leaves)
        except NoRoomError:
            self._only_pass_on()
        if self._survey is not None:
            self._survey.add(name, example)

    def _only_pass_on(self) -> None:
        self.keeps = False
        self._store.only_pass_on()

    def _forget(self, position: int, count: int) -> None:
        below = position - (AT_ONCE if self._store.is_full else _BEHIND) * count
        if not self.keeps and below > self._least:
            self._store.drop(below)
            self._least = below

    def _good(self, source: Iterator[tuple[str, Any]], tells: bool = False) -> Iterator[Any]:
        counts = None if self._passes else self._skipped
        return _good(source, self._admits, counts, tells)

    def close(self) -> None:
        """Ends the pass over the source, and with it what the source holds open."""
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                source, self._source = self._source, iter(())
                getattr(source, "close", lambda: None)()
            finally:
                self._lock.release()

    def _bytes_of_first(self) -> int:
        return sum(np.asarray(leaf).nbytes for leaf in keras.tree.flatten(self.first))


def _good(
    source: Iterator[tuple[str, Any]],
    admits: Callable[[Any], str],
    counts: Skipped | None,
    tells: bool,
) -> Iterator[tuple[str, Any]]:
    """Examples that can be used, with their names.

    Args:
        source: Names and examples, or errors.
        admits: Returns why an example cannot be used, or an empty string.
        counts: Counts those that can and those that cannot, in the first pass.
        tells: Whether the first that cannot is told of as soon as it comes.
    """
    bad = 0
    for name, example in source:
        reason = str(example) if isinstance(example, Exception) else admits(example)
        bad = bad + 1 if reason else 0
        if counts is not None:
            counts.add(name, reason) if reason else counts.admitted()
            if reason and tells and counts.count == 1:
                counts.tell_of_the_first()
        if not reason:
            yield name, example
        if bad == _MOST_BAD:
            raise ValueError(f"The last {bad} examples cannot be used. Received: {name}: {reason}.")


@functools.lru_cache(maxsize=8)
def _shuffled(seed: int, number: int, total: int) -> np.ndarray:
    return np.random.default_rng((seed, number)).permutation(total)
