"""Masks of holes as photographs have them: rectangles, strokes of a brush, and text."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_ms.validation import known, positive_integer

LETTERS = string.ascii_letters + string.digits + "&?!.,"


def hole_masks(
    count: int,
    sides: Sequence[int],
    kinds: Sequence[str] = ("rectangles", "strokes", "text"),
    seed: int = 0,
) -> np.ndarray:
    """Draws masks for `Inpainting(masks=...)`, each of one kind, the kinds in turn.

    - `"rectangles"`: one to three, with sides of 1/12 to 1/6 of the image's (the paper's).
    - `"strokes"`: one to four free strokes of a brush 2 to 9 pixels wide, such as scratches.
    - `"text"`: one to three lines of letters, 9 to 24 pixels high, at any place.

    Args:
        count: Number of masks.
        sides: Height and width in pixels, those of the finest images.
        kinds: Some of the three. Defaults to all.
        seed: The same seed gives the same masks.

    Returns:
        Array `(count, height, width)`, bool: `True` where a pixel is missing.

    Raises:
        ValueError: If a kind is unknown, there is none, or a number is not positive.

    Example:
        >>> masks = keras_ms.tasks.hole_masks(64, (32, 32), kinds=("strokes", "text"))
        >>> task = keras_ms.tasks.Inpainting(masks=masks)
        >>> masks.shape
        (64, 32, 32)
    """
    positive_integer(count, "count")
    if len(sides) != 2 or min(sides) < 1 or not kinds:
        raise ValueError(
            "Holes have two positive sides, and are of one kind or more. "
            f"Received: sides={tuple(sides)}, kinds={tuple(kinds)}."
        )
    for kind in kinds:
        known(kind, tuple(KINDS), "kinds", "kind of hole")
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, *sides), bool)
    for index in range(count):
        canvas = Image.new("L", (int(sides[1]), int(sides[0])))
        KINDS[kinds[index % len(kinds)]](ImageDraw.Draw(canvas), canvas.size, rng)
        masks[index] = np.asarray(canvas) > 127
    return masks


def _rectangles(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 4)):
        extent = rng.uniform(1 / 12, 1 / 6, 2) * size
        begin = rng.uniform(0.0, 1.0, 2) * (size - extent)
        draw.rectangle([*np.round(begin), *np.round(begin + extent - 1.0)], fill=255)


def _strokes(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 5)):
        width, angle = int(rng.integers(2, 10)), rng.uniform(0.0, 2.0 * math.pi)
        points = [rng.uniform(0.0, 1.0, 2) * size]
        for _ in range(rng.integers(3, 9)):
            angle += rng.normal(0.0, 0.8)
            step = rng.uniform(0.05, 0.2) * min(size)
            points.append(points[-1] + step * np.array([math.cos(angle), math.sin(angle)]))
        draw.line([tuple(point) for point in points], fill=255, width=width, joint="curve")


def _text(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 4)):
        font = ImageFont.load_default(float(rng.uniform(9.0, 24.0)))
        words = ["".join(rng.choice(list(LETTERS), rng.integers(2, 9))) for _ in range(3)]
        x, y = rng.uniform(-0.1, 0.6) * size[0], rng.uniform(0.0, 0.9) * size[1]
        draw.text((x, y), " ".join(words), fill=255, font=font)


Draw = Callable[[ImageDraw.ImageDraw, tuple[int, int], np.random.Generator], None]
KINDS: dict[str, Draw] = {"rectangles": _rectangles, "strokes": _strokes, "text": _text}
