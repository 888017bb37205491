"""Training on several devices or hosts, by TensorFlow's strategies and its TF_CONFIG."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from .option_names import MIRRORED, MULTI_WORKER

TIMEOUT = 600  # seconds that a host waits for the others, while these write, trace or validate


def name_of(settings: Any) -> str:
    """How to distribute, of settings of any app."""
    return getattr(settings, "distribute", "none")


@contextlib.contextmanager
def begun(settings: Any) -> Iterator[bool]:
    """Begins to work together, before TensorFlow does anything else; yields whether to write.

    What other hosts than the chief print is dropped.

    Raises:
        ValueError: If `TF_CONFIG` makes no sense, or TensorFlow has begun already.
    """
    is_chief = place(settings).is_chief
    with contextlib.ExitStack() as stack:
        if not is_chief:
            nothing = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(nothing))
        yield is_chief


def place(settings: Any) -> Any:
    """Which host this is, and how many there are: a `keras_ms.training.hosts.Place`."""
    from keras_ms.training.hosts import Place, place_of

    return Place() if name_of(settings) != MULTI_WORKER else place_of(strategy(MULTI_WORKER))


def scope(settings: Any) -> Any:
    """The context in which a model and its optimizer are made."""
    name = name_of(settings)
    return contextlib.nullcontext() if name == "none" else strategy(name).scope()


def shard(settings: Any) -> tuple[int, int] | None:
    """The part of the images that this host reads, as a `MultiscaleDataset` takes it."""
    here = place(settings)
    return None if here.hosts == 1 else tuple(here)


def naming_lost_hosts(settings: Any) -> contextlib.AbstractContextManager[None]:
    """Within it, a host that is gone ends this one with a `ConnectionError`, in one line."""
    if place(settings).hosts == 1:
        return contextlib.nullcontext()
    from keras_ms.training import agreement

    return agreement.naming_lost_hosts(strategy(MULTI_WORKER))


def said_by_chief(settings: Any, say: Callable[[], Any]) -> Any:
    """What the chief of the hosts says, on each of them; what it refuses, all refuse.

    Args:
        settings: Those of the run.
        say: Returns what JSON can hold. It is called on the chief alone, or on the only host.

    Raises:
        ValueError: On every host, if `say` raises it; likewise an `OSError`.
        ConnectionError: If another host is gone.
    """
    if place(settings).hosts == 1:
        return say()
    from keras_ms.training.collectives import said_by_chief as said

    with naming_lost_hosts(settings):
        return json.loads(said(strategy(MULTI_WORKER), lambda: json.dumps(say()).encode()))


def gathered(settings: Any, numbers: list[float]) -> Any:
    """The numbers of every host, `(hosts, numbers)`, on all of them; all call it.

    Raises:
        ConnectionError: If another host is gone.
    """
    from keras_ms.training.collectives import sums_of

    with naming_lost_hosts(settings):
        return sums_of(strategy(MULTI_WORKER)).gathered(numbers)


@functools.cache
def strategy(name: str) -> Any:
    """The strategy of this process, made once.

    Raises:
        ValueError: If it cannot be made.
    """
    import tensorflow as tf

    if name == MIRRORED:
        return tf.distribute.MirroredStrategy()
    check_tf_config(os.environ.get("TF_CONFIG", ""))
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=TIMEOUT)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"The hosts of TF_CONFIG cannot begin together ({' '.join(str(error).split())[:300]}). "
            "Start the same command on all hosts, each with its own index, as soon as you can."
        ) from error


def check_tf_config(text: str) -> None:
    """Checks the environment variable `TF_CONFIG`.

    Raises:
        ValueError: If it is no JSON object of a cluster and of the task that this host is in it.
    """
    try:
        told = json.loads(text)
        workers = [*told["cluster"].get("chief", []), *told["cluster"]["worker"]]
        kind, index = told["task"]["type"], int(told["task"]["index"])
        fits = kind in ("chief", "worker") and 0 <= index < len(told["cluster"][kind])
    except (ValueError, KeyError, TypeError, AttributeError):
        workers, fits = [], False
    if not fits or not all(isinstance(address, str) and ":" in address for address in workers):
        raise ValueError(
            "--distribute=multi_worker takes TF_CONFIG, which names all hosts and this one's place "
            f"among them. Received: TF_CONFIG={text!r}. Use for example "
            'TF_CONFIG=\'{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
            '"task": {"type": "worker", "index": 0}}\'.'
        )
