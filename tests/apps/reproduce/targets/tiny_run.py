"""A run of targets at their tiny size, on a few small pictures of a folder."""

import csv
import json

from conftest import small_images
from PIL import Image

from apps.reproduce import runner
from apps.reproduce.settings import ReproduceSettings


def run(folder, *targets, seeds=(0,)):
    """What the run returned, and the folder of what it left."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for number, picture in enumerate(small_images(10, 64)):
        Image.fromarray((255.0 * picture).astype("uint8")).save(pictures / f"{number}.png")
    settings = ReproduceSettings(
        target=targets,
        scale="tiny",
        dataset="folder",
        data_dir=str(pictures),
        seeds=seeds,
        output=str(folder / "made"),
    )
    return runner.run(settings), folder / "made"


def row_of(output, cell):
    return json.loads((output / "cells" / f"{cell}.json").read_text())


def lines_of(output, target):
    with (output / f"{target}.csv").open() as file:
        return list(csv.DictReader(file))


def is_whole(output, target):
    """Whether a target has left its three files."""
    return all((output / f"{target}.{suffix}").stat().st_size for suffix in ("md", "csv", "png"))
