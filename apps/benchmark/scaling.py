"""How time, memory and communication of a step grow with pixels and hosts: a model in formulas.

A host takes its share of every batch, so that its pixels are those of the step over the hosts. Then
all add up their gradients, by a ring: each sends and receives twice the gradient, less a share.

    seconds = fixed + per_pixel * pixels / hosts
              + collectives * 2 (hosts - 1) * latency + 2 (1 - 1 / hosts) * bytes / bandwidth
    memory  = fixed + per_pixel * (pixels of the level that holds most) / hosts

What it leaves out: hosts that wait for the slowest, disks that all hosts read from, and links that
several of them share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_ms.levels import Levels

BYTES = 4  # of a number in float32, in which gradients are added up


class Line(NamedTuple):
    """`fixed + slope * x`, of seconds or bytes by pixels."""

    fixed: float
    slope: float

    def at(self, x: float) -> float:
        """The value."""
        return self.fixed + self.slope * x


class Link(NamedTuple):
    """What hosts are joined by.

    Attributes:
        bandwidth: Bytes a second that a host sends while it receives as many.
        latency: Seconds of one message.
        collectives: How many sums over all hosts a step needs: one of the gradient, two of every
            number in the logs.
    """

    bandwidth: float
    latency: float
    collectives: int = 3


class Step(NamedTuple):
    """A step of a telescoping sum from the finest level on, or a plain one if it has one size.

    Attributes:
        side: Pixels on a side of the finest mesh.
        batch_sizes: Of the terms on all hosts together, finest first.
        hosts: How many share it.
    """

    side: int
    batch_sizes: tuple[int, ...]
    hosts: int = 1

    @property
    def pixels(self) -> float:
        """Pixels that the network sees on one host, coarse halves of terms too."""
        levels = Levels(self.batch_sizes)
        return levels.work_units() * self.side**2 / self.hosts

    @property
    def pixels_at_once(self) -> float:
        """Pixels whose activations one host holds at once: levels come one after another."""
        before = (0, *self.batch_sizes[:-1])
        pairs = zip(self.batch_sizes, before, strict=True)
        most = max((own + finer) / 4**level for level, (own, finer) in enumerate(pairs))
        return most * self.side**2 / self.hosts


def fitted(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line that is off least, each point by its share of the value measured there.

    Args:
        x: Two or more different numbers, such as pixels.
        y: What was measured, positive.

    Raises:
        ValueError: If there are fewer than two different points.

    Example:
        >>> line = fitted([1.0, 2.0, 4.0], [3.0, 4.0, 6.0])
        >>> round(line.fixed, 6), round(line.slope, 6)
        (2.0, 1.0)
    """
    if len(set(x)) < 2:
        raise ValueError(f"A line takes two different points. Received: x={list(x)}.")
    slope, fixed = np.polyfit(x, y, 1, w=1.0 / np.asarray(y))
    return Line(float(fixed), float(slope))


def communication(link: Link, parameters: int, hosts: int) -> float:
    """Seconds in which hosts add up their gradients."""
    if hosts == 1:
        return 0.0
    messages = 2 * (hosts - 1) * link.collectives
    return messages * link.latency + traffic(parameters, hosts) / link.bandwidth


def traffic(parameters: int, hosts: int) -> float:
    """Bytes that a host sends in a step, and as many that it receives."""
    return 2.0 * (1.0 - 1.0 / hosts) * BYTES * parameters


def seconds(step: Step, compute: Line, link: Link, parameters: int) -> float:
    """Seconds of a step.

    Args:
        step: The step.
        compute: Seconds by pixels on one host.
        link: Between the hosts.
        parameters: Numbers in the gradient.
    """
    return compute.at(step.pixels) + communication(link, parameters, step.hosts)


def efficiency(step: Step, compute: Line, link: Link, parameters: int) -> float:
    """How much of a host's time is left of what it would do alone: 1 at best.

    That is the seconds of the step on one host, over those of all hosts together.
    """
    alone = compute.at(step._replace(hosts=1).pixels)
    return alone / (step.hosts * seconds(step, compute, link, parameters))


def most_hosts(step: Step, compute: Line, link: Link, parameters: int, least: float) -> int:
    """The most hosts, powers of two up to the finest batch, that are still so efficient."""
    found = 1
    for power in range(int(math.log2(step.batch_sizes[0])) + 1):
        hosts = 2**power
        if efficiency(step._replace(hosts=hosts), compute, link, parameters) >= least:
            found = hosts
    return found
