"""The same network and the same steps in a plain PyTorch loop, in a process of its own.

Needs the optional extra `benchmark`. TensorFlow and PyTorch each keep threads that would disturb
the other, hence the process.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleBatch

from .settings import BenchmarkSettings

_TINY_RATE = 1e-6


def available(settings: BenchmarkSettings) -> bool:
    """Whether PyTorch is installed and what is asked for is what is written here."""
    written = {
        "network": "resnet",
        "conditional": False,
        "normalization": None,
        "residual": None,
        "loss": "mse",
        "optimizer": "adam",
        "dtype_policy": "float32",
    }
    other = [f"--{name}" for name, value in written.items() if getattr(settings, name) != value]
    other += ["--task"] * (settings.task == "super_resolution")
    if other:
        print(f"No PyTorch loop is written for these: {', '.join(other)}.")
    return importlib.util.find_spec("torch") is not None and not other


class Worker:
    """A process that takes steps on request; a context manager.

    Args:
        width: Channels of the ResNet.
        depth: Its residual blocks.
    """

    def __init__(self, width: int, depth: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, width, depth), daemon=True)
        self._batches = 0

    def __enter__(self) -> Worker:
        self._process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._pipe.send(None)
        self._process.join()

    def step(self, batch: MultiscaleBatch) -> Callable[[], object]:
        """A function that takes one step on a batch, which stays in the worker's memory."""
        terms = [
            (arrays(batch.fine[level]), arrays(batch.coarse[level]))
            for level in batch.active_levels
        ]
        index, self._batches = self._batches, self._batches + 1
        self._pipe.send(terms)
        self._pipe.recv()

        def take() -> float:
            self._pipe.send(index)
            return self._pipe.recv()

        return take


def arrays(pair: Any) -> tuple[np.ndarray, ...]:
    """A pair as PyTorch takes it: channels first."""
    return tuple(np.moveaxis(t.numpy(), -1, 1) for t in keras.tree.flatten(pair))


def _serve(pipe: Connection, width: int, depth: int) -> None:
    import torch

    network = resnet(width, depth)
    optimizer = torch.optim.Adam(network.parameters(), lr=_TINY_RATE)
    batches: list[Any] = []
    while (message := pipe.recv()) is not None:
        if isinstance(message, list):
            batches.append(
                [[tuple(map(torch.from_numpy, side)) for side in term] for term in message]
            )
            pipe.send(len(batches))
        else:
            pipe.send(step_of(network, optimizer, batches[message]))


def step_of(network: Any, optimizer: Any, terms: list[Any]) -> float:
    """Descends along the telescoping sum of equation 6, term by term."""
    from torch.nn import functional

    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for fine, coarse in terms:
        loss = functional.mse_loss(network(fine[0]), fine[1])
        if coarse:
            loss = loss - functional.mse_loss(network(coarse[0]), coarse[1])
        loss.backward()  # term by term, so that the graph of one is freed before the next
        total += loss.item()
    optimizer.step()
    return total


def resnet(width: int, depth: int) -> Any:
    """`keras_ms.networks.ResNet`, layer by layer."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.GroupNorm(1, width, eps=1e-3),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, width, 3, padding=1),
            )

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    blocks = (Block() for _ in range(depth))
    return nn.Sequential(nn.Conv2d(3, width, 1), *blocks, nn.Conv2d(width, 3, 1))
